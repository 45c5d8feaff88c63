"""Inter-token latencies: the gaps between consecutive output tokens, as weighted counts.

All that decode in a step emit a token at its end, so a stretch of k steps needs k entries however
many decode; besides them, each return to the batch has an entry of its own.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from s3sim.core.events import Event
from s3sim.report.facts import Delivery
from s3sim.report.frames import Column, column
from s3sim.report.percentiles import weighted_percentile, weighted_percentiles
from s3sim.report.stays import DecodeRows, Flags, Stays, decode_rows, follows, span, stays

__all__ = ["token_gaps", "weighted_percentile", "weighted_percentiles"]


def token_gaps(
    events: pd.DataFrame, steps: pd.DataFrame, *, delivery: Delivery = "token", ids: Column | None = None
) -> tuple[Column, Column]:
    """The gaps between consecutive tokens of each request, pooled (vLLM's ITL): picoseconds, and how often each.

    Of all requests, or of those with these `ids`. Exactly the list of all gaps, each weight above 0; one gap may
    stand in several entries. A client knows the tokens that a RESTART lost, so each position counts when it is
    delivered for the first time: the gap before the first new one holds the whole repetition. Requests that
    failed are left out, as in vLLM's bench. With delivery at the batch's end all gaps are 0. Needs the whole
    log, and steps that take time. Raises InvariantError where its two tables disagree on how many sequences
    decode.
    """
    if delivery == "batch_end":
        return _at_once(events, ids)
    rows, told = decode_rows(steps), stays(events)
    first, last = span(rows, told)
    count, begin = _Steps.of(rows), np.cumsum(rows.steps) - rows.steps
    mine = np.ones(len(told.ident), np.bool_) if ids is None else np.isin(told.ident, ids)
    took = np.flatnonzero((last >= first) & mine)
    enter, leave = begin[first[took]], begin[last[took]] + rows.steps[last[took]]
    new = np.where(told.failed[took], leave, enter + np.maximum(told.repeats[took] - 1, 0))  # first new token's step
    reached = new < leave
    decoded = took[reached]
    before_prefill, before_decode = _tokens(told, decoded, rows.end[last[decoded]])
    again = np.flatnonzero(_fresh(told) & follows(told.ident) & mine)
    parts = [
        (count.gap, _covering(np.minimum(new + 1, leave), leave, len(count.gap))),
        _once(count.end[new[reached]] - before_decode[decoded]),
        _once(told.enter[again] - before_prefill[again]),
    ]
    gaps, weights = (np.concatenate(cells) for cells in zip(*parts, strict=True))
    return gaps[weights > 0], weights[weights > 0]


@dataclass(frozen=True, slots=True)
class _Steps:
    """The steps of all stretches, one by one: step j of a stretch lasts first + j * increment."""

    row: Column
    gap: Column  # since the token before, for those that decoded before
    end: Column

    @classmethod
    def of(cls, rows: DecodeRows) -> "_Steps":
        row = np.repeat(np.arange(len(rows.steps)), rows.steps)
        step = np.arange(len(row)) - np.repeat(np.cumsum(rows.steps) - rows.steps, rows.steps)
        first, increment = rows.first[row], rows.increment[row]
        gap = np.where(step == 0, (rows.first_end - rows.previous_end)[row], first + step * increment)
        return cls(row, gap, rows.start[row] + (step + 1) * first + increment * (step * (step + 1) // 2))


def _at_once(events: pd.DataFrame, ids: Column | None) -> tuple[Column, Column]:
    finished = column(events, "event") == Event.FINISHED
    finished &= ids is None or np.isin(column(events, "id"), ids)
    count = int((column(events, "tokens")[finished] - 1).sum())
    return np.zeros(min(1, count), np.int64), np.full(min(1, count), count, np.int64)


def _covering(begin: Column, end: Column, size: int) -> Column:
    """How many of the half-open intervals cover each step."""
    return np.cumsum(np.bincount(begin, minlength=size + 1) - np.bincount(end, minlength=size + 1))[:size]


def _fresh(told: Stays) -> Flags:
    """Whether each stay begins with a token that was not delivered before."""
    fresh: Flags = told.prefilled & ~told.failed & (told.repeats == 0)
    return fresh


def _tokens(told: Stays, decoded: Column, final: Column) -> tuple[Column, Column]:
    """When each stay's request had last got a new token: before it enters, and before it decodes."""
    known, times = np.zeros((len(told.ident), 2), np.bool_), np.zeros((len(told.ident), 2), np.int64)
    known[:, 0], times[:, 0] = _fresh(told), told.enter
    known[decoded, 1], times[decoded, 1] = True, final
    latest = np.maximum.accumulate(np.where(known.ravel(), np.arange(known.size), 0))  # a request's first stay is fresh
    found = times.ravel()[latest].reshape(-1, 2)
    return np.append(found[:1, 1], found[:-1, 1])[: len(found)], found[:, 0]


def _once(gaps: Column) -> tuple[Column, Column]:
    return gaps, np.ones_like(gaps)
