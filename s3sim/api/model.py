"""Models from elsewhere, as an experiment's `model` takes them."""

from dataclasses import fields
from pathlib import Path
from typing import Any

from s3sim.hardware.hf_config import ImportedModel, read_hf_config

__all__ = ["as_fields", "read_config"]


def read_config(path: str | Path, *, name: str | None = None) -> ImportedModel:
    """The model of a Hugging Face config.json, and notes on what that says and a ModelSpec cannot.

    Give `as_fields(imported)` to an experiment. Raises InputError with file and key for what cannot be imported.

    >>> from json import dumps
    >>> shape = {"model_type": "gpt2", "n_layer": 12, "n_head": 12, "n_embd": 768, "n_positions": 1024}
    >>> _ = Path("config.json").write_text(dumps({**shape, "vocab_size": 50257, "torch_dtype": "float16"}))
    >>> read_config("config.json", name="small").model.layers
    12
    """
    return read_hf_config(Path(path), name=name)


def as_fields(imported: ImportedModel) -> dict[str, Any]:
    """The fields that an experiment must state: those without a default, those that differ, and the formats."""
    spec, always = imported.model, ("weight_dtype", "kv_dtype")
    values = {entry.name: (getattr(spec, entry.name), entry.default) for entry in fields(spec)}
    return {name: value for name, (value, default) in values.items() if value != default or name in always}
