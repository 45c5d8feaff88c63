"""Strict pydantic models made from the project's own dataclasses, so that each field is written once."""

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, asdict, fields
from functools import cache, reduce
from operator import or_
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, Discriminator, JsonValue, Tag, create_model
from pydantic import Field as ModelField

from s3sim.core.errors import InputError, UnknownNameError

__all__ = ["MAPPING_TAG", "STRICT", "given_fields", "merged", "name_or", "name_or_fields", "offering", "strict_model"]

STRICT = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
MAPPING_TAG = "fields"  # stands in the location of an error below such a mapping
LIMITS = ("gt", "ge", "lt", "le")
Spec = dict[str, Any]


@cache
def strict_model(kind: type[Any]) -> type[BaseModel]:
    """A model with the fields, defaults, descriptions and limits of the dataclass `kind`."""
    hints = get_type_hints(kind)
    entries: Spec = {entry.name: _typed_field(entry, hints[entry.name]) for entry in fields(kind)}
    return create_model(kind.__name__, __config__=STRICT, __doc__=kind.__doc__, **entries)


def _typed_field(entry: Field[Any], hint: Any) -> tuple[Any, Any]:
    """A field's type and its default, description and limits; beside names, the limits are the number's alone."""
    about = dict(entry.metadata)
    members = get_args(hint)
    if any(get_origin(member) is Literal for member in members):
        limits = ModelField(**{name: about.pop(name) for name in LIMITS if name in about})
        hint = reduce(or_, (Annotated[member, limits] if member in (int, float) else member for member in members))
    default: Spec = {} if entry.default is MISSING else {"default": entry.default}
    if entry.default_factory is not MISSING:
        default = {"default_factory": entry.default_factory}
    return hint, ModelField(**default, **about)


def name_or_fields(kind: type[Any], known: Iterable[str], **overrides: Any) -> Any:
    """The type of a YAML value that names a preset, or gives fields of `kind`, perhaps upon a `preset`."""
    hints = get_type_hints(kind) | overrides
    entries: Spec = {name: (hint, ModelField(default=None)) for name, hint in hints.items()}
    entries["preset"] = (str, ModelField(default=None, description="The preset whose fields these replace."))
    return name_or(create_model(kind.__name__, __config__=STRICT, __doc__=kind.__doc__, **entries), known)


def name_or(model: type[BaseModel], known: Iterable[str], *, closed: bool = False) -> Any:
    """The type of a YAML value that is a name, or a mapping as `model` has it; an editor offers the `known` names.

    With `closed` no other name is valid; else unknown ones are told apart later.
    """
    name = Annotated[Literal[*known], Tag("name")] if closed else Annotated[str, offering(known), Tag("name")]
    return Annotated[name | Annotated[model, Tag(MAPPING_TAG)], Discriminator(_shape)]


def offering(known: Iterable[str]) -> Any:
    """Names that the JSON schema offers; unknown ones are told apart later, where the place is known."""
    names: list[JsonValue] = [*sorted(known)]
    return ModelField(json_schema_extra={"enum": names})


def _shape(value: object) -> str:
    return "name" if isinstance(value, str) else MAPPING_TAG


def merged(
    value: str | Mapping[str, Any], *, place: str, noun: str, kind: type[Any], presets: Mapping[str, Any]
) -> Spec:
    """The fields that a preset's name, or given fields, stand for; raises InputError for unknown and missing ones."""
    given: Spec = {"preset": value} if isinstance(value, str) else dict(value)
    base: Spec = {}
    if (name := given.pop("preset", None)) is not None:
        if name not in presets:
            raise UnknownNameError(noun, name, presets, place=place)
        base = asdict(presets[name])
    spec = {**base, **given}
    needed = [entry.name for entry in fields(kind) if entry.default is MISSING]
    if missing := [name for name in needed if name not in spec]:
        raise InputError(f"{place}: {', '.join(missing)} missing; give them, or a `preset` to start from")
    return spec


def given_fields(value: str | BaseModel) -> str | Spec:
    """A preset's name as it is, or the fields that were given."""
    return value if isinstance(value, str) else value.model_dump(exclude_unset=True)
