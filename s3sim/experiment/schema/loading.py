"""From a YAML file and overrides to points: validated, swept, resolved."""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from s3sim.core.errors import InputError
from s3sim.experiment.resolved import Point
from s3sim.experiment.schema.changes import put, put_override
from s3sim.experiment.schema.document import Document, KeyPath, read_document
from s3sim.experiment.schema.models import Experiment, Scenario, Setting
from s3sim.experiment.schema.problems import explain
from s3sim.experiment.schema.resolve import At, resolve
from s3sim.policies.registry import SYSTEMS, System

__all__ = ["LoadedExperiment", "load_experiment"]

Plain = dict[str, Any]
T = TypeVar("T", bound=Setting)
FRAME = ("version", "name", "description", "scenarios", "sweep", "seeds")  # keys that no single point has


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedExperiment:
    """An experiment and all of its points, in the order of the YAML."""

    experiment: Experiment
    points: tuple[Point, ...]
    text: str  # the YAML as given, for the run directory
    overrides: tuple[str, ...]


def load_experiment(
    source: Path | Mapping[str, Any], overrides: Sequence[str] = (), *, systems: Mapping[str, System] = SYSTEMS
) -> LoadedExperiment:
    """Read, check and resolve an experiment from its YAML, or from the mapping that a YAML would hold.

    `systems` are those that it may name. Raises InputError with file, line and key path.
    """
    document = read_document(source) if isinstance(source, Path) else Document.of(source)
    values = deepcopy(document.values)
    for override in overrides:
        document = document.with_override(put_override(values, override), given=f"--set {override}")
    experiment = _validated(Experiment, values, document)
    points = tuple(
        point
        for name, scenario in experiment.scenarios.items()
        for setting, at, placed in _settings(experiment, name, scenario, values, document)
        for point in _points(experiment, setting, at, placed, systems)
    )
    _demand_distinct(points, document)
    return LoadedExperiment(experiment=experiment, points=points, text=document.text, overrides=tuple(overrides))


def _demand_distinct(points: Sequence[Point], document: Document) -> None:
    seen: set[tuple[object, ...]] = set()
    for point in points:
        name = (point.scenario, point.label, point.seed, repr(point.sweep))
        if name in seen:
            place = document.place(["systems"])
            raise InputError(f"{place}: {point.label!r} stands twice; give each its own `label`")
        seen.add(name)


def _settings(
    experiment: Experiment, name: str, scenario: Scenario, values: Plain, document: Document
) -> Iterator[tuple[Setting, At, Document]]:
    """The settings of a scenario, each with its swept values, and a document that knows where they come from."""
    given = values["scenarios"][name] if "scenarios" in values else {}
    own = {key: value for key, value in given.items() if value is not None}
    base = {key: value for key, value in {**values, **own}.items() if key not in FRAME}
    origins: dict[KeyPath, KeyPath] = {(key,): ("scenarios", name, key) for key in own}
    origins |= {tuple(key.split(".")): ("sweep", key) for key in experiment.sweep}
    origins |= {tuple(key.split(".")): ("scenarios", name, "sweep", key) for key in scenario.sweep}
    document = document.with_origins(origins)
    for swept in _cross_product({**experiment.sweep, **scenario.sweep}):
        yield _swept(base, swept, document), At(experiment.name, name, experiment.seeds[0], swept), document


def _points(
    experiment: Experiment, setting: Setting, at: At, document: Document, systems: Mapping[str, System]
) -> Iterator[Point]:
    """Every system of a setting with every seed."""
    for entry in setting.systems:
        for seed in experiment.seeds:
            yield resolve(setting, entry, at._replace(seed=seed), document, systems)


def _cross_product(sweep: Mapping[str, list[Any]]) -> Iterator[Plain]:
    for values in product(*sweep.values()):
        yield dict(zip(sweep, values, strict=True))


def _swept(base: Plain, swept: Plain, document: Document) -> Setting:
    """The setting with swept values in their places, and checked."""
    setting = deepcopy(base)
    for key, value in swept.items():
        place = document.place(key.split("."))
        if key.split(".")[0] in FRAME:
            raise InputError(f"{place}: {key!r} belongs to the whole experiment and cannot be swept")
        put(setting, key, value, place=place)
    return _validated(Setting, setting, document, swept)


def _validated(kind: type[T], values: Plain, document: Document, swept: Plain | None = None) -> T:
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        where = f" (with {', '.join(f'{k}={v!r}' for k, v in swept.items())})" if swept else ""
        raise InputError(explain(error, values, kind=kind, place=document.place) + where) from None
