"""What a value of an experiment YAML may be, in words, read from the JSON schema and from nothing else."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["choices_of", "meaning_of"]

Part = Mapping[str, Any]  # a part of a JSON schema
LISTED = 20  # names that are worth listing; more are told by `s3sim list`
LIMITS = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
VAGUE = ("", "a name", "a text", "a mapping")  # the key's meaning says as much
HUGE = 10_000  # limits beyond are against nonsense, and tell a reader nothing


def meaning_of(part: Part, schema: Part) -> str:
    """What a key is for, in one line: its own description, or that of its kind."""
    return _about(_followed(part, schema))


def choices_of(part: Part, schema: Part) -> Iterator[str]:
    """Lines that say what the value described by `part` may be; none where its name and example say all."""
    part = _followed(part, schema)
    if mapping := part.get("discriminator", {}).get("mapping"):
        yield from _kinds({kind: _followed({"$ref": of}, schema) for kind, of in mapping.items()}, schema)
        return
    members = [_followed(member, schema) for member in part.get("anyOf", part.get("oneOf", ()))]
    for member in members:
        if member.get("type") != "null":
            yield from choices_of(member, schema)
    if "preset" in part.get("properties", {}):
        names = ", ".join(name for name in part["properties"] if name != "preset")
        yield f"or {{preset: NAME, ...}} with other values of some of {names}"
    elif part.get("properties"):
        yield from _fields(part, schema)
    elif not members and "const" not in part and (words := _words(part, schema)) not in VAGUE:
        yield words


def _kinds(kinds: Mapping[str, Part], schema: Part) -> Iterator[str]:
    """Members of a union that `kind` tells apart: what each is, and its fields; those that all have come last."""
    first, *others = (part["properties"] for part in kinds.values())
    shared = [name for name in first if name != "kind" and all(other.get(name) == first[name] for other in others)]
    for kind, part in kinds.items():
        yield f"kind: {kind}  - {_about(part)}"
        yield from (f"    {line}" for line in _fields(part, schema, without=shared))
    if shared:
        yield "all kinds have"
        part = next(iter(kinds.values()))
        yield from (f"    {line}" for line in _fields(part, schema, without=[*set(part["properties"]) - set(shared)]))


def _fields(part: Part, schema: Part, *, without: Sequence[str] = ()) -> Iterator[str]:
    """Its fields, each with its default or `required`, what it may be, and what it means."""
    required = part.get("required", ())
    for name, field in part["properties"].items():
        if name != "kind" and name not in without:
            default = "required" if name in required else f"default {_value(field.get('default'))}"
            told = [default, _words(_followed(field, schema), schema), field.get("description", "")]
            yield f"{name}: {'; '.join(text for text in told if text)}"


def _words(part: Part, schema: Part) -> str:
    """What a value may be, in one line."""
    if kinds := part.get("discriminator", {}).get("mapping"):
        return f"{{kind: {' | '.join(kinds)}}}"
    if members := [_followed(member, schema) for member in part.get("anyOf", part.get("oneOf", ()))]:
        told = dict.fromkeys(_words(member, schema) for member in members)
        return " or ".join(text for text in told if text)
    if names := part.get("enum"):
        return " | ".join(map(_value, names)) if len(names) <= LISTED else "a name"
    if part.get("type") == "array":
        return f"a list of {_words(_followed(part.get('items', {}), schema), schema) or 'values'}"
    return str(part["const"]) if "const" in part else _plain(part)


def _plain(part: Part) -> str:
    """What a value of no list of names and no list may be."""
    match part.get("type"):
        case "object":
            return f"{{{', '.join(part['properties'])}}}" if part.get("properties") else "a mapping"
        case "integer" | "number":
            return _number(part)
    return {"boolean": "true | false", "null": "null", "string": "a text"}.get(str(part.get("type")), "")


def _number(part: Part) -> str:
    limits = [f"{word} {part[key]:g}" for key, word in LIMITS.items() if key in part and abs(part[key]) < HUGE]
    return " and ".join(limits) or ("a whole number" if part["type"] == "integer" else "a number")


def _about(part: Part) -> str:
    return " ".join(str(part.get("description", "")).split())


def _value(value: Any) -> str:
    """A value as YAML has it in one line."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {_value(inner)}' for key, inner in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _followed(part: Part, schema: Part) -> Part:
    """What a reference stands for; what stands beside it stays."""
    while "$ref" in part:
        rest = {key: value for key, value in part.items() if key != "$ref"}
        part = {**schema["$defs"][part["$ref"].rpartition("/")[2]], **rest}
    return part
