"""Which points of a run a table or a figure is about: rows of its summary, found by what they tell."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from s3sim.core.errors import InputError, UnknownNameError
from s3sim.report.rundir import RunFiles, Scenario
from s3sim.report.wording import value_text

__all__ = [
    "Chosen",
    "by_setting",
    "choose",
    "highest",
    "matching",
    "run_title",
    "scenario_of",
    "setting",
    "swept_keys",
    "swept_number",
    "the_one",
]

PREFERRED = ("max_num_seqs", "arrivals.rate")  # what a curve is swept over, if it can be
MANY = 8  # values that an error lists


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Rows of one scenario that differ in system, seed and the swept number `key` alone."""

    scenario: Scenario
    rows: pd.DataFrame
    key: str | None
    title: str

    @property
    def top(self) -> pd.DataFrame:
        """The rows at the highest swept value; one left open is higher than any number."""
        return self.rows if self.key is None else highest(self.rows, self.key)

    @property
    def points(self) -> dict[str, str]:
        """A point per system: that of the highest swept value and the first seed."""
        rows = self.top
        first = rows[rows["seed"] == rows["seed"].iloc[0]]
        return dict(zip(first["system"], first["point"], strict=True))

    @property
    def where(self) -> str:
        """The title of what is drawn at the highest swept value, over all seeds."""
        return "\n".join((self.title, *self._value))

    @property
    def at(self) -> str:
        """The title of what is drawn of `points`."""
        seed = f"seed={self.top['seed'].iloc[0]}"
        return f"{self.title}\n{', '.join([*self._value, seed])}"

    @property
    def _value(self) -> list[str]:
        return [] if self.key is None else setting(self.top, [self.key])


def choose(run: RunFiles, having: Mapping[str, Any], *, swept_over: str | None = None) -> Chosen:
    """The rows that have these values of scenario, system, seed and swept keys.

    `swept_over` names the swept number of a curve; else it is one that still has several values. Raises
    InputError for a key or a value that is not there, and where rows differ in anything else.
    """
    asked = dict(having)
    scenario = scenario_of(run, asked.pop("scenario", None))
    rows = matching(scenario.rows, asked, keys=scenario.swept_over)
    several = [key for key in scenario.swept_over if rows[key].nunique(dropna=False) > 1]
    if swept_over is not None and swept_over not in scenario.swept_over:
        raise UnknownNameError("swept key", swept_over, scenario.swept_over, place="swept_over")
    key = swept_over or swept_number(rows, several)
    others = [other for other in scenario.swept_over if other != key]
    for other in others:
        if other in several:
            raise InputError(f"{other}: has several values, say which: {_values(rows[other])}")
    title = ", ".join((run_title(run, scenario), *setting(rows, others)))
    return Chosen(scenario=scenario, rows=rows, key=key, title=title)


def run_title(run: RunFiles, scenario: Scenario) -> str:
    """What a figure of a scenario is headed with."""
    return run.name if run.name == scenario.name else f"{run.name}: {scenario.name}"


def scenario_of(run: RunFiles, name: str | None) -> Scenario:
    """The scenario of that name, or the only one; raises InputError where there are several, or none of that name."""
    known = {scenario.name: scenario for scenario in run.scenarios}
    if name is None and len(known) == 1:
        return run.scenarios[0]
    if name is None:
        raise InputError(f"scenario: there are several, say which: {', '.join(known)}")
    if name not in known:
        raise UnknownNameError("scenario", name, known)
    return known[name]


def matching(rows: pd.DataFrame, having: Mapping[str, Any], *, keys: Iterable[str]) -> pd.DataFrame:
    """The rows with these values; a list stands for any of its values, None for a field left open.

    `keys` may be asked for, and `system`, `seed` and `point`. Raises InputError where no row is left.
    """
    known = [*keys, "system", "seed", "point"]
    for key, value in having.items():
        if key not in known:
            raise UnknownNameError("key", key, known)
        wanted = list(value) if isinstance(value, list | tuple | range) else [value]
        fits = rows[key].isin([str(one) if isinstance(one, dict) else one for one in wanted if one is not None])
        fits |= rows[key].isna() & (None in wanted)
        if not fits.any():
            raise InputError(f"{key}: no point has {value!r}; there are {_values(rows[key])}")
        rows = rows[fits]
    return rows


def the_one(rows: pd.DataFrame, having: Mapping[str, Any], *, keys: Sequence[str]) -> "pd.Series[Any]":
    """The one row with these values; raises InputError that says in what several differ."""
    found = matching(rows, having, keys=keys)
    if len(found) > 1:
        differ = [key for key in (*keys, "system", "seed") if found[key].nunique(dropna=False) > 1]
        told = "; ".join(f"{key}: {_values(found[key])}" for key in differ)
        raise InputError(f"{len(found)} points fit, and one is needed; say also {told}")
    return found.iloc[0]


def _values(values: "pd.Series[Any]") -> str:
    texts = [value_text(None if pd.isna(value) else value) for value in values.unique()]
    return ", ".join(texts[:MANY]) + (f" and {len(texts) - MANY} more" if len(texts) > MANY else "")


def swept_keys(summary: pd.DataFrame) -> list[str]:
    """The columns of a summary that hold swept values: those between scenario and system."""
    columns = list(summary.columns)
    return columns[1 : columns.index("system")]


def swept_number(rows: pd.DataFrame, keys: Iterable[str]) -> str | None:
    """The key with several numbers, over which curves are drawn."""
    numbers = [key for key in keys if _is_number(rows[key])]
    return next((key for key in PREFERRED if key in numbers), numbers[0] if numbers else None)


def _is_number(values: "pd.Series[Any]") -> bool:
    number = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    return bool(number and values.notna().any() and values.nunique(dropna=False) > 1)


def highest(rows: pd.DataFrame, key: str) -> pd.DataFrame:
    """The rows with the highest value of `key`; null, which sets no bound, is higher than any number."""
    values = rows[key]
    return rows[values.isna() if values.isna().any() else values == values.max()]


def setting(rows: pd.DataFrame, keys: Iterable[str]) -> list[str]:
    """What the rows have in common, such as `max_num_seqs=8`."""
    values = ((key, rows[key].iloc[0]) for key in keys)
    return [f"{key}={value_text(None if pd.isna(value) else value)}" for key, value in values]


def by_setting(rows: pd.DataFrame, keys: Sequence[str]) -> dict[str, str]:
    """The point of each row, by its setting in words."""
    words = [", ".join(setting(rows.iloc[[row]], keys)).replace("predictor.", "") for row in range(len(rows))]
    return dict(zip(words, map(str, rows["point"]), strict=True))
