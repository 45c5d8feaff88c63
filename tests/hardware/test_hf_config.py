"""Laws of reading a config.json: published parameter counts exactly, and each fault with file and key."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3sim.core.errors import InputError, S3SimError, UnknownNameError
from s3sim.hardware import MODELS, ModelSpec
from s3sim.hardware.hf_config import FAMILIES, read_hf_config

Config = dict[str, Any]


def load(folder: Path, config: Config, **options: Any) -> ModelSpec:
    """The model of these keys."""
    path = folder / "config.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    return read_hf_config(path, **options).model


def gpt(family: str, layers: int, hidden: int, heads: int, vocab: int, **more: Any) -> Config:
    """A config under GPT-2's and GPT-J's names."""
    shape = {"n_layer": layers, "n_embd": hidden, "n_head": heads, "vocab_size": vocab, "n_positions": 2048}
    return {"model_type": family, **shape, "n_inner": None, "torch_dtype": "float16", **more}


def hf(family: str, layers: int, hidden: int, heads: int, ffn: int, vocab: int, **more: Any) -> Config:
    """A config under the common names; OPT calls its feed-forward width ffn_dim."""
    shape = {"num_hidden_layers": layers, "hidden_size": hidden, "num_attention_heads": heads, "vocab_size": vocab}
    width = {"ffn_dim" if family == "opt" else "intermediate_size": ffn}
    return {"model_type": family, **shape, **width, "max_position_embeddings": 2048, "torch_dtype": "float16", **more}


def pythia(layers: int, hidden: int, heads: int, vocab: int = 50304) -> Config:
    """A Pythia, which is a GPT-NeoX."""
    return hf("gpt_neox", layers, hidden, heads, 4 * hidden, vocab, rotary_pct=0.25, tie_word_embeddings=False)


MISTRAL = hf(
    "mistral", 32, 4096, 32, 14336, 32000, num_key_value_heads=8, sliding_window=4096,
    max_position_embeddings=32768, torch_dtype="bfloat16",
)  # fmt: skip
QWEN2 = hf(
    "qwen2", 28, 3584, 28, 18944, 152064, num_key_value_heads=4, sliding_window=131072, use_sliding_window=False,
    max_position_embeddings=131072, torch_dtype="bfloat16", tie_word_embeddings=False,
)  # fmt: skip
PUBLISHED = {  # name: config (shapes of the public config.json), published parameters
    "gpt-j-6b": (gpt("gptj", 28, 4096, 16, 50400, rotary_dim=64, tie_word_embeddings=False), 6_050_882_784),
    "gpt-neox-20b": (hf("gpt_neox", 44, 6144, 64, 24576, 50432), 20_554_567_680),
    "pythia-14m": (pythia(6, 128, 4), 14_067_712),
    "pythia-31m": (pythia(6, 256, 8), 30_494_720),
    "pythia-70m": (pythia(6, 512, 8), 70_426_624),
    "pythia-160m": (pythia(12, 768, 12), 162_322_944),
    "pythia-410m": (pythia(24, 1024, 16), 405_334_016),
    "pythia-1b": (pythia(16, 2048, 8), 1_011_781_632),
    "pythia-1.4b": (pythia(24, 2048, 16), 1_414_647_808),
    "pythia-2.8b": (pythia(32, 2560, 32), 2_775_208_960),
    "pythia-6.9b": (pythia(32, 4096, 32, 50432), 6_857_302_016),
    "pythia-12b": (pythia(36, 5120, 40, 50688), 11_846_072_320),
    "opt-6.7b": (hf("opt", 32, 4096, 32, 16384, 50272, word_embed_proj_dim=4096), 6_658_473_984),
    "opt-13b": (hf("opt", 40, 5120, 40, 20480, 50272, word_embed_proj_dim=5120), 12_853_473_280),
    "llama-13b": (hf("llama", 40, 5120, 40, 13824, 32000), 13_015_864_320),
    "llama-2-7b": (
        hf("llama", 32, 4096, 32, 11008, 32000, num_key_value_heads=32, max_position_embeddings=4096),
        6_738_415_616,
    ),
    "llama-2-70b": (
        hf("llama", 80, 8192, 64, 28672, 32000, num_key_value_heads=8, max_position_embeddings=4096),
        68_976_648_192,
    ),
    "llama-3-8b": (
        hf("llama", 32, 4096, 32, 14336, 128256, num_key_value_heads=8, max_position_embeddings=8192),
        8_030_261_248,
    ),
    "mistral-7b-v0.1": (MISTRAL, 7_241_732_096),
    "qwen-7b": (
        hf("qwen", 32, 4096, 32, 22016, 151936, kv_channels=128, no_bias=True, max_position_embeddings=8192),
        7_721_324_544,
    ),
    "qwen2-7b": (QWEN2, 7_615_616_512),
    "qwen2-0.5b": (
        hf("qwen2", 24, 896, 14, 4864, 151936, num_key_value_heads=2, tie_word_embeddings=True),
        494_032_768,
    ),
    "qwen3-8b": (hf("qwen3", 36, 4096, 32, 12288, 151936, num_key_value_heads=8, head_dim=128), 8_190_735_360),
    "gpt2": (gpt("gpt2", 12, 768, 12, 50257, n_positions=1024), 124_439_808),
    "gpt3-175b": (gpt("gpt2", 96, 12288, 96, 50257), 174_604_259_328),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_parameter_counts(name: str, tmp_path: Path) -> None:
    """The parameters of an imported config are the published ones, to the last."""
    config, parameters = PUBLISHED[name]
    model = load(tmp_path, config, name=name)
    assert model.name == name
    assert model.parameters == parameters


@pytest.mark.parametrize("name", [name for name in MODELS if name in PUBLISHED])
def test_imports_equal_the_presets(name: str, tmp_path: Path) -> None:
    """An imported config differs from the preset of the same model, if listed above, by its source alone."""
    model = load(tmp_path, PUBLISHED[name][0], name=name)
    pairs = {field.name: (getattr(model, field.name), getattr(MODELS[name], field.name)) for field in fields(model)}
    assert {name for name, (imported, preset) in pairs.items() if imported != preset} == {"source"}


def test_a_sliding_window_is_kept_where_all_layers_have_it(tmp_path: Path) -> None:
    """Mistral's window is kept and remarked upon; one that is off, absent or beyond the positions is none."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps(MISTRAL), encoding="utf-8")
    imported = read_hf_config(path)
    assert imported.model.sliding_window == 4096
    assert imported.model.max_positions == 32768
    assert imported.model.kv_bytes_per_token == 131_072
    assert any("upper bound" in note for note in imported.notes)
    for config in (
        QWEN2,
        QWEN2 | {"sliding_window": 4096},
        MISTRAL | {"sliding_window": None},
        MISTRAL | {"sliding_window": 32768},
    ):
        path.write_text(json.dumps(config), encoding="utf-8")
        imported = read_hf_config(path)
        assert imported.model.sliding_window is None
        assert imported.notes == ()


def test_a_window_on_some_layers_is_left_out_and_said(tmp_path: Path) -> None:
    """Qwen's window, where used, holds on some layers only: it is left out, with a remark."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps(QWEN2 | {"use_sliding_window": True, "sliding_window": 4096}), encoding="utf-8")
    imported = read_hf_config(path)
    assert imported.model.sliding_window is None
    assert any("some layers" in note for note in imported.notes)


@pytest.mark.parametrize(
    ("given", "weights", "cache", "notes"),
    [
        ({"torch_dtype": "bfloat16"}, "bf16", "bf16", 0),
        ({"torch_dtype": "float32"}, "fp32", "fp16", 1),
        ({"torch_dtype": None, "dtype": "torch.bfloat16"}, "bf16", "bf16", 0),
        ({"torch_dtype": None}, "fp16", "fp16", 1),
    ],
)
def test_number_formats(given: Config, weights: str, cache: str, notes: int, tmp_path: Path) -> None:
    """The KV cache has the weights' format if that has 16 bits, else fp16; a guess is remarked upon."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps(PUBLISHED["llama-2-7b"][0] | given), encoding="utf-8")
    imported = read_hf_config(path)
    assert (imported.model.weight_dtype, imported.model.kv_dtype, len(imported.notes)) == (weights, cache, notes)


def test_head_dim_may_be_stated(tmp_path: Path) -> None:
    """A stated head_dim wins over hidden / heads, which need not then be whole."""
    nemo = hf("mistral", 40, 5120, 32, 14336, 131072, num_key_value_heads=8, head_dim=128)
    assert load(tmp_path, nemo).head_dim == 128
    assert load(tmp_path, nemo | {"hidden_size": 5121}).head_dim == 128
    assert load(tmp_path, nemo | {"head_dim": None}).head_dim == 160


def test_names(tmp_path: Path) -> None:
    """A model is called as asked, else by the last part of its path, else by its family."""
    config = PUBLISHED["llama-2-7b"][0]
    assert load(tmp_path, config | {"_name_or_path": "meta-llama/Llama-2-7b-hf"}).name == "Llama-2-7b-hf"
    assert load(tmp_path, config | {"_name_or_path": ""}).name == "llama"
    assert load(tmp_path, config, name="mine").name == "mine"


LLAMA = PUBLISHED["llama-2-7b"][0]
OPT = PUBLISHED["opt-6.7b"][0]
FAULTS = [
    (LLAMA, {"num_hidden_layers": None}, "num_hidden_layers: missing; add it"),
    (LLAMA, {"model_type": None}, "model_type: missing"),
    (LLAMA, {"vocab_size": 0}, "vocab_size: 0 is not usable; give a whole number from 1"),
    (LLAMA, {"vocab_size": -5}, "vocab_size: -5"),
    (LLAMA, {"vocab_size": 10**30}, "vocab_size: 1000"),
    (LLAMA, {"hidden_size": "4096"}, "hidden_size: '4096' is not usable"),
    (LLAMA, {"hidden_size": 4096.0}, "hidden_size: 4096.0"),
    (LLAMA, {"hidden_size": True}, "hidden_size: True"),
    (LLAMA, {"hidden_size": [4096]}, r"hidden_size: \[4096\]"),
    (LLAMA, {"hidden_size": 4097}, "hidden_size: 4097 is not a multiple of the 32 heads"),
    (LLAMA, {"num_key_value_heads": 5}, "num_key_value_heads: 5 is not usable; give a divisor of the 32"),
    (LLAMA, {"tie_word_embeddings": "no"}, "tie_word_embeddings: 'no' is not usable; give true or false"),
    (LLAMA, {"torch_dtype": 16}, "torch_dtype: 16 is not usable; give a text"),
    (LLAMA, {"torch_dtype": "float61"}, "torch_dtype: unknown number format 'float61'; did you mean 'float16'"),
    (LLAMA, {"quantization_config": {"bits": 4}}, "quantization_config: quantised weights cannot be imported"),
    (OPT, {"word_embed_proj_dim": 512}, "word_embed_proj_dim: 512 differs from hidden_size 4096"),
    (MISTRAL, {"sliding_window": 0}, "sliding_window: 0"),
    (PUBLISHED["qwen-7b"][0], {"intermediate_size": 22017}, "intermediate_size: 22017.*even"),
    (PUBLISHED["gpt2"][0], {"n_embd": None}, "n_embd: missing"),
]


@pytest.mark.parametrize(("config", "change", "message"), FAULTS)
def test_faults_name_file_and_key(config: Config, change: Config, message: str, tmp_path: Path) -> None:
    """What cannot be is refused with file, key, value and remedy."""
    with pytest.raises(InputError, match=f"config.json: {message}"):
        load(tmp_path, config | change)


def test_an_unknown_architecture_lists_the_known(tmp_path: Path) -> None:
    """A family that is not known is refused with the list of those that are."""
    with pytest.raises(UnknownNameError, match=r"model_type: unknown architecture 'mixtral'.*gpt_neox.*qwen2") as fault:
        load(tmp_path, LLAMA | {"model_type": "mixtral"})
    assert all(family in str(fault.value) for family in FAMILIES)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "config.json:1: not JSON"),
        (b'{"a": 1,\n "b": }', "config.json:2: not JSON"),
        (b"[1, 2]", "config.json: holds a list"),
        (b'"x"', "config.json: holds a str"),
        (b"\xff\xfe{}", "config.json: not JSON"),
        (b"[" * 200_000, "config.json: not JSON"),
        (b'{"vocab_size": ' + b"9" * 5000 + b"}", "config.json: not JSON"),
    ],
)
def test_what_is_no_json_object(content: bytes, message: str, tmp_path: Path) -> None:
    """A file that holds no JSON object is refused, with the line where there is one."""
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_hf_config(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """A missing file and a folder are refused alike."""
    for path in (tmp_path / "config.json", tmp_path):
        with pytest.raises(InputError, match="no such file; give the path"):
            read_hf_config(path)


VALUES: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just([]) | st.just({})
)


@given(st.sampled_from([config for config, _ in PUBLISHED.values()]), st.data())
def test_whatever_a_key_holds(tmp_path_factory: pytest.TempPathFactory, config: Config, data: st.DataObject) -> None:
    """Any value under any key gives a model or an error for the user, never another exception."""
    key = data.draw(st.sampled_from(sorted(config)))
    fault = ""
    try:
        assert load(tmp_path_factory.getbasetemp(), config | {key: data.draw(VALUES)}).parameters > 0
    except S3SimError as error:
        fault = str(error)
    assert not fault or key in fault
