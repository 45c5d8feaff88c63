"""What a model knows at a place: its keys and the kinds of its unions, read from its JSON schema."""

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel

from s3sim.experiment.schema.fields import MAPPING_TAG

__all__ = ["known_keys", "known_tags"]

Part = dict[str, Any]  # a part of a JSON schema


def known_keys(kind: type[BaseModel], location: Sequence[str | int]) -> list[str]:
    """Keys of the mapping at pydantic's location of an error."""
    return [key for part in _parts(kind, location) for key in part.get("properties", {})]


def known_tags(kind: type[BaseModel], location: Sequence[str | int]) -> list[str]:
    """Values of `kind` that the union at pydantic's location of an error tells apart."""
    return [tag for part in _parts(kind, location) for tag in _mapping(part)]


def _parts(kind: type[BaseModel], location: Sequence[str | int]) -> list[Part]:
    """The parts that describe a value; several where a union does not say which."""
    schema = kind.model_json_schema()
    parts = list(_members(schema, schema))
    for key in location:
        parts = [member for part in parts for inner in _inside(part, key) for member in _members(inner, schema)]
    return parts


def _members(part: Part, schema: Part) -> Iterator[Part]:
    """The part itself with its reference followed, and the members of a union that has no tags."""
    if "$ref" in part:
        part = schema["$defs"][part["$ref"].rpartition("/")[2]]
    yield part
    if not _mapping(part):
        for member in (*part.get("anyOf", ()), *part.get("oneOf", ())):
            yield from _members(member, schema)


def _inside(part: Part, key: str | int) -> Iterator[Part]:
    """What stands under a key: a property, a value of a free mapping, an element, or a union's member of that tag."""
    if key in part.get("properties", {}):
        yield part["properties"][key]
    elif key in _mapping(part):
        yield {"$ref": _mapping(part)[key]}
    elif isinstance(part.get("additionalProperties"), dict):
        yield part["additionalProperties"]
    elif "patternProperties" in part:
        yield from part["patternProperties"].values()
    elif isinstance(key, int) and "items" in part:
        yield part["items"]
    elif key == MAPPING_TAG and part.get("type") == "object":  # such a union has no tags in a JSON schema
        yield part


def _mapping(part: Part) -> Part:
    mapping: Part = part.get("discriminator", {}).get("mapping", {})
    return mapping
