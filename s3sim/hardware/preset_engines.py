"""Engines whose constants were fitted to published latencies, or set by hand from published floors."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from s3sim.hardware.engine import EngineSpec

__all__ = ["DEFAULT_ENGINE", "ENGINES"]

DEFAULT_ENGINE: Final = "fastertransformer"

# Fitted to 327 published rows of FasterTransformer 5.3 (GPT-350M to GPT-175B on 1 to 8 A100s, 173 rows), TensorRT-LLM
# 0.5-0.9 (GPT-J-6B and LLaMA-7B on A100 fp16 and H100 fp8, 94) and LMDeploy 0.1.0a1 (LLaMA2-7B on A100, 60), by
#   s3sim calibrate fastertransformer_a100.csv tensorrt_llm_static.csv lmdeploy_a100.csv
# Absolute error: 3.3% median, 10.7% p90. Single A100, fp16, models of 6-20B, each model foretold from the others: 3.6%
# median, 9.6% p90 (82 rows). The labels' own noise: 4.2% median, up to 27%. docs/fidelity.md has every kind of row.
# Bandwidths and the GEMM rate belong to the device and are shared. The rate of prefill attention was not fitted: that
# of fused kernels is not visible in these rows, and unfused ones are bound by their scores.
_FASTERTRANSFORMER = EngineSpec(
    name="fastertransformer",
    weight_bandwidth_fraction=0.832,
    kv_bandwidth_fraction=0.924,
    gemm_flops_fraction=0.847,
    prefill_attention_flops_fraction=0.5,  # of causal pairs; assumed
    score_bytes_per_pair=78.4,  # unfused
    seconds_per_layer=93.5e-6,  # s
    seconds_per_sequence=15.6e-6,  # s; samples from the top 90% of 51,200 tokens
    activation_passes=131.0,  # more than it can move: what narrow matrices lose is in it
    smooth_exponent=2.62,
    source="fit to FasterTransformer 5.3 on A100 by s3sim calibrate, docs/fidelity.md",
)
_TENSORRT_LLM = replace(
    _FASTERTRANSFORMER,
    name="tensorrt-llm",
    score_bytes_per_pair=0.0,  # fused; lower bound
    seconds_per_layer=90.9e-6,  # s
    seconds_per_sequence=0.0,  # s; lower bound: greedy, not separable from the rest
    activation_passes=57.4,
    smooth_exponent=1.35,
    source="fit to TensorRT-LLM 0.5-0.9 static batches on A100 and H100 by s3sim calibrate, docs/fidelity.md",
)
_LMDEPLOY = replace(
    _FASTERTRANSFORMER,
    name="lmdeploy",
    score_bytes_per_pair=9.6,
    seconds_per_layer=65.4e-6,  # s
    seconds_per_sequence=11.4e-6,  # s
    activation_passes=54.6,
    smooth_exponent=2.18,
    source="fit to LMDeploy 0.1.0a1 (TurboMind) on A100, one model, by s3sim calibrate, docs/fidelity.md",
)
# Rough: not fitted. The floor matches two published batch-1 times on a TITAN RTX (GPT-J 50 ms, NeoX 80 ms
# per token = 1.8 ms per layer), the time per layer two on a T4, where the device is slower than the host
# (GPT-J 70 ms, OPT-6.7B 72 ms per token). A growing cache is read, and copied whole (read + write), in
# every step: three times the bytes, to be calibrated.
_HUGGINGFACE_EAGER = replace(
    _FASTERTRANSFORMER,
    name="huggingface-eager",
    kv_bandwidth_fraction=0.31,
    seconds_per_layer=0.8e-3,  # s
    cpu_floor_seconds_per_layer=1.8e-3,  # s; HF Transformers of 2022
    source="rough: FasterTransformer's device constants, KV copied every step, published CPU floor",
)
# Rough: not fitted. An early vLLM's published floor is 0.37-0.54 ms per layer; its middle is taken.
_VLLM_EARLY = replace(
    _FASTERTRANSFORMER,
    name="vllm-early",
    score_bytes_per_pair=0.0,  # fused prefill attention
    cpu_floor_seconds_per_layer=0.45e-3,  # s
    source="rough: FasterTransformer's device constants, fused prefill, published CPU floor of 2023",
)

ENGINES: Final[Mapping[str, EngineSpec]] = MappingProxyType(
    {spec.name: spec for spec in (_FASTERTRANSFORMER, _TENSORRT_LLM, _LMDEPLOY, _HUGGINGFACE_EAGER, _VLLM_EARLY)}
)
