"""Systems of one's own, handed over beside those of s3sim: checked, and known by what their code says.

Nothing is registered anywhere: whoever resolves or simulates is given the mapping.
"""

import re
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import get_args, get_type_hints

from s3sim.core.errors import InputError
from s3sim.policies.registry import SYSTEMS, Needs, System

__all__ = ["OwnSystems", "all_systems"]

OwnSystems = Mapping[str, System]  # name → system
NAME = re.compile(r"[a-z0-9][a-z0-9_]*")  # a label's, for it names folders and columns
METHODS = ("kv", "scheduler")


def all_systems(own: OwnSystems | None) -> OwnSystems:
    """The systems of s3sim, and those given; raises InputError for a name that is taken, and for what is no System."""
    if not own:
        return SYSTEMS
    for name, given in own.items():
        _demand_usable(name, given)
    return {**SYSTEMS, **own}


def _demand_usable(name: str, given: object) -> None:
    place = f"own_systems: {name!r}"
    if not isinstance(name, str) or NAME.fullmatch(name) is None:
        raise InputError(f"{place} is no name of a system; use a-z, 0-9 and _, as in 'my_system'")
    if name in SYSTEMS:
        raise InputError(f"{place} is a system of s3sim already; choose another name")
    if not isinstance(given, System):
        raise InputError(f"{place} is {given!r}; give a System, as in System(MyChoices, needs='predictor')")
    if given.needs not in get_args(Needs):
        raise InputError(f"{place} needs {given.needs!r}; that is one of {', '.join(get_args(Needs))}")
    _demand_choices(place, given.choices)


def _demand_choices(place: str, kind: object) -> None:
    named = getattr(kind, "__name__", repr(kind))
    if not (isinstance(kind, type) and is_dataclass(kind)):
        raise InputError(f"{place}: {named} is no dataclass; its fields are the system's open choices")
    missing = [name for name in METHODS if not callable(getattr(kind, name, None))]
    if missing:
        raise InputError(f"{place}: {named} has no method {' and no '.join(missing)}; see s3sim.Choices")
    try:
        get_type_hints(kind)
    except NameError as error:
        raise InputError(f"{place}: the type of a field of {named} cannot be found: {error}") from None
