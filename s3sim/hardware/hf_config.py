"""Reading a Hugging Face config.json: the shape of a decoder-only transformer, without its weights.

Counts follow from the fields as they stand: a padded vocabulary is one only if the config says so.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from s3sim.core.errors import InputError, UnknownNameError
from s3sim.hardware.hf_families import FAMILIES, WINDOWED
from s3sim.hardware.hf_values import HfValues, read_json
from s3sim.hardware.model import ModelSpec

__all__ = ["FAMILIES", "ImportedModel", "read_hf_config"]

_DTYPES: Final = {"float32": "fp32", "float16": "fp16", "bfloat16": "bf16"}
_HALF: Final = ("fp16", "bf16")


@dataclass(frozen=True, slots=True)
class ImportedModel:
    """A model as its config.json describes it, and what of the config its ModelSpec cannot say."""

    model: ModelSpec
    notes: tuple[str, ...]


def read_hf_config(path: Path, *, name: str | None = None) -> ImportedModel:
    """Read the model of a config.json; `name` is by default the last part of _name_or_path, or the family.

    The KV cache has the weights' number format where that has 16 bits, otherwise fp16. Raises InputError
    with file and key for a file that is no JSON object, a key that is missing or holds what cannot be, and
    quantised weights; UnknownNameError for an unknown family; SystemFaultError if the file cannot be read.
    """
    values = HfValues(str(path), read_json(path))
    family = values.text("model_type")
    if family not in FAMILIES:
        raise UnknownNameError("architecture", family, FAMILIES, place=values.place("model_type"))
    _refuse_quantised(values)
    fields = FAMILIES[family](values)
    dtype, dtype_notes = _weight_dtype(values)
    window, window_notes = _sliding_window(values, family, fields["max_positions"])
    model = ModelSpec(
        name=name or Path(values.text("_name_or_path", default=family)).name or family,
        sliding_window=window,
        weight_dtype=dtype,
        kv_dtype=dtype if dtype in _HALF else "fp16",
        source=f"Hugging Face config.json, model_type {family}",
        **fields,
    )
    return ImportedModel(model, (*dtype_notes, *window_notes))


def _refuse_quantised(values: HfValues) -> None:
    if values.given("quantization_config"):
        raise InputError(
            f"{values.place('quantization_config')}: quantised weights cannot be imported; import the config of the"
            " model that was quantised, and set weight_dtype: int8 or fp8 in the experiment"
        )


def _weight_dtype(values: HfValues) -> tuple[str, tuple[str, ...]]:
    key = "dtype" if values.given("dtype") else "torch_dtype"
    text = values.text(key, default="").removeprefix("torch.")
    if not text:
        return "fp16", ("the config states no dtype; fp16 weights are assumed",)
    if text not in _DTYPES:
        raise UnknownNameError("number format", text, _DTYPES, place=values.place(key))
    dtype = _DTYPES[text]
    if dtype in _HALF:
        return dtype, ()
    return dtype, ("the weights are stored in 32 bits; where they are served in 16, set weight_dtype: fp16",)


def _sliding_window(values: HfValues, family: str, max_positions: int) -> tuple[int | None, tuple[str, ...]]:
    """The window that all layers share, where it is shorter than the longest sequence."""
    optional = family != "mistral"  # Qwen states a window even where it uses none
    if family not in WINDOWED or not values.given("sliding_window"):
        return None, ()
    if optional and not values.flag("use_sliding_window", default=False):
        return None, ()
    window = values.whole("sliding_window")
    if window >= max_positions:
        return None, ()
    if optional:
        return None, (f"the sliding window of {window} tokens applies to some layers only; it is left out",)
    return window, (
        f"the sliding window of {window} tokens bounds the attention of prefills; the KV that longer sequences"
        " hold, and that their decode steps read, is counted in full: an upper bound",
    )
