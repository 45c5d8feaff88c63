"""Simulate LLM serving with output-length prediction: S³ against max-length, paged and oracle KV allocation.

>>> from s3sim import Experiment, sweep
>>> workload = {"kind": "preset", "name": "alpaca", "requests": 100}
>>> experiment = Experiment(model="gpt-j-6b", device="a100-40gb", workload=workload, systems=["orca", "vllm"])
>>> results = sweep(experiment, over={"max_num_seqs": [4, 8]}, out="example")
>>> results.summary[["max_num_seqs", "system", "completed"]]
   max_num_seqs system  completed
0             4   orca        100
1             4   vllm        100
2             8   orca        100
3             8   vllm        100
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from s3sim.api import (
        Choices,
        Experiment,
        Point,
        Result,
        Results,
        System,
        check_laws,
        compare_runs,
        draw,
        find_capacity,
        json_schema,
        load,
        model,
        names,
        predictor,
        run,
        simulate,
        sweep,
        template,
        trace,
        write_timeline,
    )
    from s3sim.calibration.calibrate import calibrate, check_calibration
    from s3sim.paper.reproduce import reproduce_paper

__all__ = [
    "Choices",
    "Experiment",
    "Point",
    "Result",
    "Results",
    "System",
    "calibrate",
    "check_calibration",
    "check_laws",
    "compare_runs",
    "draw",
    "find_capacity",
    "json_schema",
    "load",
    "model",
    "names",
    "predictor",
    "reproduce_paper",
    "run",
    "simulate",
    "sweep",
    "template",
    "trace",
    "write_timeline",
]

# rooms above the API; everything else is the API's own
ABOVE = {
    "calibrate": "s3sim.calibration.calibrate",
    "check_calibration": "s3sim.calibration.calibrate",
    "reproduce_paper": "s3sim.paper.reproduce",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is first used, so that `import s3sim` is quick."""
    if name not in __all__:
        raise AttributeError(f"module 's3sim' has no attribute {name!r}")
    return getattr(import_module(ABOVE.get(name, "s3sim.api")), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
