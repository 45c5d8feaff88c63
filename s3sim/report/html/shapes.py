"""What a page draws of one point, cut to a bounded size: distributions, KV over time, bars of sequences."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from s3sim.core.events import Event
from s3sim.report.figures.memory import means_text
from s3sim.report.frames import PS_PER_S, Column, column
from s3sim.report.html.thinning import Reals, spread, thinned
from s3sim.report.occupancy import occupancy_series
from s3sim.report.phases import first_admissions, phases

__all__ = ["Bars", "Distribution", "Memory", "bars", "distributions", "memory"]

Small = NDArray[np.uint16]
QUANTILES = 200  # of a distribution
BINS = 4096  # averages over time, before they are thinned
MOMENTS = 720  # of memory over time, at most: 120 slices across a panel of some 500 pixels
SEQUENCES = 150  # of a timeline, at most
BARS = 1200  # of a timeline, at most, unless one sequence has more


@dataclass(frozen=True, slots=True)
class Distribution:
    """The share of values at or below each of some of them: both rise, the share from 0 to 1."""

    value: Reals
    share: Reals


@dataclass(frozen=True, slots=True)
class Memory:
    """KV slots over time: averages over a 4096th of the run each."""

    time_s: Reals
    held: Reals
    used: Reals
    end_s: float
    capacity: int  # slots
    note: str  # means over the run


@dataclass(frozen=True, slots=True)
class Bars:
    """Sequences, a row each, cut into states: parallel columns, an entry a bar."""

    ids: tuple[int, ...]  # by row, from above
    row: Small
    state: Small  # an index of STATES
    begin_s: Reals
    end_s: Reals
    note: str  # which sequences these are


def distributions(requests: pd.DataFrame, metrics: tuple[str, ...]) -> dict[str, Distribution]:
    """Each latency's distribution over the finished requests; those without a value are left out."""
    finished = requests[requests["status"] == "finished"]
    found = {name: np.sort(finished[name].dropna().to_numpy(np.float64)) for name in metrics}
    return {name: _distribution(values) for name, values in found.items() if len(values)}


def _distribution(ascending: Reals) -> Distribution:
    value = ascending[spread(len(ascending), QUANTILES)]
    share = np.searchsorted(ascending, value, side="right") / len(ascending)
    return Distribution(np.append(value[:1], value), np.append([0.0], share))


def memory(events: pd.DataFrame, steps: pd.DataFrame, *, capacity: int) -> Memory | None:
    """KV held and used; None where nothing finished."""
    series = occupancy_series(events, steps, points=BINS)
    if series.empty:
        return None
    time, held, used = (series[name].to_numpy(np.float64) for name in ("time_s", "held", "used"))
    held = np.clip(held, used, capacity)  # the series takes growth within a stretch for even, which may overshoot
    kept = thinned((held, used), most=MOMENTS)
    end = float(time[-1] + time[0])  # the first bin's middle is half a bin from 0
    return Memory(time[kept], held[kept], used[kept], end, capacity, means_text(series, capacity))


def bars(events: pd.DataFrame, *, window_s: tuple[float, float] | None) -> Bars | None:
    """The states of the first sequences, by first admission, of those that arrive in a window; None where none ran.

    A sequence is shown whole or not at all.
    """
    chosen = first_admissions(events)
    inside = chosen if window_s is None else chosen[np.isin(chosen, _arrived(events, window_s))]
    chosen, where = (inside, "arrive in the measured window") if len(inside) else (chosen, "were admitted")
    told = phases(events, chosen[:SEQUENCES], finer=True)
    if told.empty:
        return None
    row, ids = pd.factorize(told["id"])
    shown = max(1, int((np.cumsum(np.bincount(row)) <= BARS).sum()))
    told, row = told[row < shown], row[row < shown]
    preempted = np.unique(column(events, "id")[column(events, "event") == Event.PREEMPTED])
    note = (
        f"The first {shown:,} by admission of {len(chosen):,} sequences that {where};"
        f" {int(np.isin(ids[:shown], preempted).sum()):,} of these were preempted, {len(preempted):,} in the whole run."
    )
    return Bars(
        ids=tuple(int(ident) for ident in ids[:shown]),
        row=row.astype(np.uint16),
        state=told["phase"].cat.codes.to_numpy().astype(np.uint16),
        begin_s=told["begin_ps"].to_numpy(np.float64) / PS_PER_S,
        end_s=told["end_ps"].to_numpy(np.float64) / PS_PER_S,
        note=note,
    )


def _arrived(events: pd.DataFrame, window_s: tuple[float, float]) -> Column:
    """Who arrives at or after the window's begin, and before its end."""
    begin, end = window_s
    time = column(events, "time_ps") / PS_PER_S
    arrived = (column(events, "event") == Event.ARRIVED) & (time >= begin) & (time < end)
    return column(events, "id")[np.flatnonzero(arrived)]
