"""One address space of KV slots, as the log tells of it: what holds them, what held them, and the holes between."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from s3sim.report.holes import Holes

__all__ = ["STATES", "AddressSpace", "Rectangle"]

STATES = ("prefill", "decode", "swapping_out", "swapping_in", "finished")


class Rectangle(NamedTuple):
    """A reservation at one address in one state of its sequence."""

    lane: int
    id: int
    address: int
    tokens: int  # slots reserved
    begin_ps: int
    end_ps: int
    state: str  # one of STATES
    used_begin: int  # slots written
    used_end: int


@dataclass(slots=True)
class _Extent:
    """A reservation that is held, as it was at `begin` (ps)."""

    id: int
    address: int
    tokens: int
    state: str
    begin: int
    used: int = 0
    decoded: int = 0  # decode steps of the lane begun before


class AddressSpace:
    """One lane's slots.

    `starts` are those of the lane's stretches that decode (ps, ascending), `decoded` the steps in all before
    each, and in all: a decode step writes one slot of each sequence that decodes. Where these are None no
    rectangles are kept, which is faster. `levels` are (time in ps, slots free, slots of the largest hole), each
    until the next. To place what is not free raises InvariantError: the log is broken then.
    """

    def __init__(
        self, lane: int, capacity: int, *, starts: Sequence[int] | None = None, decoded: Sequence[int] = (0,)
    ) -> None:
        self.lane = lane
        self.rectangles: list[Rectangle] = []
        self.levels: list[tuple[int, int, int]] = []
        self._now = 0
        self._holes = Holes(capacity)
        self._starts, self._decoded = starts, decoded
        self._held: dict[int, _Extent] = {}
        self._finished: list[_Extent] = []  # rows of a static batch, which hold their slots until it ends

    def place(self, ident: int, address: int, tokens: int, now: int, *, state: str) -> None:
        """Hold slots for a sequence, of which none is written yet."""
        self._advance(now)
        self._holes.take(address, tokens)
        self._held[ident] = _Extent(ident, address, tokens, state, now)

    def turn(self, ident: int, state: str, now: int, *, used: int) -> None:
        """Let a sequence be in another state, with so many slots written."""
        extent = self._held[ident]
        self._close(extent, now, used)
        extent.state = state

    def grow(self, ident: int, tokens: int, now: int) -> None:
        """Hold so many slots more, right behind a sequence's own."""
        self._advance(now)
        extent = self._held[ident]
        self._close(extent, now)
        self._holes.take(extent.address + extent.tokens, tokens)
        extent.tokens += tokens

    def release(self, ident: int, now: int, *, used: int | None = None) -> None:
        """Return a sequence's slots, and with the last one's those of finished rows; `used`: slots written, if told."""
        self._advance(now)
        extent = self._held.pop(ident)
        self._close(extent, now, used)
        self._holes.give(extent.address, extent.tokens)
        self._end_batch(now)

    def finish(self, ident: int, now: int, *, used: int) -> None:
        """End a row of a static batch, whose slots stay held until all of its rows have ended."""
        self._advance(now)
        extent = self._held.pop(ident)
        self._close(extent, now, used)
        extent.state, extent.used = "finished", 0
        self._finished.append(extent)
        self._end_batch(now)

    def move(self, ident: int, address: int, now: int) -> None:
        """Let a sequence's slots be elsewhere, where what is not its own must be free."""
        self._advance(now)
        extent = self._held[ident]
        self._close(extent, now)
        self._holes.give(extent.address, extent.tokens)
        self._holes.take(address, extent.tokens)
        extent.address = address

    def close(self, now: int) -> None:
        """Write down what is there at the log's end."""
        self._advance(now + 1)
        for extent in [*self._held.values(), *self._finished]:
            self._close(extent, now)

    # ------------------------------------------------------------------ within

    def _advance(self, now: int) -> None:
        """Write down the slots that were free until now; called before each change, as many as there are at once."""
        if now > self._now:
            self.levels.append((self._now, self._holes.free, self._holes.largest))
            self._now = now

    def _end_batch(self, now: int) -> None:
        if self._finished and not self._held:
            for extent in self._finished:
                self._close(extent, now, 0)
                self._holes.give(extent.address, extent.tokens)
            self._finished = []

    def _close(self, extent: _Extent, now: int, used: int | None = None) -> None:
        """Write down the extent as it was, and go on from here; `used`: slots written, if told."""
        if self._starts is None:
            return
        steps = self._decoded[bisect_left(self._starts, now)]  # in all stretches begun before a plan at this time
        if used is None:
            used = extent.used + (steps - extent.decoded if extent.state == "decode" else 0)
        if now > extent.begin:
            place = (self.lane, extent.id, extent.address, extent.tokens)
            self.rectangles.append(Rectangle(*place, extent.begin, now, extent.state, extent.used, used))
        extent.begin, extent.used, extent.decoded = now, used, steps
