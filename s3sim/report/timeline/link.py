"""Moves of KV over the host link: when each was under way, which the log tells by its order and its end."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from s3sim.core.events import Event, Preemption
from s3sim.report.frames import column
from s3sim.report.timeline.parts import Slice, Track

__all__ = ["moves"]

TO_HOST, TO_DEVICE = Track("host link", 0, "to host"), Track("host link", 1, "to device")
Move = tuple[int, int, int, int]  # end, order, request, tokens


def moves(events: pd.DataFrame) -> Iterator[Slice]:
    """A slice for each completed move, which begins as it is ordered, or as the one before it in its direction ends.

    A move is ordered by a preemption by swap, and back by the admission that follows it. Each direction is a queue.
    """
    out, back = _completed(events)
    for track, found in ((TO_HOST, out), (TO_DEVICE, back)):
        free = 0
        for end, ordered, ident, tokens in sorted(found):
            args = {"request": ident, "tokens": tokens, "waited_ps": max(free - ordered, 0)}
            yield Slice(track, "move", f"request {ident}", max(ordered, free), end, args)
            free = end


def _completed(events: pd.DataFrame) -> tuple[list[Move], list[Move]]:
    """The moves to the host and those back."""
    kinds = (Event.PREEMPTED, Event.SWAPPED_OUT, Event.ADMITTED, Event.SWAPPED_IN)
    mine = events[np.isin(column(events, "event"), kinds)]
    names = ("time_ps", "event", "id", "tokens", "detail")
    out: list[Move] = []
    back: list[Move] = []
    ordered: dict[int, int] = {}
    for time, kind, ident, tokens, detail in zip(*(column(mine, name).tolist() for name in names), strict=True):
        if kind == Event.ADMITTED or (kind == Event.PREEMPTED and detail == Preemption.SWAP):
            ordered[ident] = time
        elif kind in (Event.SWAPPED_OUT, Event.SWAPPED_IN):
            (out if kind == Event.SWAPPED_OUT else back).append((time, ordered.pop(ident), ident, tokens))
    return out, back
