"""Parts of an experiment that a command line gives: a workload's lengths, and arrivals."""

from collections.abc import Sequence
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from s3sim.core.errors import InputError
from s3sim.experiment.schema.load import Arrivals, Workload
from s3sim.experiment.schema.parts import Mapping
from s3sim.experiment.schema.problems import explain

__all__ = ["inline_arrivals", "inline_mapping", "inline_workload"]

Plain = dict[str, Any]


class _Arrivals(Mapping):
    part: Arrivals


class _Workload(Mapping):
    part: Workload


def inline_arrivals(text: str, *, place: str) -> Plain:
    """What an experiment's `arrivals` may say, from YAML in one line; raises InputError that names `place`."""
    return _checked(_Arrivals, inline_mapping(text, place=place), place)


def inline_workload(values: Plain, *, place: str) -> Plain:
    """What an experiment's `workload` may say; raises InputError that names `place`."""
    return _checked(_Workload, values, place)


def inline_mapping(text: str, *, place: str) -> Plain:
    """A YAML mapping in one line; raises InputError that names `place`."""
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(f"{place}: {text!r} is no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(values, dict):
        raise InputError(f"{place}: {text!r} is no mapping; write it as in '{{kind: poisson, rate: 4}}'")
    return values


def _checked(kind: type[BaseModel], values: Plain, place: str) -> Plain:
    def where(keys: Sequence[str | int]) -> str:
        return ".".join([place, *map(str, keys[1:])])  # the first key is `part`

    whole = {"part": values}
    try:
        checked = kind.model_validate(whole)
    except ValidationError as error:
        raise InputError(explain(error, whole, kind=kind, place=where)) from None
    part: Plain = checked.model_dump()["part"]
    return part
