"""Inter-token latencies: the gaps between consecutive output tokens, as weighted counts.

All that decode in a step emit a token at its end, so a stretch of k steps needs k entries however
many decode; besides them, each return to the batch has an entry of its own.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from s3sim.core.errors import InvariantError
from s3sim.core.events import Event
from s3sim.report.frames import Column, column
from s3sim.report.percentiles import weighted_percentile, weighted_percentiles

__all__ = ["token_gaps", "weighted_percentile", "weighted_percentiles"]

Flags = NDArray[np.bool_]
JOINS = (Event.PREFILLED, Event.SWAPPED_IN)
LEAVES = (Event.FINISHED, Event.PREEMPTED)


def token_gaps(events: pd.DataFrame, steps: pd.DataFrame) -> tuple[Column, Column]:
    """The gaps between consecutive tokens of each request, pooled (vLLM's ITL): picoseconds, and how often each.

    Exactly the list of all gaps, each weight above 0; one gap may stand in several entries. Needs
    the whole log, and steps that take time. Raises InvariantError where its two tables disagree on
    how many sequences decode.
    """
    rows, stays = _decode_rows(steps), _stays(events)
    first, last = _first_and_last(rows, stays)
    took = last >= first
    _check(rows, first[took], last[took])
    entry_token, final_token = _tokens(stays, took, rows.end[last[took]])
    again = np.flatnonzero(stays.prefilled & _follows(stays.ident))
    parts = [
        _within_stretches(rows),
        (rows.first_end - rows.previous_end, rows.decoding - np.bincount(first[took], minlength=len(rows.end))),
        _once(rows.first_end[first[took]] - entry_token[took]),
        _once(stays.enter[again] - final_token[again - 1]),  # a prefill after a recompute emits a token itself
    ]
    gaps, weights = (np.concatenate(cells) for cells in zip(*parts, strict=True))
    return gaps[weights > 0], weights[weights > 0]


@dataclass(frozen=True, slots=True)
class _Rows:
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
class _Stays:
    """The sequences' times in the batch, by request, then by time: from a join to a leave."""

    ident: Column
    lane: Column
    enter: Column
    leave: Column  # far in the future where the log ends before
    prefilled: Flags  # came by a prefill, which emits a token; else by a swap-in, which does not


def _decode_rows(steps: pd.DataFrame) -> _Rows:
    order = np.lexsort((column(steps, "start_ps"), column(steps, "lane")))
    order = order[column(steps, "decode_sequences")[order] > 0]
    names = ("lane", "start_ps", "first_ps", "increment_ps", "steps", "decode_sequences")
    lane, start, first, increment, count, decoding = (column(steps, name)[order] for name in names)
    end = start + count * first + increment * (count * (count - 1) // 2)
    return _Rows(lane, start, first, increment, count, decoding, end, np.concatenate((start[:1], end[:-1])))


def _stays(events: pd.DataFrame) -> _Stays:
    kind = column(events, "event")
    at = np.flatnonzero(np.isin(kind, JOINS + LEAVES))
    at = at[np.argsort(column(events, "id")[at], kind="stable")]  # the log tells a request's story in order
    kind, ident, time = kind[at], column(events, "id")[at], column(events, "time_ps")[at]
    joins = np.isin(kind, JOINS)
    left = np.append(_follows(ident)[1:] & ~joins[1:], [False])[: len(at)]
    leave = np.where(left, np.append(time[1:], time[:1]), np.iinfo(np.int64).max)
    return _Stays(
        ident[joins], column(events, "lane")[at][joins], time[joins], leave[joins], kind[joins] == Event.PREFILLED
    )


def _follows(ident: Column) -> Flags:
    """Whether the entry before is of the same request."""
    return np.concatenate((np.zeros(min(1, len(ident)), np.bool_), ident[1:] == ident[:-1]))


def _first_and_last(rows: _Rows, stays: _Stays) -> tuple[Column, Column]:
    """The first and the last row in which each stay decodes; it decodes in none where they are crossed."""
    first, last = np.zeros_like(stays.enter), np.full_like(stays.enter, -1)
    for lane in np.unique(rows.lane):
        begin, end = np.searchsorted(rows.lane, (lane, lane + 1))
        mine = stays.lane == lane
        first[mine] = begin + np.searchsorted(rows.start[begin:end], stays.enter[mine])
        last[mine] = begin + np.searchsorted(rows.end[begin:end], stays.leave[mine], side="right") - 1
    return first, last


def _tokens(stays: _Stays, took: Flags, final: Column) -> tuple[Column, Column]:
    """When each stay's sequence had emitted its last token before it decodes, and after."""
    known = np.stack((stays.prefilled, took), axis=1).ravel()
    times = np.zeros((len(took), 2), np.int64)
    times[:, 0] = stays.enter
    times[took, 1] = final
    latest = np.maximum.accumulate(np.where(known, np.arange(len(known)), 0))  # a request's first stay has a prefill
    times = times.ravel()[latest].reshape(-1, 2)
    return times[:, 0], times[:, 1]


def _within_stretches(rows: _Rows) -> tuple[Column, Column]:
    """Gaps of the steps after each stretch's first: step j lasts first + j * increment."""
    later = rows.steps - 1
    which = np.repeat(np.arange(len(later)), later)
    step = np.arange(1, len(which) + 1) - np.repeat(np.cumsum(later) - later, later)
    return rows.first[which] + step * rows.increment[which], rows.decoding[which]


def _once(gaps: Column) -> tuple[Column, Column]:
    return gaps, np.ones_like(gaps)


def _check(rows: _Rows, first: Column, last: Column) -> None:
    size = len(rows.end)
    here = np.cumsum(np.bincount(first, minlength=size) - np.bincount(last + 1, minlength=size + 1)[:size])
    wrong = np.flatnonzero(here != rows.decoding)
    if len(wrong):
        row = wrong[0]
        stretch = f"the stretch at {rows.start[row]} ps decodes {rows.decoding[row]} sequences"
        raise InvariantError(f"{stretch}, the events tell of {here[row]}")
