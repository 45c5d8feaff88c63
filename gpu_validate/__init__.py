"""Replays of simulated experiments on a real device: GPT-J and GPT-NeoX in torch, under the simulator's own replica.

May import s3sim; s3sim never imports it. torch and transformers live here, and the replay needs neither
simpy nor pydantic.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gpu_validate.api import Plan, compare_runs, fit_profile, read_comparisons, run_replay

__all__ = ["Plan", "compare_runs", "fit_profile", "read_comparisons", "run_replay"]


def __getattr__(name: str) -> Any:
    """Import the API when it is first used: torch takes seconds to import."""
    if name not in __all__:
        raise AttributeError(f"module 'gpu_validate' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    return getattr(import_module("gpu_validate.api"), name)
