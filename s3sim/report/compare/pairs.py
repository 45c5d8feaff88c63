"""The settings of two runs, matched by scenario, system and swept values."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from s3sim.core.errors import InputError
from s3sim.report.point_names import value_words
from s3sim.report.rundir import RunFiles, Scenario

__all__ = ["Pair", "Setting", "pairs_of", "settings_of"]


class Setting(NamedTuple):
    """What tells the results of a run apart, but for the seed."""

    scenario: str
    system: str
    swept: tuple[tuple[str, Any], ...]  # dotted key and value; None where it is left open

    @property
    def words(self) -> str:
        """As a reader names it: `offline s3 max_num_seqs=64`."""
        return " ".join((self.scenario, self.system, *(f"{key}={value_words(value)}" for key, value in self.swept)))


class Pair(NamedTuple):
    """A setting that both runs have: the rows of their summaries by seed."""

    setting: Setting
    ours: pd.DataFrame
    theirs: pd.DataFrame


def settings_of(run: RunFiles) -> Mapping[Setting, pd.DataFrame]:
    """The rows of each setting of a run, indexed by seed; raises InputError where two are of one setting and seed."""
    found: dict[Setting, pd.DataFrame] = {}
    for scenario in run.scenarios:
        for names, rows in scenario.rows.groupby(["system", *scenario.swept_over], sort=False, dropna=False):
            setting = _setting(scenario, names)
            if not rows["seed"].is_unique:
                twice = rows.loc[rows["seed"].duplicated(), "seed"].iloc[0]
                raise InputError(
                    f"{run.path}: two points are of {setting.words}, seed {twice}; nothing tells them apart"
                )
            found[setting] = rows.set_index("seed")
    return found


def pairs_of(ours: Mapping[Setting, pd.DataFrame], theirs: Mapping[Setting, pd.DataFrame]) -> list[Pair]:
    """The settings that both have, in the order of the first."""
    return [Pair(setting, rows, theirs[setting]) for setting, rows in ours.items() if setting in theirs]


def _setting(scenario: Scenario, names: tuple[Any, ...]) -> Setting:
    system, *values = names
    swept = zip(scenario.swept_over, map(_plain, values), strict=True)
    return Setting(scenario.name, str(system), tuple(sorted(swept, key=lambda pair: pair[0])))


def _plain(value: Any) -> Any:
    """A cell of a CSV as the YAML had it; 64 and 64.0, which a column with gaps makes of it, are equal."""
    return None if pd.isna(value) else value.item() if hasattr(value, "item") else value
