"""Shapes of models that the S³ paper serves, and of those for which latencies are published."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from s3sim.hardware.model import ModelSpec

__all__ = ["MODELS"]

_GPT_J = ModelSpec(
    name="gpt-j-6b",
    layers=28,
    hidden=4096,
    heads=16,
    kv_heads=16,
    head_dim=256,
    ffn=16384,
    vocab=50400,
    max_positions=2048,
    parallel_block=True,
    norms_per_block=1,
    ffn_bias=True,
    head_bias=True,
    source="EleutherAI/gpt-j-6b config.json; 6,050,882,784 parameters",
)
_NEOX = ModelSpec(
    name="gpt-neox-20b",
    layers=44,
    hidden=6144,
    heads=64,
    kv_heads=64,
    head_dim=96,
    ffn=24576,
    vocab=50432,
    max_positions=2048,
    parallel_block=True,
    qkv_bias=True,
    output_bias=True,
    ffn_bias=True,
    source="EleutherAI/gpt-neox-20b config.json; 20,554,567,680 parameters",
)
_LLAMA_13B = ModelSpec(
    name="llama-13b",
    layers=40,
    hidden=5120,
    heads=40,
    kv_heads=40,
    head_dim=128,
    ffn=13824,
    vocab=32000,
    max_positions=2048,
    gated_ffn=True,
    norm_bias=False,
    source="LLaMA-13B config.json, shapes recalled; 13,015,864,320 parameters",
)
_GPT3 = ModelSpec(
    name="gpt3-175b",
    layers=96,
    hidden=12288,
    heads=96,
    kv_heads=96,
    head_dim=128,
    ffn=49152,
    vocab=50257,
    max_positions=2048,
    tied_embeddings=True,
    qkv_bias=True,
    output_bias=True,
    ffn_bias=True,
    learned_positions=2048,
    source="Brown et al. 2020, table 2.1, shapes recalled; 174,604,259,328 parameters",
)


def _like(spec: ModelSpec, name: str, **shape: int | bool | str) -> ModelSpec:
    """The same family in another size; heads are 128 wide unless told otherwise."""
    heads = int(shape["heads"])
    own = {"kv_heads": heads, "head_dim": int(shape["hidden"]) // heads} | shape
    return replace(spec, name=name, source=f"{name} config.json, shape recalled", **own)  # type: ignore[arg-type]


_LLAMA_2_70B = _like(
    _LLAMA_13B, "llama-2-70b", layers=80, hidden=8192, heads=64, kv_heads=8, ffn=28672, max_positions=4096
)
_OPT = replace(_GPT3, vocab=50272, learned_positions=2050)  # positions are offset by 2
_BLOOM = replace(_GPT3, vocab=250_880, learned_positions=0)  # ALiBi; its embedding norm, 2·hidden, is left out
_FALCON = replace(
    _GPT3, vocab=65024, learned_positions=0, parallel_block=True, qkv_bias=False, output_bias=False, ffn_bias=False
)

_MODELS = (
    _GPT_J,
    _NEOX,
    _LLAMA_13B,
    _GPT3,
    _like(_LLAMA_13B, "llama-7b", layers=32, hidden=4096, heads=32, ffn=11008),
    _like(_LLAMA_13B, "llama-30b", layers=60, hidden=6656, heads=52, ffn=17920),
    _like(_LLAMA_13B, "llama-65b", layers=80, hidden=8192, heads=64, ffn=22016),
    _like(_LLAMA_13B, "llama-2-7b", layers=32, hidden=4096, heads=32, ffn=11008, max_positions=4096),
    _like(_LLAMA_13B, "llama-2-13b", layers=40, hidden=5120, heads=40, ffn=13824, max_positions=4096),
    _LLAMA_2_70B,
    _like(
        _LLAMA_2_70B, "llama-3-8b", layers=32, hidden=4096, heads=32, kv_heads=8, ffn=14336, vocab=128_256,
        max_positions=8192,
    ),
    _like(
        _LLAMA_2_70B, "llama-3-70b", layers=80, hidden=8192, heads=64, kv_heads=8, ffn=28672, vocab=128_256,
        max_positions=8192,
    ),
    _like(
        _LLAMA_2_70B, "mistral-7b", layers=32, hidden=4096, heads=32, kv_heads=8, ffn=14336, max_positions=32768
    ),
    _like(_LLAMA_13B, "internlm-7b", layers=32, hidden=4096, heads=32, ffn=11008, vocab=103_168),
    _like(_LLAMA_13B, "internlm-20b", layers=60, hidden=5120, heads=40, ffn=13824, vocab=103_168),
    _like(
        _LLAMA_13B, "qwen-7b", layers=32, hidden=4096, heads=32, ffn=11008, vocab=151_936, qkv_bias=True,
        max_positions=8192,
    ),
    _like(
        _LLAMA_13B, "qwen-14b", layers=40, hidden=5120, heads=40, ffn=13696, vocab=152_064, qkv_bias=True,
        max_positions=8192,
    ),
    _like(_OPT, "opt-1.3b", layers=24, hidden=2048, heads=32, ffn=8192),
    _like(_OPT, "opt-2.7b", layers=32, hidden=2560, heads=32, ffn=10240),
    _like(_OPT, "opt-6.7b", layers=32, hidden=4096, heads=32, ffn=16384),
    _like(_OPT, "opt-13b", layers=40, hidden=5120, heads=40, ffn=20480),
    _like(_OPT, "opt-30b", layers=48, hidden=7168, heads=56, ffn=28672),
    _like(_OPT, "opt-66b", layers=64, hidden=9216, heads=72, ffn=36864),
    _like(_BLOOM, "bloom-7b1", layers=30, hidden=4096, heads=32, ffn=16384),
    _like(_BLOOM, "bloom-176b", layers=70, hidden=14336, heads=112, ffn=57344),
    _like(_FALCON, "falcon-7b", layers=32, hidden=4544, heads=71, kv_heads=1, ffn=18176, norms_per_block=1),
    _like(_FALCON, "falcon-40b", layers=60, hidden=8192, heads=128, kv_heads=8, ffn=32768),
    _like(_FALCON, "falcon-180b", layers=80, hidden=14848, heads=232, kv_heads=8, ffn=59392, tied_embeddings=False),
)  # fmt: skip

MODELS: Final[Mapping[str, ModelSpec]] = MappingProxyType({spec.name: spec for spec in _MODELS})
