"""Changes to an experiment's values: --set, and the values of a sweep, by dotted keys."""

import sys
from typing import Any

import yaml

from s3sim.core.errors import InputError
from s3sim.experiment.schema.dialect import Dumper, Loader

__all__ = ["override_text", "put", "put_override"]

Plain = dict[str, Any]


def override_text(key: str, value: Any) -> str:
    """`key.path=value` in YAML, as --set takes it; raises InputError for a value that no YAML holds."""
    try:
        text = yaml.dump(
            value, Dumper=Dumper, default_flow_style=True, sort_keys=False, allow_unicode=True, width=sys.maxsize
        )
    except yaml.YAMLError as error:
        raise InputError(f"{key}: an experiment holds texts, numbers, lists and mappings alone: {error}") from None
    plain = text.removesuffix("...\n").rstrip("\n")  # a single value ends in the mark of a document's end
    return f"{key}={plain}"


def put_override(values: Plain, override: str) -> tuple[str, ...]:
    """Set the key of `key.path=value` in the values, and return its steps; raises InputError for another text."""
    key, equals, text = override.partition("=")
    if not equals or not all(key.split(".")):
        raise InputError(f"--set {override}: write --set key.path=value, as in --set workload.requests=100")
    try:
        value = yaml.load(text, Loader=Loader)
    except (yaml.YAMLError, ValueError, RecursionError):
        raise InputError(f"--set {override}: {text!r} is not a YAML value; quote it") from None
    put(values, key, value, place=f"--set {override}")
    return tuple(_steps(key))


def put(values: Plain, key: str, value: Any, *, place: str) -> None:
    """Set a dotted key; a step into `systems` names a system. Raises InputError where the path leads nowhere."""
    *path, last = _steps(key)
    here: Any = values
    for step in path:
        if isinstance(here, list):
            here = _system_entry(here, step, place)
        elif isinstance(here, dict):
            here = here.setdefault(step, {})
        if not isinstance(here, dict | list):
            raise InputError(
                f"{place}: {step!r} is {here!r}, not a mapping, so {key!r} leads nowhere; give {step!r} as a mapping"
            )
    if not isinstance(here, dict):
        raise InputError(f"{place}: {last!r} is an element of a list; set the whole list, or a key of a system")
    here[last] = value


def _steps(key: str) -> list[str]:
    """The keys on the way; a key of a sweep is dotted itself."""
    head, sweep, swept = key.rpartition("sweep.")
    if sweep and (not head or head.endswith(".")):
        return [*head.split(".")[:-1], "sweep", swept]
    return key.split(".")


def _system_entry(systems: list[Any], name: str, place: str) -> Plain:
    for position, entry in enumerate(systems):
        if entry == name:
            systems[position] = {"name": name}
            return systems[position]  # type: ignore[no-any-return]
        if isinstance(entry, dict) and name in (entry.get("label"), entry.get("name")):
            return entry
    names = ", ".join(_name(entry) for entry in systems)
    raise InputError(f"{place}: no system {name!r} is in this experiment; it has {names}")


def _name(entry: Any) -> str:
    return str(entry.get("label") or entry.get("name")) if isinstance(entry, dict) else str(entry)
