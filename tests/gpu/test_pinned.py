"""Decisions are exact: the simulator, given what a replay measured, decides the same, one by one."""

from dataclasses import dataclass, replace
from random import Random

import pytest

from gpu_validate.clock import Foretold, Measured, Tick
from gpu_validate.pinned import RecordedDurations, simulate_pinned
from gpu_validate.replay import Replayed
from gpu_validate.surface import Copy, Elapsed
from gpu_validate.world import Settings, replay_world
from s3sim.core.batch import Batch
from s3sim.core.errors import InvariantError
from s3sim.core.events import EventLog, canonical
from s3sim.core.replica import Move
from tests.gpu.cases import NAMES, Case, Fixed, case_of, on_cases
from tests.gpu.late import LateCpu
from tests.gpu.models import SEED, model_of
from tests.gpu.tokens import said_all

TICK = 10**8  # ps; 60 of them are a few steps of the tiny model
SWAPPING: dict[str, tuple[Fixed, frozenset[str]]] = {  # choices, and what must happen
    "s3": ({"on_overrun": "swap"}, frozenset({"SWAPPED_IN", "COMPACTED"})),
    "vllm": (
        {"on_shortage": "swap", "block_tokens": 4, "max_num_seqs": None},
        frozenset({"SWAPPED_IN", "STALLED", "RESUMED"}),
    ),
}


@dataclass(frozen=True, slots=True)
class Noticed:
    """A clock whose moves have no duration until they are noticed to be over, as measured ones have none."""

    own: Foretold

    def step(self, batch: Batch, elapsed: Elapsed) -> Tick:
        """As it is foretold."""
        return self.own.step(batch, elapsed)

    def move(self, move: Move, copy: Copy) -> int | None:
        """As it is foretold, once it is over."""
        return self.own.move(move, copy) if copy.done() else None


@pytest.mark.parametrize("name", NAMES)
def test_the_simulator_pinned_to_a_replay_writes_the_same_log(name: str) -> None:
    """Measured durations, arrivals, moves and predictions go in; equal canonical logs come out (law 8)."""

    def check(case: Case) -> EventLog:
        replayed = replay_world(case.world, model_of("gptj"), Settings(clock=Measured("cpu"), seed=SEED))
        assert canonical(simulate_pinned(case.world, replayed)) == canonical(replayed.log)
        return replayed.log

    on_cases(check, name, number=6, tick=TICK, repeatable=False)


@pytest.mark.parametrize(("name", "looks"), [("s3", 1), ("s3", 4), ("vllm", 1), ("vllm", 2)])
def test_copies_that_take_their_time_change_no_token_and_pin_as_well(name: str, looks: int) -> None:
    """Moves that are over some steps later, as on a GPU, are noticed once, waited for when idle, and pinned."""
    device = LateCpu(looks)
    model = replace(model_of("gpt_neox"), device=device)

    def check(case: Case) -> EventLog:
        settings = Settings(clock=Noticed(case.clock), seed=SEED, strict=True)
        replayed = replay_world(case.world, model, settings)
        assert None not in replayed.moves
        said_all(case, "gpt_neox", replayed)
        assert canonical(simulate_pinned(case.world, replayed)) == canonical(replayed.log)
        return replayed.log

    fixed, must = SWAPPING[name]
    on_cases(check, name, number=9, salt=str(looks), fixed=fixed, must=must)
    assert device.noticed > 0
    assert device.waited > 0 or name == "vllm", "where others decode on, nobody waits"


def test_a_pin_that_does_not_fit_is_noticed() -> None:
    """A replay with one step less than the simulator takes is refused, not completed by guessing."""
    case = case_of("orca", Random(1), 8)
    replayed = replay_world(case.world, model_of("gptj"), Settings(clock=case.clock, seed=SEED))
    short = Replayed(replayed.log, replayed.steps[:-1], replayed.moves)
    with pytest.raises(InvariantError, match="never run"):
        simulate_pinned(case.world, short)
    assert RecordedDurations([7]).affine(None)[:2] == (7, 0)  # type: ignore[arg-type]


def test_a_wrong_duration_shows_in_the_log() -> None:
    """The comparison can fail: one picosecond more in one step makes the logs differ."""
    case = case_of("s3", Random(2), 8)
    replayed = replay_world(case.world, model_of("gptj"), Settings(clock=case.clock, seed=SEED))
    step = replayed.steps[3]
    replayed.steps[3] = step._replace(duration_ps=step.duration_ps + 1)
    assert canonical(simulate_pinned(case.world, replayed)) != canonical(replayed.log)
