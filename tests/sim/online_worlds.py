"""Small experiments with a predictor that learns while it is used."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from s3sim.core.events import Event, EventLog
from s3sim.experiment.resolved import Point
from s3sim.experiment.schema import load_experiment
from s3sim.report.frames import event_frame
from s3sim.sim.simulate import simulate_point

__all__ = ["DRIFT", "log_of", "of_kind", "point_of", "predicted", "retrained"]

DRIFT = {
    "kind": "phases",
    "phases": [
        {
            "prompt": {"kind": "uniform", "low": 4, "high": 60},
            "output": {"kind": "geometric", "mean": 8.0},
            "requests": 150,
        },
        {
            "prompt": {"kind": "uniform", "low": 4, "high": 60},
            "output": {"kind": "uniform", "low": 40, "high": 90},
            "requests": 150,
        },
    ],
    "over_length": "truncate",
}


def point_of(*, system: str = "s3", **predictor: Any) -> Point:
    """A crowded device, traffic that changes half way, and an online predictor with these fields."""
    fields = {"kind": "online", "learner": "frequencies", "buckets": 8, "retrain_every": 16, "window": 64}
    values = {
        "version": 1,
        "name": "online",
        "model": "gpt-j-6b",
        "device": "a100-80gb",
        "max_length": 160,
        "memory": {"kv_capacity_tokens": 640},
        "workload": DRIFT,
        "arrivals": {"kind": "poisson", "rate": 12},
        "predictor": {**fields, "retrain_s_per_row": 0.002, **predictor},
        "systems": [system],
    }
    (point,) = load_experiment(values).points
    return point


def log_of(point: Point, *, single_steps: bool = False, **changes: Any) -> EventLog:
    """The log of a point, with its predictor's fields changed."""
    changed = replace(point, predictor={**(point.predictor or {}), **changes})
    return simulate_point(changed, single_steps=single_steps).log


def of_kind(log: EventLog, kind: Event) -> pd.DataFrame:
    """The events of one kind."""
    frame = event_frame(log)
    return frame[np.asarray(frame["event"] == kind)]


def predicted(log: EventLog) -> pd.DataFrame:
    """What was foreseen: time_ps (ready), id, tokens, detail (version)."""
    return of_kind(log, Event.PREDICTED)


def retrained(log: EventLog) -> pd.DataFrame:
    """When retrainings began: time_ps, id (version), tokens (rows), detail (duration in ps)."""
    return of_kind(log, Event.RETRAINED)
