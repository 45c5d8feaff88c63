"""The Python API: what the command line does, as functions and objects; see the modules for each.

s3sim run, report          run, sweep, load, draw; simulate for one point in this process
s3sim resolve, schema      Experiment.points, json_schema
s3sim new                  template
s3sim compare, timeline    compare_runs, write_timeline
s3sim capacity             find_capacity
s3sim list                 names
s3sim trace …              trace.read, stats, convert, generate, sample, scale, figures
s3sim model import         model.read_config
s3sim predictor …          predictor.train, evaluate, record, learn
s3sim calibrate, paper     s3sim.calibrate, s3sim.check_calibration, s3sim.reproduce_paper
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from s3sim.api import model, predictor, trace
    from s3sim.api.capacity import find_capacity
    from s3sim.api.experiment import Experiment
    from s3sim.api.laws import check_laws
    from s3sim.api.listing import names
    from s3sim.api.result import Result
    from s3sim.api.results import Results, load
    from s3sim.api.running import draw, run, sweep
    from s3sim.api.simulating import simulate
    from s3sim.experiment.resolved import Point
    from s3sim.experiment.schema import json_schema
    from s3sim.experiment.schema.template import template
    from s3sim.policies.registry import Choices, System
    from s3sim.report.compare import compare_runs
    from s3sim.report.timeline import write_timeline

HOMES = {
    "Choices": "s3sim.policies.registry",
    "Experiment": "s3sim.api.experiment",
    "Point": "s3sim.experiment.resolved",
    "Result": "s3sim.api.result",
    "Results": "s3sim.api.results",
    "System": "s3sim.policies.registry",
    "check_laws": "s3sim.api.laws",
    "compare_runs": "s3sim.report.compare",
    "draw": "s3sim.api.running",
    "find_capacity": "s3sim.api.capacity",
    "json_schema": "s3sim.experiment.schema",
    "load": "s3sim.api.results",
    "names": "s3sim.api.listing",
    "run": "s3sim.api.running",
    "simulate": "s3sim.api.simulating",
    "sweep": "s3sim.api.running",
    "template": "s3sim.experiment.schema.template",
    "write_timeline": "s3sim.report.timeline",
}
MODULES = ("model", "predictor", "trace")

__all__ = [
    "Choices",
    "Experiment",
    "Point",
    "Result",
    "Results",
    "System",
    "check_laws",
    "compare_runs",
    "draw",
    "find_capacity",
    "json_schema",
    "load",
    "model",
    "names",
    "predictor",
    "run",
    "simulate",
    "sweep",
    "template",
    "trace",
    "write_timeline",
]


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is first used: `s3sim list` needs no simulator."""
    if name in MODULES:
        return import_module(f"s3sim.api.{name}")
    if name not in HOMES:
        raise AttributeError(f"module 's3sim.api' has no attribute {name!r}")
    return getattr(import_module(HOMES[name]), name)
