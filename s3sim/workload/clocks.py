"""Arrivals as picoseconds since the start, and what can be wrong with the clock that they were read from."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s3sim.core.errors import InputError
from s3sim.workload.cells import NO_ZONE
from s3sim.workload.checks import Rule
from s3sim.workload.formats import Format
from s3sim.workload.tables import Table
from s3sim.workload.units import MAX_PICOSECONDS, PICOSECONDS

__all__ = ["arrivals", "clock_rules"]

Columns = Mapping[str, NDArray[Any]]
WHOLE, REST = divmod(MAX_PICOSECONDS, PICOSECONDS)  # s, and ps beyond them, that 64 bits hold
SLACK = 1.0  # s by which requests may start before and after the time that a benchmark measured


def arrivals(columns: Columns, form: Format, *, sort: bool) -> NDArray[Any]:
    """Arrivals in ps; NaN where a time is none, and infinite where 64 bits do not hold it.

    Where the format's clock ran before the trace began, they count from the first or, of rows that will be
    sorted, from the earliest.
    """
    seconds, picoseconds, valid = columns["seconds"], columns["picoseconds"], columns["time_valid"]
    if form.from_first:
        first = valid.argmax()
        seconds, picoseconds = seconds - seconds[first], picoseconds - picoseconds[first]
    held = (seconds >= -WHOLE) & ((seconds < WHOLE) | ((seconds == WHOLE) & (picoseconds <= REST)))
    exact = np.where(held, seconds, 0) * PICOSECONDS + np.where(held, picoseconds, 0)
    if not (held.all() and valid.all()):
        return np.where(valid, np.where(held, exact, np.inf), np.nan)
    return exact - exact.min() if form.from_first and sort else exact


def clock_rules(columns: Columns, table: Table, *, whole_ms: bool) -> list[Rule]:
    """Demands on all times together: one zone, and the unit that they are said to be in."""
    valid, zone = columns["time_valid"], columns["zone"]
    first = zone[valid.argmax()]
    named = "none" if first == NO_ZONE else f"UTC{first // 60:+03d}:{first % 60:02d}"
    mixed = f"its time zone is not the first row's, which is {named}; write all times in one zone"
    rules = [Rule("arrival", ~valid, "a time is needed"), Rule("arrival", valid & (zone != first), mixed)]
    if whole_ms:
        places = columns["picoseconds"] % 10**9 != 0
        rules.append(Rule("arrival", valid & places, "whole ms are needed; if these are seconds, say time_unit s"))
    _demand_span(columns, table)
    return rules


def _demand_span(columns: Columns, table: Table) -> None:
    """A benchmark's requests must start within the time that it measured itself."""
    try:
        duration = float(str(table.facts["duration"]))
    except (KeyError, ValueError):
        return
    seconds = columns["seconds"][columns["time_valid"]]
    span = int(seconds.max() - seconds.min()) if len(seconds) else 0
    if span > duration + SLACK:
        raise InputError(
            f"{table.path}: start_times span {span} s, but the run took {duration:g} s by its `duration`;"
            " are they in another unit? say time_unit"
        )
