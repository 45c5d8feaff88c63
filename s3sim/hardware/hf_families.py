"""Model families of Hugging Face: which key of a config.json says which field of a ModelSpec.

What a config leaves out is taken as transformers' configuration class of that family takes it.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from s3sim.core.errors import InputError
from s3sim.hardware.hf_values import HfValues

__all__ = ["FAMILIES", "WINDOWED"]

Fields = dict[str, Any]

_NAMES: Final[Mapping[str, str]] = MappingProxyType(  # field: key
    {
        "layers": "num_hidden_layers",
        "hidden": "hidden_size",
        "heads": "num_attention_heads",
        "max_positions": "max_position_embeddings",
    }
)
_GPT_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {"layers": "n_layer", "hidden": "n_embd", "heads": "n_head", "max_positions": "n_positions"}
)
_OPT_EXTRA_POSITIONS = 2  # rows of OPT's position table before that of the first token
_GATED = MappingProxyType({"gated_ffn": True, "norm_bias": False})  # SwiGLU and RMSNorm


def _shape(values: HfValues, names: Mapping[str, str] = _NAMES) -> Fields:
    """What all families say, under the names of this one or under the common ones."""
    shape: Fields = {field: values.whole(key, _NAMES[field]) for field, key in names.items()}
    hidden, heads = shape["hidden"], shape["heads"]
    if not values.given("head_dim") and hidden % heads:
        raise InputError(
            f"{values.place(names['hidden'])}: {hidden} is not a multiple of the {heads} heads"
            f" ({names['heads']}); correct one of them, or give head_dim"
        )
    head_dim = values.whole("head_dim", default=max(1, hidden // heads))
    return {**shape, "kv_heads": heads, "head_dim": head_dim, "vocab": values.whole("vocab_size")}


def _tied(values: HfValues, *, default: bool) -> bool:
    return values.flag("tie_word_embeddings", default=default)


def _biases(attention: bool, feed_forward: bool) -> Fields:
    return {"qkv_bias": attention, "output_bias": attention, "ffn_bias": feed_forward}


def _gpt2(values: HfValues) -> Fields:
    shape = _shape(values, _GPT_NAMES)
    shape["ffn"] = values.whole("n_inner", default=4 * shape["hidden"])
    shape["learned_positions"] = shape["max_positions"]
    return {**shape, **_biases(True, True), "tied_embeddings": _tied(values, default=True)}


def _gptj(values: HfValues) -> Fields:
    shape = _shape(values, _GPT_NAMES)
    shape["ffn"] = values.whole("n_inner", default=4 * shape["hidden"])
    block = {"parallel_block": True, "norms_per_block": 1, "head_bias": True}
    return {**shape, **block, **_biases(False, True), "tied_embeddings": _tied(values, default=False)}


def _gpt_neox(values: HfValues) -> Fields:
    shape = _shape(values)
    shape["ffn"] = values.whole("intermediate_size")
    shape["parallel_block"] = values.flag("use_parallel_residual", default=True)
    biases = _biases(values.flag("attention_bias", default=True), True)
    return {**shape, **biases, "tied_embeddings": _tied(values, default=False)}


def _opt(values: HfValues) -> Fields:
    shape = _shape(values)
    projected = values.whole("word_embed_proj_dim", default=shape["hidden"])
    if projected != shape["hidden"]:
        raise InputError(
            f"{values.place('word_embed_proj_dim')}: {projected} differs from hidden_size {shape['hidden']};"
            " embeddings of another width (OPT-350M) cannot be imported, choose another size"
        )
    shape["ffn"] = values.whole("ffn_dim")
    shape["learned_positions"] = shape["max_positions"] + _OPT_EXTRA_POSITIONS
    bias = values.flag("enable_bias", default=True)
    return {**shape, **_biases(bias, bias), "tied_embeddings": _tied(values, default=True)}


def _llama(values: HfValues) -> Fields:
    shape = _shape(values)
    shape["kv_heads"] = values.divisor("num_key_value_heads", of=shape["heads"], default=shape["heads"])
    shape["ffn"] = values.whole("intermediate_size")
    biases = _biases(values.flag("attention_bias", default=False), values.flag("mlp_bias", default=False))
    return {**shape, **_GATED, **biases, "tied_embeddings": _tied(values, default=False)}


def _mistral(values: HfValues) -> Fields:
    return {**_llama(values), **_biases(False, False)}


def _qwen(values: HfValues) -> Fields:
    """The first Qwen: intermediate_size counts both matrices of the gate."""
    shape = _shape(values)
    shape["head_dim"] = values.whole("kv_channels", default=shape["head_dim"])
    shape["ffn"] = values.even("intermediate_size") // 2
    return {**shape, **_GATED, "qkv_bias": True, "tied_embeddings": _tied(values, default=False)}


def _qwen2(values: HfValues) -> Fields:
    return {**_mistral(values), "qkv_bias": True}


def _qwen3(values: HfValues) -> Fields:
    return {**_llama(values), "ffn_bias": False, "qk_norm": True}


WINDOWED: Final = frozenset({"mistral", "qwen2", "qwen3"})  # families with a sliding window
FAMILIES: Final[Mapping[str, Callable[[HfValues], Fields]]] = MappingProxyType(
    {
        "gpt2": _gpt2,
        "gptj": _gptj,
        "gpt_neox": _gpt_neox,
        "opt": _opt,
        "llama": _llama,
        "mistral": _mistral,
        "qwen": _qwen,
        "qwen2": _qwen2,
        "qwen3": _qwen3,
    }
)
