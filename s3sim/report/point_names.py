"""A point by what a reader would call it: its name, or its scenario, system, seed and swept values."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from s3sim.core.errors import InputError
from s3sim.report.rundir import RunFiles, Scenario

__all__ = ["find_point", "value_words"]

LISTED = 12  # points that a message names


def find_point(run: RunFiles, asked: str | None) -> str:
    """The one point that is meant: its name or the begin of it, or words such as `online s3 arrivals.rate=20 seed=0`.

    Words are of its scenario, system, seed and swept values, in any order; none are needed where there is one
    point. Raises InputError where there is none, or more than one, and tells them apart.
    """
    known = {str(row["point"]): _words(part, row) for part in run.scenarios for _, row in part.rows.iterrows()}
    if asked in known:
        return asked
    words = set((asked or "").split())
    begin = [name for name in known if asked is not None and name.startswith(asked)]
    found = begin or [name for name, told in known.items() if words <= set(told)]
    if len(found) == 1:
        return found[0]
    raise InputError(_many(run, asked, {name: known[name] for name in found or known}, found=bool(found)))


def _words(scenario: Scenario, row: "pd.Series[Any]") -> list[str]:
    """What tells a point apart, as a reader writes it."""
    swept = (f"{key}={value_words(row[key])}" for key in scenario.swept_over)
    return [scenario.name, str(row["system"]), *swept, f"seed={row['seed']}"]


def value_words(value: Any) -> str:
    """A cell of a summary as the YAML had it: 64, also where gaps made a float of it; null where nothing is set."""
    if pd.isna(value):
        return "null"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _many(run: RunFiles, asked: str | None, points: Mapping[str, list[str]], *, found: bool) -> str:
    """Why one point cannot be told from others, and what tells these apart."""
    told = [" ".join(words) for words in points.values()]
    listed = "; ".join([*told[:LISTED], *(["..."] if len(told) > LISTED else [])])
    if asked is None:
        return f"{run.path}: has {len(points)} points; name one with --point 'WORDS': {listed}"
    how = f"{len(points)} points are" if found else "no point is"
    return f"{run.path}: {how} {asked!r}; there are {listed}"
