"""Counters over time: KV slots reserved and used on the whole device, and the batch of each lane."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from s3sim.report.frames import Column, column
from s3sim.report.levels import account, durations
from s3sim.report.timeline.parts import Sample
from s3sim.report.timeline.span import Span

__all__ = ["batches", "kv_slots"]


def kv_slots(events: pd.DataFrame, steps: pd.DataFrame, span: Span) -> Iterator[Sample]:
    """Slots reserved and used from each plan to the next, as the plan found them.

    Within a stretch of several decode steps more is used, and in a paged system reserved, step by step; its begin
    is shown.
    """
    level = account(events, steps, end_ps=span.last + 1)  # what stands from the last instant on is shown too
    for name, values in (("KV reserved", level.held), ("KV used", level.used)):
        for time, value in _changes(level.start, values, span):
            yield Sample("replica", name, "slots", time, value)


def batches(steps: pd.DataFrame, span: Span) -> Iterator[Sample]:
    """Sequences in the running step of each lane; 0 while none runs."""
    lane, start = column(steps, "lane"), column(steps, "start_ps")
    end = start + durations(steps)
    batch = column(steps, "prefill_sequences") + column(steps, "decode_sequences")
    for number in np.unique(lane).tolist():
        mine = lane == number
        over = np.setdiff1d(end[mine], start[mine])  # boundaries at which no step follows
        time = np.concatenate((start[mine], over))
        value = np.concatenate((batch[mine], np.zeros_like(over)))
        order = np.argsort(time, kind="stable")
        name = "batch" if (lane == 0).all() else f"batch, lane {number}"
        for at, size in _changes(time[order], value[order], span):
            yield Sample("replica", name, "sequences", at, size)


def _changes(time: Column, value: Column, span: Span) -> Iterator[tuple[int, int]]:
    """Times, ascending, at which a value changes within a span, and the value that it has at its begin."""
    if not len(time):
        return
    new = np.append([True], value[1:] != value[:-1])
    time, value = time[new], value[new]
    before = int(np.searchsorted(time, span.begin, side="right")) - 1
    if before >= 0:
        yield span.begin, int(value[before])
    inside = (time > span.begin) & (time <= span.end)
    yield from zip(time[inside].tolist(), value[inside].tolist(), strict=True)
