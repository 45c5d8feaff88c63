"""Correct before fast: whatever a scheduler does to a sequence, it says what it would have said alone."""

import pytest

from gpu_validate.shapes import Family
from gpu_validate.world import Mode, Settings, replay_world
from s3sim.core.events import Event, EventLog, canonical
from tests.gpu.cases import NAMES, Case, on_cases, simulated
from tests.gpu.models import FAMILIES, SEED, greedy, model_of


@pytest.mark.parametrize("mode", ["packed", "padded"])
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", NAMES)
def test_each_sequence_says_what_generate_says(name: str, family: Family, mode: Mode) -> None:
    """In fp32 all tokens equal transformers' generate on the prompt alone, and the log equals the simulator's.

    Under swaps, compaction, recompute, restart and doubling, and with unwritten slots poisoned; under the
    simulator's durations, to the picosecond.
    """

    def check(case: Case) -> EventLog:
        settings = Settings(clock=case.clock, mode=mode, seed=SEED, strict=True)
        replayed = replay_world(case.world, model_of(family), settings)
        finished = {row[2] for row in replayed.log.event_rows() if row[1] == Event.FINISHED}
        for ident in finished:
            said = greedy(family, ident, case.prompts[ident])[: case.world.outputs[ident]]
            assert tuple(replayed.tokens[ident]) == said
        assert canonical(replayed.log) == canonical(simulated(case))
        return replayed.log

    on_cases(check, name, number=11, salt=f"{family} {mode}")
