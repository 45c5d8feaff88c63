"""Correct before fast: whatever a scheduler does to a sequence, it says what it would have said alone."""

from collections import Counter

import pytest
import torch

from gpu_validate.plan import Mode
from gpu_validate.shapes import Family
from gpu_validate.texts import Texts
from gpu_validate.world import Settings, replay_world
from s3sim.core.events import EventLog, canonical
from tests.gpu.cases import NAMES, Case, on_cases, simulated
from tests.gpu.models import FAMILIES, LONGEST, SEED, greedy, model_of, plain_model
from tests.gpu.tokens import said_all

FAMILY: dict[str, Family] = {name: FAMILIES[place % 2] for place, name in enumerate(NAMES)}
MODES: tuple[Mode, ...] = ("packed", "padded")


@pytest.mark.parametrize("name", NAMES)
def test_each_sequence_says_what_generate_says(name: str) -> None:
    """In fp32 all tokens equal transformers' generate on the prompt alone, and the log equals the simulator's.

    Under swaps, compaction, recompute, restart and doubling, and with unwritten slots poisoned; under the
    simulator's durations, to the picosecond; steps are packed in some cases and padded in others.
    """
    family, seen = FAMILY[name], Counter[Mode]()

    def check(case: Case) -> EventLog:
        mode = MODES[sum(case.prompts.values()) % 2]
        seen[mode] += 1
        settings = Settings(clock=case.clock, mode=mode, seed=SEED, strict=True)
        replayed = replay_world(case.world, model_of(family), settings)
        said_all(case, family, replayed)
        assert canonical(replayed.log) == canonical(simulated(case))
        return replayed.log

    on_cases(check, name, number=8)
    assert min(seen[mode] for mode in MODES) >= 2


@pytest.mark.parametrize("family", FAMILIES)
def test_what_generate_says_to_several_prompts_it_says_to_each_alone(family: Family) -> None:
    """Prompts of one length are given to generate together, without padding: the tokens are those of one alone."""
    model = plain_model(family)
    for ident, tokens in ((1, 9), (19, 2)):
        prompt = Texts(vocab=model.config.vocab_size, seed=SEED).prompt(ident, tokens)
        with torch.inference_mode():
            said = model.generate(
                torch.tensor([prompt]), min_new_tokens=LONGEST, max_new_tokens=LONGEST, do_sample=False
            )
        assert tuple(said[0, tokens:].tolist()) == greedy(family, ident, tokens)
