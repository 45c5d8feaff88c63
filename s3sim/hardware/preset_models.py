"""Shapes of the models that the S³ paper serves."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from s3sim.hardware.model import ModelSpec

__all__ = ["MODELS"]

_MODELS = (
    ModelSpec(
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
    ),
    ModelSpec(
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
    ),
    ModelSpec(
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
    ),
    ModelSpec(
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
    ),
)

MODELS: Final[Mapping[str, ModelSpec]] = MappingProxyType({spec.name: spec for spec in _MODELS})
