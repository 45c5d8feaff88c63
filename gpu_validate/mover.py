"""Moves of KV over the host link, made for real: between the arena and buffers in host memory."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from torch import Tensor

from gpu_validate.memory import SlotMemory
from gpu_validate.surface import Copy, Device
from s3sim.core.errors import InvariantError
from s3sim.core.replica import Move
from s3sim.core.request import Sequence

__all__ = ["Copied", "LinkClock", "Mover", "NoMover"]


class Copied(NamedTuple):
    """A copy over the host link that is over."""

    to_host: bool
    tokens: int
    duration_ps: int


class LinkClock(Protocol):
    """How long a move takes, by whatever clock the replay goes."""

    def move(self, move: Move, copy: Copy) -> int | None:
        """Picoseconds; None where the copy is still on its way."""
        ...


@dataclass(slots=True)
class _Journey:
    move: Move
    copy: Copy
    rank: int
    sent: int  # ps
    end: int | None = None  # ps, once it is known


class Mover:
    """A full-duplex link with a queue per direction, as the simulator's; its copies run beside the steps.

    A copy's time is known when it is over. A move that turns out to have ended before the replay last
    looked ends just after that look: nobody could have known sooner.
    """

    def __init__(self, memory: SlotMemory, device: Device, clock: LinkClock) -> None:
        self._memory, self._device, self._clock = memory, device, clock
        self._host: dict[Sequence, Tensor] = {}
        self._queues: dict[bool, deque[_Journey]] = {True: deque(), False: deque()}  # by to_host
        self._free_at = {True: 0, False: 0}
        self._looked = -1
        self.copies: list[Copied] = []
        self.ends: list[int | None] = []  # of every move, in the order in which they were sent

    def send(self, move: Move, now: int) -> None:
        """Start the copy, and queue the move behind those that go the same way."""
        copy = self._device.copy(self._out(move) if move.to_host else self._back(move))
        journey = _Journey(move, copy, len(self.ends), now)
        self.ends.append(None)
        self._queues[move.to_host].append(journey)
        self._settle(move.to_host, fresh=journey)

    def next_end(self) -> int | None:
        """When the next move will be complete; None if nothing moves. Waits for copies whose time is not known."""
        ends = []
        for way, queue in self._queues.items():
            if queue:
                queue[0].copy.seconds()
                self._settle(way)
                ends.append(queue[0].end)
        return min((end for end in ends if end is not None), default=None)

    def arrived(self, now: int) -> list[tuple[int, Sequence]]:
        """Moves that are complete at `now`, in order of time, each handed over once."""
        found: list[tuple[int, int, Sequence]] = []
        for way, queue in self._queues.items():
            self._settle(way)
            while queue and queue[0].end is not None and queue[0].end <= now:
                journey = queue.popleft()
                found.append((journey.end or 0, journey.rank, journey.move.sequence))
                if not way:
                    del self._host[journey.move.sequence]
        self._looked = now
        return [(end, sequence) for end, _, sequence in sorted(found)]

    @property
    def host_tokens(self) -> int:
        """Tokens whose KV is in host memory, or on the way there or back."""
        return sum(buffer.shape[2] for buffer in self._host.values())

    def _settle(self, way: bool, *, fresh: _Journey | None = None) -> None:
        """Work out when moves end, as far as their copies are done; all but the `fresh` one were looked at before."""
        for journey in self._queues[way]:
            if journey.end is None:
                duration = self._clock.move(journey.move, journey.copy)
                if duration is None:
                    break
                self.copies.append(Copied(way, journey.move.tokens, duration))
                end = max(journey.sent, self._free_at[way]) + duration
                journey.end = self._free_at[way] = end if journey is fresh else max(end, self._looked + 1)
                self.ends[journey.rank] = journey.end

    def _out(self, move: Move) -> Callable[[], None]:
        kv, slots = self._memory.arena.kv, self._memory.slots(move.sequence, move.tokens)
        shape = (*kv.shape[:2], move.tokens, *kv.shape[3:])
        host = self._host[move.sequence] = self._device.host_buffer(shape, kv.dtype)
        return lambda: _discard(host.copy_(kv[:, :, slots], non_blocking=True))

    def _back(self, move: Move) -> Callable[[], None]:
        kv, slots = self._memory.arena.kv, self._memory.slots(move.sequence, move.tokens)
        host = self._host[move.sequence]
        if host.shape[2] != move.tokens:
            raise InvariantError(f"{move.sequence} left with {host.shape[2]} tokens and returns with {move.tokens}")
        if isinstance(slots, slice):
            return lambda: _discard(kv[:, :, slots].copy_(host, non_blocking=True))
        return lambda: _discard(kv.index_copy_(2, slots, host.to(kv.device, non_blocking=True)))


def _discard(_: Tensor) -> None:
    """Nothing: a transfer answers nothing."""


class NoMover:
    """The link of a system that never moves KV to the host."""

    ends: tuple[()] = ()
    copies: tuple[()] = ()
    host_tokens = 0

    def send(self, move: Move, now: int) -> None:
        """Never asked; raises InvariantError."""
        raise InvariantError(f"{move.sequence} was to move at {now}, but its KV has no slots")

    def next_end(self) -> None:
        """Nothing moves."""

    def arrived(self, now: int) -> list[tuple[int, Sequence]]:
        """Nothing moved."""
        return []
