"""Models: safetensors alone, two architectures alone, and words that say what is wrong with any other."""

from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import huggingface_hub
import pytest
import torch
from transformers import GPT2Config

from gpu_validate.arena import Arena
from gpu_validate.configs import config_of
from gpu_validate.device import Cpu
from gpu_validate.model import dtype_of, load_model, random_model
from gpu_validate.shapes import SIZES, Family, family_of, sized
from gpu_validate.world import Settings, assemble, replay_world
from s3sim.core.errors import InputError, UnknownNameError
from s3sim.hardware.presets import model as preset
from tests.gpu.cases import case_of
from tests.gpu.models import FAMILIES, SEED, model_of, plain_model, spec_of


def _saved(family: Family, folder: Path) -> Path:
    plain_model(family).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("family", FAMILIES)
def test_a_folder_of_safetensors_says_the_same(family: Family, tmp_path: Path) -> None:
    """Weights that were saved and loaded give the tokens of the model that they are from."""
    loaded = load_model(str(_saved(family, tmp_path)), device=Cpu(), dtype=torch.float32)
    case = case_of("s3", Random(3), 8)
    settings = Settings(clock=case.clock, seed=SEED)
    again = replay_world(case.world, loaded, settings)
    assert again.tokens == replay_world(case.world, model_of(family), settings).tokens
    assert loaded.parameters == model_of(family).parameters
    assert loaded.weights == str(tmp_path)


def test_pickled_weights_are_not_read(tmp_path: Path) -> None:
    """A folder that holds .bin weights only is refused, and nothing of it is unpickled."""
    folder = _saved("gptj", tmp_path)
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")
    with pytest.raises(InputError, match=r"no \.safetensors file"):
        load_model(str(folder), device=Cpu(), dtype=torch.float32)


def test_absent_weights_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is no folder and that the hub cannot answer for is an input error."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)  # the hub is not asked from a test
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="no weights were found there"):
        load_model("nobody/nothing", device=Cpu(), dtype=torch.float32)
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(InputError, match="no weights were found there"):
        load_model(str(tmp_path), device=Cpu(), dtype=torch.float32)


def test_other_architectures_are_refused(tmp_path: Path) -> None:
    """GPT-2, in a file or as a shape, is neither of the two."""
    GPT2Config(n_layer=1, n_embd=8, n_head=2).save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(InputError, match="architecture 'gpt2'"):
        load_model(str(tmp_path), device=Cpu(), dtype=torch.float32)
    with pytest.raises(InputError, match="neither GPT-J's architecture nor GPT-NeoX's"):
        family_of(preset("llama-13b"))
    with pytest.raises(InputError, match="neither"):
        family_of(preset("gpt3-175b"))


def test_positions_beyond_the_model_are_refused() -> None:
    """Beyond its positions GPT-J would raise, and GPT-NeoX silently go on: both are checked on loading."""
    with pytest.raises(InputError, match="4096 positions; both models have 2048"):
        config_of(_with(spec_of("gptj"), max_positions=4096))
    case = case_of("orca", Random(0), 7)
    short = random_model(
        _with(spec_of("gptj"), max_positions=39), device=Cpu(), dtype=torch.float32, seed=SEED, spread=0.1
    )
    with pytest.raises(InputError, match=r"40 tokens.*39 positions"):
        assemble(case.world, short, Settings(clock=case.clock))


def test_real_shapes_belong_to_their_families() -> None:
    """The presets are recognised, at their own size and at every other."""
    assert family_of(preset("gpt-j-6b")) == "gptj"
    assert family_of(preset("gpt-neox-20b")) == "gpt_neox"
    for size in SIZES:
        for name in ("gpt-j-6b", "gpt-neox-20b"):
            spec = sized(preset(name), size)
            assert family_of(spec) == family_of(preset(name))
            assert spec.heads * spec.head_dim == spec.hidden
    with pytest.raises(UnknownNameError, match=r"huge.*known: .*tiny"):
        sized(preset("gpt-j-6b"), "huge")


@pytest.mark.parametrize("name", ["gpt-j-6b", "gpt-neox-20b"])
def test_a_sized_model_has_the_weights_that_its_shape_counts(name: str) -> None:
    """ModelSpec's count of parameters is the model's own."""
    spec = sized(preset(name), "tiny")
    model = random_model(spec, device=Cpu(), dtype=torch.float32, seed=SEED)
    assert model.parameters == spec.parameters
    assert model.kv_bytes_per_token == 2 * spec.layers * spec.hidden * 4


def test_no_token_ends_a_sequence() -> None:
    """Lengths are forced, so neither model may have an end."""
    for family in FAMILIES:
        config = config_of(spec_of(family))
        assert config.eos_token_id is None
        assert config.bos_token_id is None


def test_number_formats() -> None:
    """Known formats are torch's; an unknown one lists them."""
    assert dtype_of("bf16") is torch.bfloat16
    with pytest.raises(UnknownNameError, match=r"fp8.*bf16"):
        dtype_of("fp8")


def test_an_arena_too_large_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A KV cache that memory does not hold is an input error with its size."""

    def refuse(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(torch, "zeros", refuse)
    with pytest.raises(InputError, match=r"a KV cache of 1000 slots \(0\.00 GB\)"):
        Arena.of(model_of("gptj"), 1000)


def _with(spec: Any, **changes: Any) -> Any:
    return replace(spec, **changes)
