"""Laws of a model's shape: published counts, and refusal of what cannot be."""

from dataclasses import replace
from typing import Any

import pytest

from s3sim.core.errors import InputError, UnknownNameError
from s3sim.hardware import MODELS, ModelSpec


@pytest.mark.parametrize(
    ("name", "parameters", "kv_bytes"),
    [
        ("gpt-j-6b", 6_050_882_784, 458_752),
        ("gpt-neox-20b", 20_554_567_680, 1_081_344),
        ("llama-13b", 13_015_864_320, 819_200),
        ("gpt3-175b", 174_604_259_328, 4_718_592),
    ],
)
def test_published_counts(name: str, parameters: int, kv_bytes: int) -> None:
    """The formulas give the published parameter counts and KV bytes per token exactly."""
    model = MODELS[name]
    assert model.parameters == parameters
    assert model.weight_bytes == 2 * parameters
    assert model.kv_bytes_per_token == kv_bytes


def test_further_architectures() -> None:
    """Untied, tied, gated and grouped shapes of other families also give their published counts."""
    common: dict[str, Any] = {"max_positions": 2048, "source": "model cards"}
    pythia = ModelSpec(
        name="pythia-12b", layers=36, hidden=5120, heads=40, kv_heads=40, head_dim=128, ffn=20480,
        vocab=50688, qkv_bias=True, output_bias=True, ffn_bias=True, **common,
    )  # fmt: skip
    opt = ModelSpec(
        name="opt-13b", layers=40, hidden=5120, heads=40, kv_heads=40, head_dim=128, ffn=20480, vocab=50272,
        tied_embeddings=True, qkv_bias=True, output_bias=True, ffn_bias=True, learned_positions=2050, **common,
    )  # fmt: skip
    llama3 = ModelSpec(
        name="llama-3-8b", layers=32, hidden=4096, heads=32, kv_heads=8, head_dim=128, ffn=14336,
        vocab=128256, gated_ffn=True, norm_bias=False, **common,
    )  # fmt: skip
    counts = [spec.parameters for spec in (pythia, opt, llama3)]
    assert counts == [11_846_072_320, 12_853_473_280, 8_030_261_248]
    assert llama3.kv_bytes_per_token == 131_072


@pytest.mark.parametrize(("name", "gigabytes"), [("gpt-j-6b", 11.69), ("gpt-neox-20b", 40.49)])
def test_streamed_weights_leave_out_the_looked_up_table(name: str, gigabytes: float) -> None:
    """A decode step reads all weights but the untied embedding table."""
    assert MODELS[name].streamed_weight_bytes / 1e9 == pytest.approx(gigabytes, abs=0.005)


def test_a_tied_table_is_streamed() -> None:
    """Tying the embeddings takes their bytes from memory, never from the stream."""
    model = MODELS["gpt-neox-20b"]
    tied = replace(model, tied_embeddings=True)
    assert tied.streamed_weight_bytes == model.streamed_weight_bytes
    assert tied.weight_bytes == model.weight_bytes - 2 * model.vocab * model.hidden


def test_operations() -> None:
    """Dense work is two operations per weight of a matrix product; attention four per head dimension."""
    model = MODELS["gpt-j-6b"]
    assert model.dense_flops_per_token == 2 * (28 * (4 * 4096**2 + 2 * 4096 * 16384) + 50400 * 4096)
    assert model.attention_flops_per_pair == 4 * 28 * 4096


def test_bytes_follow_the_number_format() -> None:
    """Weights and KV cache scale with their own number formats, independently."""
    model = replace(MODELS["llama-13b"], weight_dtype="int8", kv_dtype="fp32")
    assert model.weight_bytes == model.parameters
    assert model.kv_bytes_per_token == 2 * MODELS["llama-13b"].kv_bytes_per_token


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("layers", 0),
        ("layers", "28"),
        ("heads", True),
        ("head_dim", 64.0),
        ("vocab", -1),
        ("kv_heads", 3),
        ("tied_embeddings", 1),
        ("learned_positions", -1),
        ("name", ""),
    ],
)
def test_refuses_impossible_shapes(field: str, value: Any) -> None:
    """A field that cannot be raises InputError, which names the field and the value."""
    with pytest.raises(InputError, match=f"{field}: {value!r}"):
        replace(MODELS["gpt-j-6b"], **{field: value})


def test_refuses_an_unknown_number_format() -> None:
    """An unknown number format raises UnknownNameError with the known ones and the field."""
    with pytest.raises(UnknownNameError, match=r"weight_dtype: unknown number format 'float16'.*fp16"):
        replace(MODELS["gpt-j-6b"], weight_dtype="float16")
