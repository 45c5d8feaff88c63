"""The points of an experiment that one server can be held against."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gpu_validate.points import Experiment
from s3sim.core.errors import InputError, UnknownNameError
from s3sim.experiment.resolved import Point

__all__ = ["chosen"]

CLIENTS = ("arrivals", "workload", "max_length", "predictor", "slo")  # what a client sets, or no server feels


def chosen(experiment: Experiment, only: Sequence[str]) -> Experiment:
    """The experiment with the points that `only`, of KEY=VALUE, leaves.

    A key is scenario, system, seed, or one that is swept. Raises InputError where no point is left, where they
    are of several systems, which one server cannot be, or where they differ in a setting of the server.
    """
    points = experiment.points
    for text in only:
        key, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"--only {text}: give KEY=VALUE, such as system=vllm")
        points = _matching(points, key, value)
    for key in _server_keys(points):
        values = list(dict.fromkeys(_shown(_about(point).get(key)) for point in points))
        if len(values) > 1:
            raise InputError(
                f"--only: needed, for the points differ in {key}, which is for the server to set:"
                f" choose one with --only {key}=VALUE (known: {', '.join(values)})"
            )
    return replace(experiment, points=points)


def _matching(points: tuple[Point, ...], key: str, value: str) -> tuple[Point, ...]:
    known = dict.fromkeys(name for point in points for name in _about(point))
    if key not in known:
        raise UnknownNameError("key", key, known, place="--only")
    found = tuple(point for point in points if key in _about(point) and _shown(_about(point)[key]) == value)
    if not found:
        values = dict.fromkeys(_shown(_about(point)[key]) for point in points if key in _about(point))
        raise InputError(f"--only {key}={value}: leaves no point (known: {', '.join(values)})")
    return found


def _server_keys(points: tuple[Point, ...]) -> list[str]:
    swept = dict.fromkeys(key for point in points for key in point.sweep)
    return ["system", *(key for key in swept if key.split(".")[0] not in CLIENTS)]


def _about(point: Point) -> dict[str, Any]:
    return {"scenario": point.scenario, "system": point.label or point.system, "seed": point.seed, **point.sweep}


def _shown(value: Any) -> str:
    return str(value)
