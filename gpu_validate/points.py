"""Experiments as a replay reads them: a YAML where pydantic is at hand, or the points that `s3sim resolve` wrote."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s3sim.core.errors import InputError
from s3sim.experiment.resolved import Point

__all__ = ["Experiment", "read_experiment"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """An experiment's points, and what a run directory keeps of it."""

    name: str
    description: str
    points: tuple[Point, ...]
    files: dict[str, Any]  # the experiment as it was given, by file name


def read_experiment(path: Path, overrides: Sequence[str] = ()) -> Experiment:
    """Read a .yaml, with overrides, or a .json of resolved points; raises InputError."""
    if path.suffix == ".json":
        if overrides:
            raise InputError(f"--set {overrides[0]}: {path} is resolved already; give --set to s3sim resolve")
        return _resolved(path)
    try:
        from s3sim.experiment.schema import load_experiment  # noqa: PLC0415  pydantic may be absent
    except ModuleNotFoundError as error:
        raise InputError(
            f"{path}: reading YAML needs {error.name}, which is not installed here; give the JSON that"
            f" `s3sim resolve {path.name} --json` writes elsewhere"
        ) from None
    loaded = load_experiment(path, overrides)
    files = {"experiment.yaml": loaded.text, "overrides.json": list(overrides)}
    return Experiment(
        name=loaded.experiment.name, description=loaded.experiment.description, points=loaded.points, files=files
    )


def _resolved(path: Path) -> Experiment:
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; give an experiment") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as JSON: {error}") from None
    if not isinstance(plain, dict) or not {"name", "points"} <= plain.keys() or not plain["points"]:
        raise InputError(f"{path}: holds no resolved points; write it with s3sim resolve")
    points = tuple(
        Point.from_json(entry, place=f"{path}: points[{number}]") for number, entry in enumerate(plain["points"])
    )
    return Experiment(
        name=plain["name"], description=plain.get("description", ""), points=points, files={"experiment.json": plain}
    )
