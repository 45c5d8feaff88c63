"""Pydantic's errors, said as s3sim says them: place, value, what is wrong, what would be right."""

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError

__all__ = ["explain"]

Key = str | int


def explain(error: ValidationError, values: Any, *, place: Callable[[Sequence[Key]], str]) -> str:
    """One line per problem; `values` are what was validated, `place` turns a key path into words."""
    return "\n".join(_line(problem, values, place) for problem in error.errors(include_url=False))


def _line(problem: Any, values: Any, place: Callable[[Sequence[Key]], str]) -> str:
    keys = _own_keys(problem["loc"], values)
    if problem["type"] == "extra_forbidden":
        return f"{place(keys)}: unknown key {keys[-1]!r}{_hint(str(keys[-1]))}"
    if problem["type"] == "missing":
        return f"{place(keys)}: missing"
    message = problem["msg"][0].lower() + problem["msg"][1:]
    given = problem["input"]
    shown = "" if isinstance(given, dict | list | BaseModel) else f" (got {given!r})"
    return f"{place(keys)}: {message}{shown}"


def _own_keys(location: Sequence[Key], values: Any) -> list[Key]:
    """The location without the tags that pydantic adds for the members of a union."""
    keys: list[Key] = []
    here = values
    for position, key in enumerate(location):
        inside = _step(here, key)
        if inside is not None:
            here = inside[0]
        elif position < len(location) - 1:
            continue
        keys.append(key)
    return keys


def _step(here: Any, key: Key) -> tuple[Any] | None:
    """What stands under a key, in a tuple; None where nothing does."""
    if isinstance(here, dict) and key in here:
        return (here[key],)
    if isinstance(here, list) and isinstance(key, int) and key < len(here):
        return (here[key],)
    return None


def _hint(key: str) -> str:
    close = get_close_matches(key, _all_keys(), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _all_keys() -> list[str]:
    from s3sim.experiment.schema.models import json_schema  # noqa: PLC0415 - built only where something is wrong

    schema = json_schema()
    parts = [schema, *schema.get("$defs", {}).values()]
    return sorted({key for part in parts for key in part.get("properties", {})})
