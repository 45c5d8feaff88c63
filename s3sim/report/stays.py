"""Who decodes when: the stretches that decode, and each sequence's stays in the batch."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from s3sim.core.errors import InvariantError
from s3sim.core.events import Event, Preemption, Reason
from s3sim.report.frames import Column, column

__all__ = ["DecodeRows", "Flags", "Stays", "decode_rows", "follows", "span", "stays"]

Flags = NDArray[np.bool_]
JOINS = (Event.PREFILLED, Event.SWAPPED_IN, Event.RESUMED)
LEAVES = (Event.FINISHED, Event.PREEMPTED, Event.REJECTED, Event.STALLED)


@dataclass(frozen=True, slots=True)
class DecodeRows:
    """The stretches that decode, by lane, then by time."""

    lane: Column
    start: Column
    first: Column
    increment: Column
    steps: Column
    decoding: Column
    end: Column
    previous_end: Column  # of the lane's stretch before; for a lane's first, nobody decoded before

    @property
    def first_end(self) -> Column:
        """When the first step of each stretch ends."""
        return self.start + self.first


@dataclass(frozen=True, slots=True)
class Stays:
    """The sequences' times in the batch, by request, then by time: from a join to a leave."""

    ident: Column
    lane: Column
    enter: Column
    leave: Column  # far in the future where the log ends before
    missed: Flags  # came after the plan of its instant, to decode in the next
    prefilled: Flags  # came by a prefill, which emits a token; else by a swap-in or after a stall, which does not
    repeats: Column  # tokens emitted again because a RESTART lost them, the prefill's own included
    failed: Flags  # of a request that was given up


def decode_rows(steps: pd.DataFrame) -> DecodeRows:
    """The stretches that decode."""
    order = np.lexsort((column(steps, "start_ps"), column(steps, "lane")))
    order = order[column(steps, "decode_sequences")[order] > 0]
    names = ("lane", "start_ps", "first_ps", "increment_ps", "steps", "decode_sequences")
    lane, start, first, increment, count, decoding = (column(steps, name)[order] for name in names)
    end = start + count * first + increment * (count * (count - 1) // 2)
    return DecodeRows(lane, start, first, increment, count, decoding, end, np.concatenate((start[:1], end[:-1])))


def stays(events: pd.DataFrame) -> Stays:
    """The stays that the events tell of."""
    kind = column(events, "event")
    at = np.flatnonzero(np.isin(kind, JOINS + LEAVES))
    at = at[np.argsort(column(events, "id")[at], kind="stable")]  # the log tells a request's story in order
    kind, ident, time, tokens, detail, lane = (
        column(events, name)[at] for name in ("event", "id", "time_ps", "tokens", "detail", "lane")
    )
    joins, after = np.isin(kind, JOINS), np.minimum(np.arange(1, len(at) + 1), max(len(at) - 1, 0))
    left = np.append(follows(ident)[1:] & ~joins[1:], [False])[: len(at)]
    leave = np.where(left, time[after], np.iinfo(np.int64).max)
    lost = left & (kind[after] == Event.PREEMPTED) & (detail[after] == Preemption.RESTART)
    emitted = np.where(lost, tokens + tokens[after] - detail, 0)[joins]  # a prefill's detail are its slots then
    failed = np.isin(ident[joins], ident[(kind == Event.REJECTED) & (detail == Reason.OUT_OF_MEMORY)])
    prefilled = kind[joins] == Event.PREFILLED
    return Stays(
        ident=ident[joins],
        lane=lane[joins],
        enter=time[joins],
        leave=leave[joins],
        missed=np.isin(at[joins], _missed(events)),
        prefilled=prefilled,
        repeats=_repeats(ident[joins], prefilled, tokens[joins], emitted),
        failed=failed,
    )


def follows(ident: Column) -> Flags:
    """Whether the entry before is of the same request."""
    return np.concatenate((np.zeros(min(1, len(ident)), np.bool_), ident[1:] == ident[:-1]))


def span(rows: DecodeRows, stays: Stays) -> tuple[Column, Column]:
    """The first and the last row in which each stay decodes; it decodes in none where they are crossed.

    Raises InvariantError where the rows and the stays disagree on how many sequences decode.
    """
    first, last = np.zeros_like(stays.enter), np.full_like(stays.enter, -1)
    for lane in np.unique(rows.lane):
        begin, end = np.searchsorted(rows.lane, (lane, lane + 1))
        mine = stays.lane == lane
        since = stays.enter[mine] + stays.missed[mine]  # in ps: a step that starts later starts at least 1 ps later
        first[mine] = begin + np.searchsorted(rows.start[begin:end], since)
        last[mine] = begin + np.searchsorted(rows.end[begin:end], stays.leave[mine], side="right") - 1
    took = last >= first
    _check(rows, first[took], last[took])
    return first, last


def _missed(events: pd.DataFrame) -> Column:
    """Rows of the swap-ins that the plan of their instant began, by a move that takes no time, and could not know of.

    A lane that was idle with it plans again at that instant, with them in the batch: its IDLE stands between.
    """
    kind, ident, time, lane = (column(events, name) for name in ("event", "id", "time_ps", "lane"))
    at = np.flatnonzero((kind == Event.ADMITTED) | (kind == Event.SWAPPED_IN))
    at = at[np.argsort(ident[at], kind="stable")]
    began, ended = at[:-1], at[1:]
    instant = (ident[began] == ident[ended]) & (time[began] == time[ended])
    instant &= (kind[began] == Event.ADMITTED) & (kind[ended] == Event.SWAPPED_IN)
    began, ended = began[instant], ended[instant]
    rank = lane * len(kind)  # each lane above all before it
    idle = np.flatnonzero(kind == Event.IDLE)
    idle = np.sort(rank[idle] + idle)
    between = np.searchsorted(idle, (rank[ended] + began, rank[ended] + ended))
    missed: Column = ended[between[0] == between[1]]
    return missed


def _repeats(ident: Column, prefilled: Flags, tokens: Column, lost: Column) -> Column:
    """Tokens that each stay emits again: those that an earlier one had emitted, and a RESTART lost."""
    if not lost.any():
        return np.zeros_like(ident)
    rank = np.cumsum(~follows(ident)) * (int(lost.max()) + 1)  # each request above all before it
    known = np.maximum.accumulate(rank + lost) - rank
    before = np.where(follows(ident), np.append(known[:1], known[:-1]), 0)
    return np.where(prefilled, np.maximum(before - tokens + 1, 0), 0)


def _check(rows: DecodeRows, first: Column, last: Column) -> None:
    size = len(rows.end)
    here = np.cumsum(np.bincount(first, minlength=size) - np.bincount(last + 1, minlength=size + 1)[:size])
    wrong = np.flatnonzero(here != rows.decoding)
    if len(wrong):
        row = wrong[0]
        stretch = f"the stretch at {rows.start[row]} ps decodes {rows.decoding[row]} sequences"
        raise InvariantError(f"{stretch}, the events tell of {here[row]}")
