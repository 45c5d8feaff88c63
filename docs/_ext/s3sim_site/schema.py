"""The keys of an experiment YAML, from its JSON schema."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from s3sim.hardware import DeviceSpec, EngineSpec, LinkSpec, ModelSpec
from s3sim_site.texts import anchor, code, comments, definition, plain

__all__ = ["experiment"]

Schema = Mapping[str, Any]
KINDS = {
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "boolean": "`true`, `false`",
    "null": "`null`",
    "object": "mapping",
}
BOUNDS = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "exclusiveMaximum": "< {}",
    "minItems": "at least {}",
    "minProperties": "at least {}",
    "pattern": "as `{}`",
}
SPECS = {kind.__name__: kind for kind in (DeviceSpec, EngineSpec, LinkSpec, ModelSpec)}
LISTED = 12  # names; more stand on the page of names


def experiment() -> str:
    """A section for the experiment itself, and one for each mapping that it may hold."""
    from s3sim.experiment.schema import json_schema  # noqa: PLC0415  pydantic takes a while

    schema = json_schema()
    parts = {"Experiment": schema, **schema["$defs"]}
    return "\n\n".join(_section(name, part, parts) for name, part in parts.items())


def _section(name: str, part: Schema, parts: Mapping[str, Schema]) -> str:
    meanings = comments(SPECS[name]) if name in SPECS else {}
    keys = _keys(part, lambda key, value: value.get("description") or meanings.get(key) or _of_part(value, parts))
    return "\n\n".join((f"## {name}", plain(part.get("description", "")), *keys))


def _of_part(value: Schema, parts: Mapping[str, Schema]) -> str:
    """What is said of the only mapping that a value may be."""
    name = value.get("$ref", "").rpartition("/")[2]
    return str(parts[name].get("description", "")) if name else ""


def _keys(part: Schema, meaning: Callable[[str, Schema], str]) -> Iterator[str]:
    needed = part.get("required", [])
    for key, value in part["properties"].items():
        default = "must be given" if key in needed else _default(value)
        yield definition(key, _value(value), default, meaning(key, value))
    if part.get("additionalProperties") is True:
        yield "Any other key is a choice of the system; see [the systems](systems.md)."


def _default(value: Schema) -> str:
    text = json.dumps(value.get("default"), ensure_ascii=False).replace('"', "")
    return f"default {code(text)}" if len(text) < 50 else "its own defaults"


def _value(value: Schema) -> str:
    """What a key may hold, in words."""
    for one_of in ("oneOf", "anyOf"):
        if one_of in value:
            return " or ".join(dict.fromkeys(map(_value, value[one_of])))
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        return f"[{name}](#{anchor(name)})"
    if "const" in value:
        return code(value["const"])
    if "enum" in value:
        known = value["enum"]
        return ", ".join(map(code, known)) if len(known) <= LISTED else f"one of {len(known)} [names](names.md)"
    return ", ".join((_plain_value(value), *_bounds(value)))


def _plain_value(value: Schema) -> str:
    if value.get("type") == "array":
        return f"list of {_value(value.get('items', {}))}"
    inner = value.get("additionalProperties") or next(iter(value.get("patternProperties", {}).values()), None)
    if value.get("type") == "object" and inner:
        return f"mapping of names to {_value(inner)}"
    return KINDS.get(value.get("type", ""), "any value")


def _bounds(value: Schema) -> Iterator[str]:
    yield from (form.format(_number(value[name])) for name, form in BOUNDS.items() if name in value)
    if value.get("uniqueItems"):
        yield "each once"


def _number(value: float | str) -> str:
    """A limit, with its thousands apart."""
    return value if isinstance(value, str) else f"{int(value):,}" if value == int(value) else f"{value:g}"
