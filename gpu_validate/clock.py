"""What the replay's clock goes by: measured times, or those that a latency model foretells."""

from dataclasses import dataclass
from typing import Protocol

from gpu_validate.canary import Canary
from gpu_validate.plan import Source
from gpu_validate.surface import Copy, Elapsed
from s3sim.core.batch import Batch
from s3sim.core.protocols import LatencyModel
from s3sim.core.replica import Move

__all__ = ["Clock", "Foretold", "Measured", "Tick"]

PICOSECONDS = 10**12  # per second


@dataclass(frozen=True, slots=True)
class Tick:
    """By how much a step moves the clock on, and what the canary said of it."""

    duration: int  # ps, at least 1
    canary_s: float | None  # a canary that was run after this step
    slowdown: float  # the canary's recent time over its time when nothing else ran


class Clock(Protocol):
    """How long steps and moves take."""

    def step(self, batch: Batch, elapsed: Elapsed) -> Tick:
        """The duration of a step that has just run."""
        ...

    def move(self, move: Move, copy: Copy) -> int | None:
        """The duration of a move in ps; None where its copy is still on its way."""
        ...


@dataclass(frozen=True, slots=True)
class Measured:
    """Times as they were measured, by one of the sources.

    cpu and wall are the thread's; device is CUDA's events, or the thread's processor time where there is no
    other device; canary is device divided by the slowdown that the canary sees.
    """

    source: Source
    canary: Canary | None = None

    def step(self, batch: Batch, elapsed: Elapsed) -> Tick:
        """The measured time; runs the canary after every second step."""
        if self.canary is None:
            return Tick(_picoseconds(self._raw(elapsed)), None, 1.0)
        seconds = self.canary.sing()
        slowdown = self.canary.slowdown
        raw = self._raw(elapsed)
        return Tick(_picoseconds(raw / slowdown if self.source == "canary" else raw), seconds, slowdown)

    def move(self, move: Move, copy: Copy) -> int | None:
        """The copy's own time, by the canary where steps are."""
        if not copy.done():
            return None
        scale = self.canary.slowdown if self.source == "canary" and self.canary else 1.0
        return _picoseconds(copy.seconds() / scale)

    def _raw(self, elapsed: Elapsed) -> float:
        return {"cpu": elapsed.cpu_s, "wall": elapsed.wall_s}.get(self.source, elapsed.device_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Foretold:
    """Times of a latency model and of a link's prices, whatever the device really takes."""

    model: LatencyModel
    to_host_ps_per_token: int
    to_device_ps_per_token: int
    latency_ps: int = 0

    def step(self, batch: Batch, elapsed: Elapsed) -> Tick:
        """The model's duration of one step."""
        return Tick(self.model.affine(batch).first, None, 1.0)

    def move(self, move: Move, copy: Copy) -> int | None:
        """The link's; waits for the copy, so that it is over before anybody may think so."""
        copy.seconds()
        price = self.to_host_ps_per_token if move.to_host else self.to_device_ps_per_token
        return self.latency_ps + move.tokens * price


def _picoseconds(seconds: float) -> int:
    return max(1, round(seconds * PICOSECONDS))
