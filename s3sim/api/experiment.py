"""An experiment as an object: made of keys or of a YAML file, changed by keys, resolved into points."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from s3sim.api.display import facts_html
from s3sim.api.plain import Overrides, changes, plain
from s3sim.core.errors import InputError, UnknownNameError
from s3sim.experiment.resolved import Point
from s3sim.experiment.schema import LoadedExperiment, load_experiment
from s3sim.policies.own import OwnSystems, all_systems

__all__ = ["Experiment", "Source", "experiment_of"]

MANY = 8  # values that an error lists
DEFAULTS = {"version": 1, "name": "explore"}  # of an experiment that no file holds


class Experiment:
    """One question: model × device × workload × systems × scenarios × seeds, with sweeps over any key.

    Its keys are those of an experiment YAML (`s3sim schema` describes each), given as keywords, as a mapping,
    or in a file (`from_yaml`). It never changes; `with_` makes another. `own_systems` are systems of one's own
    that it may name. Raises InputError that names the key path, the value and what would be right.

    >>> experiment = Experiment(
    ...     model="gpt-j-6b",
    ...     device="a100-80gb",
    ...     workload={"kind": "preset", "name": "alpaca", "requests": 20},
    ...     predictor={"kind": "confusion", "accuracy": 0.9, "buckets": 10},
    ...     systems=["orca", "s3"],
    ... )
    >>> experiment
    Experiment('explore': 2 systems, 1 seed, 2 points)
    >>> experiment.with_({"max_num_seqs": 8, "predictor.accuracy": 1}, seeds=range(3))
    Experiment('explore': 2 systems, 3 seeds, 6 points)
    >>> experiment.with_(max_length=0)
    Traceback (most recent call last):
    s3sim.core.errors.InputError: --set max_length=0: max_length: input should be greater than or equal to 2 (got 0)
    """

    __slots__ = ("_loaded", "_source", "_systems")

    def __init__(
        self, values: Mapping[str, Any] | None = None, /, *, own_systems: OwnSystems | None = None, **keys: Any
    ) -> None:
        if values is not None and not isinstance(values, Mapping):
            raise InputError(f"an experiment is made of keys, not of {values!r}; Experiment.from_yaml reads a file")
        self._set({**DEFAULTS, **plain(values or {}), **plain(keys)}, (), own_systems)

    @classmethod
    def from_yaml(cls, path: str | Path, overrides: Overrides = (), *, own_systems: OwnSystems | None = None) -> Self:
        """The experiment in a file, with keys changed; errors name file and line.

        `overrides` are texts as `--set` takes them, or a mapping of dotted keys to values.
        """
        return cls._of(Path(path), changes(overrides), own_systems)

    @classmethod
    def _of(cls, source: Path | Mapping[str, Any], overrides: tuple[str, ...], own: OwnSystems | None) -> Self:
        made = cls.__new__(cls)
        made._set(source, overrides, own)
        return made

    def _set(self, source: Path | Mapping[str, Any], overrides: tuple[str, ...], own: OwnSystems | None) -> None:
        self._source, self._systems = source, all_systems(own)
        self._loaded = load_experiment(source, overrides, systems=self._systems)

    def with_(self, keys: Overrides = (), /, *, own_systems: OwnSystems | None = None, **more: Any) -> "Experiment":
        """Another experiment, with these keys changed, as `--set` changes them; own systems are added to those it has.

        `keys` are dotted, as in `{"workload.requests": 100}`, or texts as `--set` takes them; a step into `systems`
        names a system. `more` are keys without a dot.
        """
        overrides = (*self._loaded.overrides, *changes(keys), *changes(more))
        return self._of(self._source, overrides, {**self.own_systems, **(own_systems or {})})

    @property
    def name(self) -> str:
        """What it is called: run directories are named after it."""
        return self._loaded.experiment.name

    @property
    def description(self) -> str:
        """What it says of itself."""
        return self._loaded.experiment.description

    @property
    def points(self) -> tuple[Point, ...]:
        """One system, one seed and one combination of swept values each, in the order of the keys."""
        return self._loaded.points

    @property
    def own_systems(self) -> OwnSystems:
        """The systems that it may name and that are none of s3sim's."""
        return {name: system for name, system in self._systems.items() if name not in all_systems(None)}

    @property
    def loaded(self) -> LoadedExperiment:
        """As the schema has it: checked keys, YAML text and overrides."""
        return self._loaded

    def point(self, **having: Any) -> Point:
        """The one point that has these values of scenario, system, seed and swept keys; InputError where it is not one.

        Dotted keys are given as in `point(**{"arrivals.rate": 4})`.
        """
        wanted, told = plain(having), [_told(point) for point in self.points]
        known = dict.fromkeys(key for keys in told for key in keys)
        for key in wanted:
            if key not in known:
                raise UnknownNameError("key", key, known, place="point")
        fits = [all(key in keys and keys[key] == value for key, value in wanted.items()) for keys in told]
        found = [point for point, fit in zip(self.points, fits, strict=True) if fit]
        if len(found) != 1:
            raise InputError(f"{self.name}: {_ambiguity([_told(point) for point in found or self.points], wanted)}")
        return found[0]

    def __repr__(self) -> str:
        seeds, labels = len(self._loaded.experiment.seeds), len(self._labels)
        counts = [_count(labels, "system"), _count(seeds, "seed"), _count(len(self.points), "point")]
        return f"Experiment({self.name!r}: {', '.join(counts)})"

    def _repr_html_(self) -> str:
        first, plan = self.points[0], self._loaded.experiment
        scenarios = {
            name: ", ".join([f"{key}: {values}" for key, values in one.sweep.items()]) or "no sweep"
            for name, one in plan.scenarios.items()
        }
        facts = {
            "model": first.model["name"],
            "device": first.device["name"],
            "workload": first.workload.get("name") or first.workload["kind"],
            "systems": ", ".join(self._labels),
            **{f"scenario {name}": sweep for name, sweep in scenarios.items()},
            **{f"sweep {key}": values for key, values in plan.sweep.items()},
            "seeds": ", ".join(map(str, plan.seeds)),
            "points": len(self.points),
        }
        return facts_html(f"{self.name}: {self.description}" if self.description else self.name, facts)

    @property
    def _labels(self) -> list[str]:
        return list(dict.fromkeys(point.label for point in self.points))


Source = str | Path | Mapping[str, Any] | Experiment


def experiment_of(source: Source, overrides: Overrides = (), own_systems: OwnSystems | None = None) -> Experiment:
    """The experiment that a file, a mapping as in a file, or an object gives, with keys changed."""
    if isinstance(source, Experiment):
        return source.with_(overrides, own_systems=own_systems) if overrides or own_systems else source
    made = Path(source) if isinstance(source, str | Path) else plain(source)
    return Experiment._of(made, changes(overrides), own_systems)


def _told(point: Point) -> dict[str, Any]:
    """What a point is found by."""
    return {"scenario": point.scenario, "system": point.label, "seed": point.seed, **point.sweep}


def _ambiguity(told: Sequence[Mapping[str, Any]], wanted: Mapping[str, Any]) -> str:
    """Why no point, or more than one, was found: in what those that fit, or else all, differ."""
    values: dict[str, list[str]] = {}
    for keys in told:
        for key, value in keys.items():
            values.setdefault(key, [])
            values[key] += [] if repr(value) in values[key] else [repr(value)]
    differ = "; ".join(f"{key}: {', '.join(some[:MANY])}" for key, some in values.items() if len(some) > 1)
    fit = all(key in keys and keys[key] == value for keys in told for key, value in wanted.items())
    if fit:
        return f"{len(told)} points fit, and one is needed; say also {differ}"
    asked = ", ".join(f"{key}={value!r}" for key, value in wanted.items())
    return f"no point has {asked}; there are {differ or told[0]}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
