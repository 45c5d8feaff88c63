"""What one simulated point came to: frames, metrics, figures."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from s3sim.api.display import facts_html, number
from s3sim.core.events import Event
from s3sim.experiment.resolved import Point
from s3sim.report.frames import PS_PER_S
from s3sim.report.phases import phases

if TYPE_CHECKING:
    from s3sim.api.plots import PointPlots

__all__ = ["SHOWN", "Result", "timeline"]

SHOWN = (  # metrics that an overview tells
    "completed",
    "rejected",
    "request_throughput",
    "mean_ttft_ms",
    "mean_tpot_ms",
    "mean_e2el_ms",
    "slo_attainment",
    "mean_batch_size",
    "kv_used_fraction",
    "kv_waste_fraction",
    "preemptions",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One simulated point: frames of its log, its requests, and its summary; `plot` draws it.

    `requests` has a row per request that arrived, `events` a row per change in a request's life, `steps` a row
    per stretch of like steps; `summary` maps each metric to its value.
    """

    point: Point
    requests: pd.DataFrame
    events: pd.DataFrame
    steps: pd.DataFrame
    summary: dict[str, Any]
    about: dict[str, Any]  # the resolved point, its facts, and what was dropped, as JSON

    def timeline(self, ids: Iterable[int] | None = None) -> pd.DataFrame:
        """The life of these requests, or of all, as phases: id, phase, begin_s and end_s, in seconds.

        A phase is queued, prefill, decode or swapped; see `s3sim.report.phases.phases`.
        """
        return timeline(self.events, ids)

    @property
    def plot(self) -> "PointPlots":
        """Figures of it, such as `result.plot.cdf("ttft")`."""
        from s3sim.api.plots import PointPlots  # noqa: PLC0415 - matplotlib takes a second to import

        return PointPlots(self)

    @property
    def name(self) -> str:
        """System, scenario, swept values and seed in words."""
        point = self.point
        words = [f"{key}={value}" for key, value in point.sweep.items()]
        return ", ".join([point.label or point.system, point.scenario, *words, f"seed={point.seed}"])

    def __repr__(self) -> str:
        done, rate = self.summary["completed"], number(self.summary["request_throughput"])
        return f"Result({self.name}: {done} of {len(self.requests)} requests completed, {rate} requests/s)"

    def _repr_html_(self) -> str:
        return facts_html(self.name, {name: self.summary[name] for name in SHOWN if self.summary.get(name) is not None})


def timeline(events: pd.DataFrame, ids: Iterable[int] | None) -> pd.DataFrame:
    """The phases of these requests, or of all that the events tell of, in seconds."""
    told = phases(events, pd.unique(events.loc[events["event"] == Event.ARRIVED, "id"]) if ids is None else ids)
    seconds = {name: told[f"{name}_ps"] / PS_PER_S for name in ("begin", "end")}
    return told[["id", "phase"]].assign(begin_s=seconds["begin"], end_s=seconds["end"])
