"""Simulate LLM serving with output-length prediction: S³ against max-length, paged and oracle KV allocation."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from s3sim.api import Result, Results, draw, find_capacity, load, run, simulate
    from s3sim.experiment.resolved import Point

__all__ = ["Point", "Result", "Results", "draw", "find_capacity", "load", "run", "simulate"]


def __getattr__(name: str) -> Any:
    """Import the API when it is first used, so that `import s3sim` is quick."""
    if name not in __all__:
        raise AttributeError(f"module 's3sim' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    return getattr(import_module("s3sim.experiment.resolved" if name == "Point" else "s3sim.api"), name)
