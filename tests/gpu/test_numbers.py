"""Logits: in bf16, where near-ties make tokens incomparable, they are compared under forced tokens."""

from random import Random

import pytest
import torch

from gpu_validate.plan import Mode
from gpu_validate.shapes import Family
from gpu_validate.texts import Texts
from gpu_validate.world import Settings, assemble
from tests.gpu.cases import case_of
from tests.gpu.models import FAMILIES, SEED, greedy, model_of, plain_model

SPREAD = 0.02  # of weights, as the real models are initialised
TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 2e-2}


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        *(("orca", "packed"), ("s3", "padded"), ("vllm", "padded"), ("sarathi", "packed")),
        *(("fastertransformer", "padded"), ("huggingface", "padded")),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("family", FAMILIES)
def test_forced_tokens_give_the_logits_of_one_forward_pass(
    family: Family, dtype: torch.dtype, mode: Mode, name: str
) -> None:
    """Each emitted token's logits are those of transformers' own model over the same tokens, all at once."""
    case = case_of(name, Random(5), 8)
    forced = {ident: list(greedy(family, ident, tokens)) for ident, tokens in case.prompts.items()}
    model, plain = model_of(family, dtype, SPREAD), plain_model(family, dtype, SPREAD)
    settings = Settings(clock=case.clock, mode=mode, seed=SEED, strict=True, keep_logits=True, forced=forced)
    replay = assemble(case.world, model, settings)
    replay.run()
    texts = Texts(vocab=model.vocab, seed=SEED)
    assert replay.executor.rows
    for ident, row in replay.executor.rows.items():
        tokens = texts.prompt(ident, row.prompt) + forced[ident][: len(row.output)]
        assert tokens == row.tokens
        with torch.inference_mode():
            expected = plain(torch.tensor([tokens])).logits[0, row.prompt - 1 : -1]
        assert (torch.stack(row.logits) - expected).abs().max() < TOLERANCE[dtype]
