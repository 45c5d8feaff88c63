"""Two run directories, compared."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from s3sim.core.errors import InputError, UnknownNameError
from s3sim.report.compare.changes import METRICS, Change, Verdict, changes_of
from s3sim.report.compare.configuration import Difference, configuration, surroundings
from s3sim.report.compare.pairs import Setting, pairs_of, settings_of
from s3sim.report.rundir import RunFiles, read_run

__all__ = ["Comparison", "compare_runs"]

SCHEMA_VERSION = 1  # of its JSON
NAMED = 8  # settings that a message names


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What differs between two runs; `changes` are the second less the first."""

    paths: tuple[Path, Path]
    names: tuple[str, str]  # of their experiments
    seeds: tuple[tuple[int, ...], tuple[int, ...]]
    configuration: tuple[Difference, ...]  # of the points that are matched
    surroundings: tuple[Difference, ...]  # versions and platform
    changes: tuple[Change, ...]
    settings: int  # that both have
    only: tuple[tuple[Setting, ...], tuple[Setting, ...]]  # that one of them has
    unfinished: tuple[int, int]  # points that were to be run and are not there

    def having(self, *verdicts: Verdict) -> list[Change]:
        """The changes of some verdicts."""
        return [change for change in self.changes if change.verdict in verdicts]

    def _run(self, place: int) -> dict[str, Any]:
        return {
            "path": str(self.paths[place]),
            "name": self.names[place],
            "seeds": list(self.seeds[place]),
            "only": [setting.words for setting in self.only[place]],
            "unfinished": self.unfinished[place],
        }

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        unlike = ("key", "a", "b", "settings")
        return {
            "schema_version": SCHEMA_VERSION,
            "runs": [self._run(place) for place in (0, 1)],
            "settings": self.settings,
            "configuration": [dict(zip(unlike, found, strict=True)) for found in self.configuration],
            "surroundings": [dict(zip(unlike[:3], found[:3], strict=True)) for found in self.surroundings],
            "results": [_change(change) for change in self.changes],
        }


def _change(change: Change) -> dict[str, Any]:
    plain = asdict(change)
    setting = {
        "scenario": change.setting.scenario,
        "system": change.setting.system,
        "swept": dict(change.setting.swept),
    }
    named = {"a": plain["ours"], "b": plain["theirs"], "a_seeds": change.seeds[0], "b_seeds": change.seeds[1]}
    kept = {key: plain[key] for key in ("difference", "low", "high", "method")}
    return setting | {"metric": change.metric} | named | kept | {"verdict": change.verdict.value}


def compare_runs(one: str | Path, other: str | Path, *, metrics: Sequence[str] = METRICS) -> Comparison:
    """Compare two run directories, setting by setting.

    Raises InputError where one cannot be read, where no setting is in both, UnknownNameError for a metric that
    neither has.
    """
    runs = read_run(Path(one)), read_run(Path(other))
    _demand_metrics(runs, metrics)
    ours, theirs = map(settings_of, runs)
    pairs = pairs_of(ours, theirs)
    if not pairs:
        told = ("; ".join(setting.words for setting in list(found)[:NAMED]) for found in (ours, theirs))
        first, second = told
        raise InputError(
            f"{one} and {other}: no scenario, system and swept values are in both; the first has {first}; the"
            f" second {second}"
        )
    only = [tuple(s for s in found if s not in others) for found, others in ((ours, theirs), (theirs, ours))]
    return Comparison(
        paths=(Path(one), Path(other)),
        names=(runs[0].name, runs[1].name),
        seeds=(_seeds(runs[0]), _seeds(runs[1])),
        configuration=tuple(configuration(*runs, pairs)),
        surroundings=tuple(surroundings(*runs)),
        changes=tuple(changes_of(pairs, metrics)),
        settings=len(pairs),
        only=(only[0], only[1]),
        unfinished=(len(runs[0].missing), len(runs[1].missing)),
    )


def _demand_metrics(runs: Sequence[RunFiles], metrics: Sequence[str]) -> None:
    known = {str(name) for run in runs for part in run.scenarios for name in part.rows.select_dtypes("number").columns}
    for metric in metrics:
        if metric not in known and metric not in METRICS:
            raise UnknownNameError("metric", metric, known)


def _seeds(run: RunFiles) -> tuple[int, ...]:
    return tuple(sorted({int(seed) for part in run.scenarios for seed in part.rows["seed"]}))
