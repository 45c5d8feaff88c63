"""The models of these tests: tiny, with weights spread so wide that near-ties do not occur; and what they say."""

from functools import cache
from typing import Any

import torch
from transformers import AutoModelForCausalLM

from gpu_validate.configs import config_of
from gpu_validate.device import Cpu
from gpu_validate.model import LoadedModel, random_model
from gpu_validate.shapes import FAMILIES, Family
from gpu_validate.texts import Texts
from s3sim.hardware.model import ModelSpec

__all__ = ["FAMILIES", "IDENTS", "LONGEST", "SEED", "SPREAD", "greedy", "model_of", "plain_model", "spec_of"]

SEED = 0
SPREAD = 0.3
LONGEST = 24  # output tokens of any request of these tests
IDENTS = range(1, 37, 3)  # of all requests; neither rank nor lane can pass for one


def spec_of(family: Family) -> ModelSpec:
    """A shape of two layers of 32, with 128 words."""
    return ModelSpec(
        name=f"test-{family}",
        layers=2,
        hidden=32,
        heads=2,
        kv_heads=2,
        head_dim=16,
        ffn=64,
        vocab=128,
        max_positions=128,
        parallel_block=True,
        norms_per_block=1 if family == "gptj" else 2,
    )


@cache
def model_of(family: Family, dtype: torch.dtype = torch.float32, spread: float = SPREAD) -> LoadedModel:
    """The model as it is replayed, with selective batching."""
    torch.set_num_threads(1)
    return random_model(spec_of(family), device=Cpu(), dtype=dtype, seed=SEED, spread=spread)


@cache
def plain_model(family: Family, dtype: torch.dtype = torch.float32, spread: float = SPREAD) -> Any:
    """The same weights in transformers' own model, untouched."""
    build: Any = AutoModelForCausalLM
    torch.manual_seed(SEED)
    return build.from_config(config_of(spec_of(family), spread=spread), dtype=dtype).eval()


def greedy(family: Family, ident: int, prompt_tokens: int) -> tuple[int, ...]:
    """What transformers' generate answers to a request's prompt; a shorter answer is its beginning."""
    return _greedy(family, prompt_tokens)[ident]


@cache
def _greedy(family: Family, prompt_tokens: int) -> dict[int, tuple[int, ...]]:
    """By request id; prompts of one length are asked together, which needs no padding."""
    model = plain_model(family)
    texts = Texts(vocab=model.config.vocab_size, seed=SEED)
    prompts = torch.tensor([texts.prompt(ident, prompt_tokens) for ident in IDENTS])
    with torch.inference_mode():
        said = model.generate(prompts, min_new_tokens=LONGEST, max_new_tokens=LONGEST, do_sample=False, use_cache=True)
    return dict(zip(IDENTS, map(tuple, said[:, prompt_tokens:].tolist()), strict=True))
