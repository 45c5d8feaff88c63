"""Pydantic's errors, said as s3sim says them: place, value, what is wrong, what would be right."""

import json
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError

from s3sim.experiment.schema.fields import MAPPING_TAG
from s3sim.experiment.schema.known import known_keys, known_tags

__all__ = ["explain"]

Key = str | int
MAPPING = "a mapping of keys to values is needed"
PLAIN = {  # pydantic's type of an error → what a reader of YAML understands
    "dict_type": MAPPING,
    "model_type": MAPPING,
    "model_attributes_type": MAPPING,
    "too_short": "is empty; give at least one",
    "missing": "missing",
}

RENAMED = {"compact": "placement"}  # keys of earlier versions


def explain(
    error: ValidationError, values: Any, *, kind: type[BaseModel], place: Callable[[Sequence[Key]], str]
) -> str:
    """One line per problem; `values` are what was validated as `kind`, `place` turns a key path into words."""
    return "\n".join(_line(problem, values, kind, place) for problem in error.errors(include_url=False))


def _line(problem: Any, values: Any, kind: type[BaseModel], place: Callable[[Sequence[Key]], str]) -> str:
    location, given = problem["loc"], problem["input"]
    keys = _own_keys(location, values, missing=problem["type"] == "missing")
    match problem["type"]:
        case "extra_forbidden":
            return f"{place(keys)}: {_unknown(str(keys[-1]), known_keys(kind, location[:-1]))}"
        case "union_tag_invalid":
            tag = problem["ctx"]["tag"]
            return f"{place([*keys, 'kind'])}: unknown kind {tag!r}{_among(tag, known_tags(kind, location))}"
        case "union_tag_not_found":
            return f"{place(keys)}: `kind` is missing; it is one of {', '.join(known_tags(kind, location))}"
        case "too_short" if (least := problem["ctx"]["min_length"]) > 1:
            return f"{place(keys)}: at least {least} values are needed, and there are {problem['ctx']['actual_length']}"
        case "dict_type" | "model_type" | "model_attributes_type" if location[-1:] == (MAPPING_TAG,):
            return f"{place(keys)}: a name, or {MAPPING}{_shown(given)}"
        case other:
            message = PLAIN.get(other) or problem["msg"][0].lower() + problem["msg"][1:]
            return f"{place(keys)}: {message}{_shown(given)}"


def _own_keys(location: Sequence[Key], values: Any, *, missing: bool) -> list[Key]:
    """The location without the words that pydantic adds: tags of a union's members, and marks of a mapping's keys."""
    keys: list[Key] = []
    here = values
    for position, key in enumerate(location):
        inside = _step(here, key)
        if inside is not None:
            here = inside[0]
        elif not (missing and position == len(location) - 1):
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


def _unknown(key: str, known: Sequence[str]) -> str:
    if RENAMED.get(key) in known:
        return f"{key!r} is called {RENAMED[key]!r} now; `s3sim list systems` explains its values"
    return f"unknown key {key!r}{_among(key, known)}"


def _among(name: str, known: Sequence[str]) -> str:
    close = get_close_matches(name, known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"{hint} (known: {', '.join(known)})"


def _shown(given: Any) -> str:
    """The value as YAML has it; collections are left out, for they may be long."""
    if isinstance(given, dict | list | BaseModel):
        return ""
    return f" (got {json.dumps(given) if given is None or isinstance(given, bool) else repr(given)})"
