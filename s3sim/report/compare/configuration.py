"""Where two runs differ before anything ran: resolved points key by key, and what they ran on."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from s3sim.report.compare.pairs import Pair
from s3sim.report.rundir import RunFiles

__all__ = ["ABSENT", "Difference", "configuration", "surroundings"]

ABSENT = "(absent)"  # what stands for the value of a key that one of the two does not have
MATCHED = ("experiment", "scenario", "system", "label", "seed", "sweep")  # by these points are matched, or named
FOLLOWS = ("facts",)  # what else point.json holds: it follows from the rest


class Difference(NamedTuple):
    """A key with one value here and another there, and in how many of the matched settings."""

    key: str
    ours: Any
    theirs: Any
    settings: int


def configuration(one: RunFiles, other: RunFiles, pairs: Iterable[Pair]) -> list[Difference]:
    """The keys in which resolved points differ, setting by setting; each setting by its first seed."""
    found: dict[tuple[str, str, str], Difference] = {}
    for pair in pairs:
        first, second = (
            _asked(run.about(str(rows["point"].iloc[0]))) for run, rows in ((one, pair.ours), (other, pair.theirs))
        )
        for key, ours, theirs in _unlike(first, second):
            known = found.get((key, repr(ours), repr(theirs)), Difference(key, ours, theirs, 0))
            found[key, repr(ours), repr(theirs)] = known._replace(settings=known.settings + 1)
    return list(found.values())


def surroundings(one: RunFiles, other: RunFiles) -> list[Difference]:
    """Where versions of packages, Python, or the platform differ; results may depend on the former alone."""
    named = [
        _flat({key: value for key, value in run.environment().items() if key != "command"}) for run in (one, other)
    ]
    return [Difference(*difference, 0) for difference in _unlike(*named)]


def _asked(about: Mapping[str, Any]) -> dict[str, Any]:
    return _flat({key: value for key, value in about.items() if key not in (*MATCHED, *FOLLOWS)})


def _unlike(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for key in dict.fromkeys((*ours, *theirs)):
        one, other = ours.get(key, ABSENT), theirs.get(key, ABSENT)
        if one != other or (type(one) is not type(other) and {type(one), type(other)} != {int, float}):
            yield key, one, other


def _flat(plain: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Dotted keys of nested mappings; a list is a value, and so is a mapping of nothing."""
    found: dict[str, Any] = {}
    for key, value in plain.items():
        if isinstance(value, Mapping) and value:
            found |= _flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found
