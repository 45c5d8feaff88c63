"""From a YAML file and overrides to points: validated, swept, resolved."""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from s3sim.core.errors import InputError
from s3sim.experiment.resolved import Point
from s3sim.experiment.schema.document import Document, read_document
from s3sim.experiment.schema.models import Experiment, Scenario, Setting
from s3sim.experiment.schema.problems import explain
from s3sim.experiment.schema.resolve import resolve

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


def load_experiment(source: Path | Mapping[str, Any], overrides: Sequence[str] = ()) -> LoadedExperiment:
    """Read, check and resolve an experiment from its YAML, or from the mapping that a YAML would hold.

    Raises InputError with file, line and key path.
    """
    document = read_document(source) if isinstance(source, Path) else Document.of(dict(source))
    values = deepcopy(document.values)
    for override in overrides:
        _override(values, override)
    experiment = _validated(Experiment, values, document)
    points = tuple(
        point
        for name, scenario in experiment.scenarios.items()
        for point in _scenario_points(experiment, name, scenario, values, document)
    )
    labels = {(p.scenario, p.label, p.seed, repr(sorted(p.sweep.items()))) for p in points}
    if len(labels) < len(points):
        raise InputError(f"{document.place(['systems'])}: a system stands twice; give each its own `label`")
    return LoadedExperiment(experiment=experiment, points=points, text=document.text, overrides=tuple(overrides))


def _override(values: Plain, override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise InputError(f"--set {override}: write --set key.path=value, as in --set workload.requests=100")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise InputError(f"--set {override}: {text!r} is not a YAML value; quote it") from None
    put(values, key, value, place=f"--set {override}")


def put(values: Plain, key: str, value: Any, *, place: str) -> None:
    """Set a dotted key; a step into `systems` names a system. Raises InputError where the path leads nowhere."""
    here: Any = values
    *path, last = key.split(".")
    for step in path:
        if isinstance(here, list):
            here = _system_entry(here, step, place)
        elif isinstance(here, dict):
            here = here.setdefault(step, {})
        if not isinstance(here, dict | list):
            raise InputError(f"{place}: {step!r} is {here!r}, not a mapping; {key!r} leads nowhere")
    if not isinstance(here, dict):
        raise InputError(f"{place}: {key!r} names a list, not a key")
    here[last] = value


def _system_entry(systems: list[Any], name: str, place: str) -> Plain:
    for position, entry in enumerate(systems):
        if entry == name:
            systems[position] = {"name": name}
            return systems[position]  # type: ignore[no-any-return]
        if isinstance(entry, dict) and name in (entry.get("label"), entry.get("name")):
            return entry
    raise InputError(f"{place}: no system {name!r} is in this experiment")


def _scenario_points(
    experiment: Experiment, name: str, scenario: Scenario, values: Plain, document: Document
) -> Iterator[Point]:
    base = {key: value for key, value in values.items() if key not in FRAME}
    own = (values.get("scenarios") or {}).get(name) or {}
    base |= {key: value for key, value in own.items() if key != "sweep"}
    for swept in _cross_product({**experiment.sweep, **scenario.sweep}):
        setting = deepcopy(base)
        for key, value in swept.items():
            put(setting, key, value, place=document.place(["sweep", key]))
        checked = _validated(Setting, setting, document, swept)
        for entry in checked.systems:
            for seed in experiment.seeds:
                yield resolve(checked, entry, scenario=name, seed=seed, sweep=swept, document=document)


def _cross_product(sweep: Mapping[str, list[Any]]) -> Iterator[Plain]:
    for values in product(*sweep.values()):
        yield dict(zip(sweep, values, strict=True))


def _validated(kind: type[T], values: Plain, document: Document, swept: Plain | None = None) -> T:
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        where = f" (with {', '.join(f'{k}={v!r}' for k, v in swept.items())})" if swept else ""
        raise InputError(explain(error, values, place=document.place) + where) from None
