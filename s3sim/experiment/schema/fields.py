"""Strict pydantic models made from the project's own dataclasses, so that each field is written once."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, asdict, fields
from functools import cache
from typing import Annotated, Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Discriminator, Tag, create_model
from pydantic import Field as ModelField

from s3sim.core.errors import InputError

__all__ = ["STRICT", "merged", "name_or_fields", "strict_model"]

STRICT = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
Spec = dict[str, Any]


@cache
def strict_model(kind: type[Any]) -> type[BaseModel]:
    """A model with the fields, defaults, descriptions and limits of the dataclass `kind`."""
    hints = get_type_hints(kind)
    entries: Spec = {entry.name: (hints[entry.name], _model_field(entry)) for entry in fields(kind)}
    return create_model(kind.__name__, __config__=STRICT, __doc__=kind.__doc__, **entries)


def _model_field(entry: Field[Any]) -> Any:
    if entry.default is not MISSING:
        return ModelField(default=entry.default, **entry.metadata)
    return ModelField(**entry.metadata)


def name_or_fields(kind: type[Any], **overrides: Any) -> Any:
    """The type of a YAML value that names a preset, or gives fields of `kind`, perhaps upon a `preset`."""
    hints = get_type_hints(kind) | overrides
    entries: Spec = {name: (hint, ModelField(default=None)) for name, hint in hints.items()}
    entries["preset"] = (str, ModelField(default=None, description="The preset whose fields these replace."))
    model = create_model(kind.__name__, __config__=STRICT, __doc__=kind.__doc__, **entries)
    return Annotated[Annotated[str, Tag("name")] | Annotated[model, Tag("fields")], Discriminator(_shape)]


def _shape(value: object) -> str:
    return "name" if isinstance(value, str) else "fields"


def merged(value: str | BaseModel, *, place: str, kind: type[Any], preset: Callable[[str], Any]) -> Spec:
    """The fields that a preset's name, or given fields, stand for; raises InputError for missing ones."""
    given: Spec = {"preset": value} if isinstance(value, str) else value.model_dump(exclude_unset=True)
    base: Mapping[str, Any] = asdict(preset(given.pop("preset"))) if "preset" in given else {}
    spec = {**base, **given}
    needed = [entry.name for entry in fields(kind) if entry.default is MISSING]
    if missing := [name for name in needed if name not in spec]:
        raise InputError(f"{place}: {', '.join(missing)} missing; give them, or a `preset` to start from")
    return spec
