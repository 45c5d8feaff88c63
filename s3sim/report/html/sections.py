"""The parts of a page: a scenario at one setting, its swept values, and the point of each system at each of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan, nan
from typing import Any

import pandas as pd

from s3sim.report.html.thinning import spread
from s3sim.report.pages import TIMELINES
from s3sim.report.rundir import RunFiles, Scenario
from s3sim.report.selection import setting, swept_number

__all__ = ["Chosen", "Level", "Section", "sections"]

SECTIONS = 6  # of a page, at most
POINTS = 96  # of a page, as long as each section shows one swept value; 30 kB each


@dataclass(frozen=True, slots=True)
class Chosen:
    """One system at one swept value with the first seed: its folder, and the window that was measured."""

    point: str
    window_s: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Level:
    """A swept value, in words, and the point of each system that has one there."""

    text: str
    points: Mapping[str, Chosen]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Points that differ in system, seed and one swept number alone."""

    ident: str  # of its models, and of its place on the page
    title: str
    scenario: Scenario
    key: str | None  # that was swept, if any
    rows: pd.DataFrame
    systems: tuple[str, ...]
    seed: int
    levels: tuple[Level, ...]  # ascending; the last is shown first
    left_out: int  # swept values that have no level

    @property
    def favourite(self) -> int:
        """The number of the system whose sequences are shown first: one of which pictures show them too."""
        return next((self.systems.index(name) for name in TIMELINES if name in self.systems), 0)


def sections(run: RunFiles) -> tuple[list[Section], int]:
    """The sections of a page, and how many settings have none."""
    cut = [(scenario, *group) for scenario in run.scenarios for group in _by_setting(scenario)]
    shown = cut[:SECTIONS]
    room = POINTS // max(1, sum(rows["system"].nunique() for _, _, rows in shown))
    found = [
        _section(f"s{index}", scenario, ", ".join((scenario.name, *words)), rows, most=max(1, room))
        for index, (scenario, words, rows) in enumerate(shown)
    ]
    return found, len(cut) - len(shown)


def _by_setting(scenario: Scenario) -> list[tuple[list[str], pd.DataFrame]]:
    """The scenario's rows by all that was swept besides the number, each with those settings in words."""
    key = swept_number(scenario.rows, scenario.swept_over)
    others = [other for other in scenario.swept_over if other != key]
    if not others:
        return [([], scenario.rows)]
    return [(setting(rows, others), rows) for _, rows in scenario.rows.groupby(others, sort=False, dropna=False)]


def _section(ident: str, scenario: Scenario, title: str, rows: pd.DataFrame, *, most: int) -> Section:
    key, seed = swept_number(scenario.rows, scenario.swept_over), rows["seed"].iloc[0]
    first = rows[rows["seed"] == seed]
    groups = [first] if key is None else [group for _, group in first.groupby(key, dropna=False)]  # null comes last
    kept = spread(len(groups), most)
    return Section(
        ident=ident,
        title=title,
        scenario=scenario,
        key=key,
        rows=rows,
        systems=tuple(dict.fromkeys(rows["system"])),
        seed=int(seed),
        levels=tuple(_level(groups[index], key) for index in kept),
        left_out=len(groups) - len(kept),
    )


def _level(rows: pd.DataFrame, key: str | None) -> Level:
    text = "" if key is None else setting(rows, [key])[0]
    windows = [_window(rows.iloc[index]) for index in range(len(rows))]
    chosen = map(Chosen, rows["point"].astype(str), windows)
    return Level(text, dict(zip(rows["system"].astype(str), chosen, strict=True)))


def _window(row: "pd.Series[Any]") -> tuple[float, float] | None:
    """From and to in seconds; None where the summary does not say, as of an older version."""
    begin, end = (float(row.get(name, nan)) for name in ("window_start_s", "window_end_s"))
    return None if isnan(begin + end) else (begin, end)
