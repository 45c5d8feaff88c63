"""Which part of a run a timeline shows, so that viewers can still open it."""

from dataclasses import dataclass
from math import isfinite

import numpy as np
import pandas as pd

from s3sim.core.errors import InputError
from s3sim.core.events import Event
from s3sim.report.frames import PS_PER_S, column
from s3sim.report.levels import durations

__all__ = ["MOST_STRETCHES", "Span", "span_of"]

MOST_STRETCHES = 50_000  # shown of a run: with their counters about 25 MB of JSON, well below viewers' hundreds


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Times from `begin` to `end` of a run that lasts until `last`; all in ps."""

    begin: int
    end: int
    last: int

    @property
    def whole(self) -> bool:
        """Whether nothing is left out."""
        return (self.begin, self.end) == (0, self.last)


def span_of(
    events: pd.DataFrame,
    steps: pd.DataFrame,
    *,
    first: float | None = None,
    last: float | None = None,
    stretches: int = MOST_STRETCHES,
) -> Span:
    """The `first` or the `last` so many seconds of a run, or all of it, but no more than so many stretches of steps.

    Where these are too many, a span that was asked for by its last seconds loses its begin, any other its end.
    Raises InputError where both are given, or one is no positive number.
    """
    end = _end(events, steps)
    begin, until = _asked(end, first, last)
    start = np.sort(column(steps, "start_ps"))
    inside = start[(start >= begin) & (start < until)]
    if len(inside) > stretches and last is None:
        until = int(inside[stretches])
    elif len(inside) > stretches:
        begin = int(inside[-stretches])
    return Span(begin=begin, end=until, last=end)


def _asked(end: int, first: float | None, last: float | None) -> tuple[int, int]:
    if first is not None and last is not None:
        raise InputError("--first and --last: give one of the two")
    for name, seconds in (("first", first), ("last", last)):
        if seconds is not None and not (isfinite(seconds) and seconds > 0):
            raise InputError(f"--{name} {seconds:g}: is not usable; give seconds above 0")
    if first is not None:
        return 0, min(end, round(first * PS_PER_S))
    return (0 if last is None else max(0, end - round(last * PS_PER_S))), end


def _end(events: pd.DataFrame, steps: pd.DataFrame) -> int:
    """When the last thing of the log happened or ended."""
    time, kind, detail = (column(events, name) for name in ("time_ps", "event", "detail"))
    lasts = np.isin(kind, (Event.RETRAINED, Event.PREDICTING))
    times = np.concatenate((time + np.where(lasts, detail, 0), column(steps, "start_ps") + durations(steps)))
    return int(times.max(initial=0))
