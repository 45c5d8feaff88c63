"""How an experiment is replayed, in words alone: no torch is needed to say it."""

from dataclasses import dataclass
from typing import Final, Literal

from s3sim.experiment.resolved import Plain

__all__ = ["FORMATS", "SOURCES", "Mode", "Plan", "Source"]

Mode = Literal["packed", "padded"]
Source = Literal["device", "cpu", "wall", "canary"]
SOURCES: Final[tuple[Source, ...]] = ("device", "cpu", "wall", "canary")  # of the replay's clock
FORMATS: Final = ("fp32", "fp16", "bf16")  # of numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How an experiment is replayed: what stands on the command line."""

    device: str = "cpu"
    model_size: str = "tiny"
    weights: str | None = None  # a folder of safetensors, or a hub name; None: random
    dtype: str = "fp32"
    mode: Mode = "packed"
    clock: Source = "device"
    seed: int = 0
    threads: int = 1
    strict: bool = False
    timeout_s: float | None = None  # of each point

    def to_json(self) -> Plain:
        """What results depend on."""
        names = ("device", "model_size", "weights", "dtype", "mode", "clock", "seed", "threads", "strict")
        return {name: getattr(self, name) for name in names}
