"""What is asked of an experiment: which quantity, which SLO, how sure, and of which systems."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

from s3sim.capacity.axes import AXES, SMALLER, Axis
from s3sim.capacity.search import Span
from s3sim.capacity.slo import Objective, parse_objectives
from s3sim.core.errors import InputError, UnknownNameError
from s3sim.experiment.resolved import Point
from s3sim.experiment.schema import LoadedExperiment

__all__ = ["Question", "Subject", "ask", "subjects"]

LEAST_SEEDS = 3  # where the experiment names fewer: two tell a spread, but hardly
SEED_FACTOR = 4  # an undecided level may take this many times the first seeds


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A search, apart from the system that it is made for. Raises InputError for values that make no sense."""

    find: str  # a key of AXES
    objectives: tuple[Objective, ...]  # kept together
    seeds: tuple[int, ...]  # that every level is given
    max_seeds: int  # that an undecided level is given at most
    confidence: float = 0.95  # of the intervals of one level, all its looks together
    low: float | None = None
    high: float | None = None
    tolerance: float | None = None

    def __post_init__(self) -> None:
        _demand(len(self.seeds) >= 2, f"--seeds: {len(self.seeds)} given; two at least tell how much runs differ")
        _demand(len(set(self.seeds)) == len(self.seeds), "--seeds: one stands twice; keep one")
        _demand(min(self.seeds, default=0) >= 0, "--seeds: below 0; whole numbers from 0 are needed")
        more = f"--max-seeds: {self.max_seeds} is less than the {len(self.seeds)} that every level is given"
        _demand(self.max_seeds >= len(self.seeds), more)
        _demand(0 < self.confidence < 1, f"--confidence: {self.confidence:g} is not between 0 and 1; try 0.95")
        for name, value in (("--low", self.low), ("--high", self.high)):
            _demand(value is None or (isfinite(value) and value > 0), f"{name}: {value} is not above 0")
            whole = value is None or not self.axis.whole or value == int(value)
            _demand(whole, f"{name}: {value} is no whole number, and {self.axis.noun} is")
        finite = self.tolerance is None or (0 <= self.tolerance < 1 and (self.axis.whole or self.tolerance >= 1e-5))
        _demand(finite, f"--tolerance: {self.tolerance} is no share, such as 0.02; a rate's is at least 0.00001")

    @property
    def axis(self) -> Axis:
        """What is varied."""
        return AXES[self.find]

    @property
    def looks(self) -> tuple[int, ...]:
        """Numbers of seeds after which a level is judged: the first ones, twice as many, and so on to the most."""
        counts = [len(self.seeds)]
        while counts[-1] < self.max_seeds:
            counts.append(min(2 * counts[-1], self.max_seeds))
        return tuple(counts)

    @property
    def confidence_of_a_look(self) -> float:
        """So that all looks together err no more often than one would (Bonferroni's inequality)."""
        return 1 - (1 - self.confidence) / len(self.looks)

    def seeds_of(self, count: int) -> tuple[int, ...]:
        """The first so many, also of those that are not given."""
        return _prolonged(self.seeds, count)

    def span(self, points: Sequence[Point]) -> Span:
        """Where to look, from the levels of an experiment's points unless both ends are given."""
        low, high = self.axis.ends(points)
        if self.high is not None:
            low, high = low if self.axis.whole else self.high / SMALLER, self.high
        if self.low is not None:
            low, high = self.low, high if self.high is not None else max(self.low, high)
        _demand(low <= high, f"--low: {low:g} is above --high {high:g}; exchange them")
        return Span(
            low=low,
            high=high,
            ceiling=max(high, self.axis.ceiling),
            tolerance=self.axis.tolerance if self.tolerance is None else self.tolerance,
            whole=self.axis.whole,
            wants=self.axis.wants,
        )

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "find": self.find,
            "slo": [objective.to_json() for objective in self.objectives],
            "confidence": self.confidence,
            "seeds": list(self.seeds),
            "max_seeds": self.max_seeds,
            "low": self.low,
            "high": self.high,
            "tolerance": self.axis.tolerance if self.tolerance is None else self.tolerance,
        }


def ask(
    find: str,
    slo: Sequence[str],
    *,
    seeds: Sequence[int] | None,
    own_seeds: Sequence[int],
    max_seeds: int | None,
    confidence: float,
    low: float | None,
    high: float | None,
    tolerance: float | None,
) -> Question:
    """A question, with seeds that are the experiment's own, and some more of few, where none are given.

    Raises InputError for what makes no sense.
    """
    if find not in AXES:
        raise UnknownNameError("quantity", find, AXES, place="--find")
    first = tuple(seeds) if seeds is not None else _enough(own_seeds)
    return Question(
        find=find,
        objectives=parse_objectives(slo),
        seeds=first,
        max_seeds=SEED_FACTOR * len(first) if max_seeds is None else max_seeds,
        confidence=confidence,
        low=low,
        high=high,
        tolerance=tolerance,
    )


def _enough(seeds: Sequence[int]) -> tuple[int, ...]:
    return _prolonged(seeds, max(LEAST_SEEDS, len(seeds)))


def _prolonged(seeds: Sequence[int], count: int) -> tuple[int, ...]:
    """The first so many seeds: the given ones, then those that follow the largest of them."""
    return (*seeds, *range(max(seeds) + 1, max(seeds) + 1 + count))[:count]


def _demand(fine: bool, message: str) -> None:
    if not fine:
        raise InputError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A system in one setting of an experiment: what one search is made for."""

    points: tuple[Point, ...]  # that differ in the varied quantity alone

    @property
    def base(self) -> Point:
        """The point that the levels are put into."""
        return self.points[0]

    @property
    def system(self) -> str:
        """Its name in tables."""
        return self.base.label or self.base.system

    @property
    def name(self) -> str:
        """System and setting, in words."""
        return " ".join([self.system, *(f"{key}={value}" for key, value in self.base.sweep.items())])


def subjects(
    loaded: LoadedExperiment, axis: Axis, *, scenario: str | None, systems: Sequence[str]
) -> tuple[Subject, ...]:
    """The searches that an experiment asks for: each system in each setting, in the order of the YAML.

    A sweep over the varied quantity is where the search starts; one over another key makes settings of their
    own. Raises InputError where the scenario or a system is unknown, or the scenario has no such quantity.
    """
    points = [point for point in loaded.points if point.scenario == _scenario(loaded, axis, scenario)]
    known = list(dict.fromkeys(point.label or point.system for point in points))
    for name in systems:
        if name not in known:
            raise UnknownNameError("system", name, known, place="--system")
    groups: dict[tuple[str, str], list[Point]] = {}
    for point in points:
        label = point.label or point.system
        if systems and label not in systems:
            continue
        axis.check(point)
        plain = replace(point, sweep={key: value for key, value in point.sweep.items() if key != axis.key})
        groups.setdefault((label, repr(plain.sweep)), []).append(replace(plain, log="requests"))
    return tuple(Subject(points=_one_seed(group)) for group in groups.values())


def _one_seed(points: Sequence[Point]) -> tuple[Point, ...]:
    return tuple(point for point in points if point.seed == points[0].seed)


def _scenario(loaded: LoadedExperiment, axis: Axis, wanted: str | None) -> str:
    """The scenario that is asked about, or the only one that fits."""
    names = list(loaded.experiment.scenarios)
    if wanted is not None:
        if wanted not in names:
            raise UnknownNameError("scenario", wanted, names, place="--scenario")
        return wanted
    fitting = [name for name in names if _fits(axis, (p for p in loaded.points if p.scenario == name))]
    if len(fitting or names) == 1:
        return (fitting or names)[0]
    raise InputError(f"--scenario: choose one of {', '.join(fitting or names)}")


def _fits(axis: Axis, points: Iterable[Point]) -> bool:
    try:
        axis.check(next(iter(points)))
    except InputError:
        return False
    return True
