"""What a replay needs of a device: the surface that the CPU and CUDA share. No call to a device stands here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

__all__ = ["NO_TIME", "Copy", "Device", "Elapsed", "Mark", "MemoryReading", "Replay"]


class Elapsed(NamedTuple):
    """Seconds between two marks: on the device, of this thread's processor time, and on the wall."""

    device_s: float
    cpu_s: float
    wall_s: float

    def plus(self, other: "Elapsed") -> "Elapsed":
        """Both, one after the other."""
        return Elapsed(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


NO_TIME = Elapsed(0.0, 0.0, 0.0)


class Mark(NamedTuple):
    """A moment from which time is measured; `event` is CUDA's."""

    cpu_s: float
    wall_s: float
    event: Any = None


class MemoryReading(NamedTuple):
    """Bytes of device memory: all there is, free now, and the most that this process has held."""

    total: int
    free: int
    peak: int


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy on its way: `done` looks, `seconds` waits for it and says how long it took."""

    done: Callable[[], bool]
    seconds: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Replay:
    """Captured work. It keeps the work, whose tensors a graph reads and writes without holding them."""

    launch: Callable[[], None]
    work: Callable[[], None]

    def __call__(self) -> None:
        """Run it once."""
        self.launch()


class Device(Protocol):
    """Marks between which time is measured, host memory, copies beside the computation, and readings."""

    name: str
    where: torch.device  # for tensors
    graphs: bool  # whether `captured` spares the launches

    def mark(self) -> Mark:
        """A moment, after all that was submitted before it."""
        ...

    def since(self, mark: Mark) -> Elapsed:
        """Time since a mark, once everything submitted until now is done."""
        ...

    def host_buffer(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """Uninitialised host memory that copies are fast from and to."""
        ...

    def copy(self, work: Callable[[], None]) -> Copy:
        """Start a copy between host and device, after the computation submitted so far."""
        ...

    def captured(self, work: Callable[[], None]) -> Callable[[], None]:
        """The same work on the same tensors as one launch, where the device has such; runs the work, to warm up."""
        ...

    def release(self) -> None:
        """Give memory that nobody uses back to the device, so that a reading counts it as free."""
        ...

    def memory(self) -> MemoryReading:
        """Bytes of the memory that the model and its KV live in."""
        ...

    def about(self) -> dict[str, str]:
        """What the device is, for the record."""
        ...
