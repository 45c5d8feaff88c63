"""The address spaces of all lanes, as the events of a log change them."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from s3sim.core.events import EVENT_COLUMNS, Event, Preemption, Reason
from s3sim.report.addresses import AddressSpace
from s3sim.report.frames import column
from s3sim.report.stays import decode_rows

__all__ = ["lane_count", "replay", "replay_holes"]


def lane_count(events: pd.DataFrame, steps: pd.DataFrame) -> int:
    """The lanes of a log: every lane plans when a run begins, and so stands in it."""
    idle = column(events, "event") == Event.IDLE
    return 1 + int(np.concatenate(([0], column(events, "lane")[idle], column(steps, "lane"))).max())


def replay(events: pd.DataFrame, steps: pd.DataFrame, capacity: int) -> list[AddressSpace]:
    """The address space of each lane, of which each has an equal share of `capacity` slots, after all events."""
    lanes, rows, spaces = lane_count(events, steps), decode_rows(steps), []
    for lane in range(lanes):
        mine = rows.lane == lane
        decoded = np.append([0], np.cumsum(rows.steps[mine])).tolist()
        spaces.append(AddressSpace(lane, capacity // lanes, starts=rows.start[mine].tolist(), decoded=decoded))
    return _apply(events, _Replay(spaces, static=_static(steps)))


def replay_holes(events: pd.DataFrame, steps: pd.DataFrame, capacity: int) -> list[AddressSpace]:
    """The same without rectangles, and so without the events that tell of written slots alone."""
    lanes = lane_count(events, steps)
    spaces = [AddressSpace(lane, capacity // lanes) for lane in range(lanes)]
    return _apply(events, _Replay(spaces, static=_static(steps)), without=(Event.ARRIVED, Event.PREFILLED))


def _static(steps: pd.DataFrame) -> bool:
    """Whether rows stay when they are finished: if none ever did, all of a batch finished at once."""
    return bool(column(steps, "padding_rows").any())


def _apply(events: pd.DataFrame, replay: "_Replay", *, without: tuple[Event, ...] = ()) -> list[AddressSpace]:
    kinds, detail = column(events, "event"), column(events, "detail")
    wanted = np.isin(kinds, [kind for kind in replay.handlers if kind not in without])
    wanted &= (kinds != Event.REJECTED) | (detail == Reason.OUT_OF_MEMORY)
    rows = events.iloc[np.flatnonzero(wanted)]
    last = 0
    for last, kind, *row in zip(*(column(rows, name).tolist() for name in EVENT_COLUMNS), strict=True):
        replay.handlers[kind](last, *row)
    for space in replay.spaces:
        space.close(last)
    return replay.spaces


class _Replay:
    """Tells the spaces what each event means for them; handlers take an event's columns, its kind left out."""

    def __init__(self, spaces: list[AddressSpace], *, static: bool) -> None:
        self.handlers: dict[int, Callable[[int, int, int, int, int], None]] = {
            Event.ARRIVED: self._arrived,
            Event.ADMITTED: self._admitted,
            Event.PREFILLED: self._prefilled,
            Event.PREEMPTED: self._preempted,
            Event.SWAPPED_OUT: self._swapped_out,
            Event.SWAPPED_IN: self._swapped_in,
            Event.GROWN: self._grown,
            Event.FINISHED: self._finished,
            Event.REJECTED: self._rejected,
            Event.RELOCATED: self._relocated,
        }
        self.spaces = spaces
        self._static = static
        self._prompts: dict[int, int] = {}
        self._host: set[int] = set()  # those that were swapped out
        self._where: dict[int, AddressSpace] = {}

    def _arrived(self, time: int, ident: int, prompt: int, limit: int, lane: int) -> None:
        self._prompts[ident] = prompt

    def _admitted(self, time: int, ident: int, tokens: int, address: int, lane: int) -> None:
        space = self._where[ident] = self.spaces[lane]
        space.place(ident, address, tokens, time, state="swapping_in" if ident in self._host else "prefill")
        self._host.discard(ident)

    def _prefilled(self, time: int, ident: int, emitted: int, cached: int, lane: int) -> None:
        self._where[ident].turn(ident, "decode", time, used=cached)

    def _preempted(self, time: int, ident: int, cached: int, how: int, lane: int) -> None:
        if how == Preemption.SWAP:
            self._where[ident].turn(ident, "swapping_out", time, used=cached)
        else:
            self._where.pop(ident).release(ident, time, used=cached)

    def _swapped_out(self, time: int, ident: int, cached: int, detail: int, lane: int) -> None:
        self._where.pop(ident).release(ident, time, used=cached)
        self._host.add(ident)

    def _swapped_in(self, time: int, ident: int, cached: int, detail: int, lane: int) -> None:
        self._where[ident].turn(ident, "decode", time, used=cached)

    def _grown(self, time: int, ident: int, tokens: int, held: int, lane: int) -> None:
        self._where[ident].grow(ident, tokens, time)

    def _finished(self, time: int, ident: int, output: int, preemptions: int, lane: int) -> None:
        space, used = self._where.pop(ident), self._prompts.get(ident, 0) + output - 1
        if self._static:
            space.finish(ident, time, used=used)
        else:
            space.release(ident, time, used=used)

    def _rejected(self, time: int, ident: int, prompt: int, reason: int, lane: int) -> None:
        self._where.pop(ident).release(ident, time)  # its batch ran out of memory

    def _relocated(self, time: int, ident: int, tokens: int, address: int, lane: int) -> None:
        self.spaces[lane].move(ident, address, time)
