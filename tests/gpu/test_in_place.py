"""KV that stays where it is: reservations that grow in place, and sequences that sit steps out."""

import pytest
import torch
from torch import Tensor

from gpu_validate.account import FollowedKV
from gpu_validate.arena import Arena
from gpu_validate.clock import Measured
from gpu_validate.device import Cpu
from gpu_validate.memory import BlockMemory, ExtentMemory
from gpu_validate.mover import Mover
from gpu_validate.pinned import simulate_pinned
from gpu_validate.plan import Mode
from gpu_validate.replay import Replay
from gpu_validate.world import Settings, assemble, replay_world
from s3sim.core.errors import InvariantError
from s3sim.core.events import EventLog, canonical
from s3sim.core.kv_cache import ContiguousKV
from s3sim.core.replica import Move, Replica
from s3sim.core.request import Request, Sequence
from tests.gpu.cases import Case, Fixed, on_cases, simulated
from tests.gpu.models import FAMILIES, SEED, model_of
from tests.gpu.tokens import said_all

TICK = 10**8  # ps; 60 of them are a few steps of the tiny model
DIRECTED: dict[str, tuple[Fixed, frozenset[str]]] = {  # choices, and what must happen
    "s3": (
        {"growth": "in_place", "on_overrun": "swap", "max_num_seqs": None},
        frozenset({"GROWN", "SWAPPED_IN", "COMPACTED"}),
    ),
    "vllm": (
        {"on_shortage": "swap", "block_tokens": 4, "max_num_seqs": None},
        frozenset({"SWAPPED_IN", "STALLED", "RESUMED"}),
    ),
}


@pytest.mark.parametrize("mode", ["packed", "padded"])
@pytest.mark.parametrize("name", DIRECTED)
def test_tokens_survive_growth_in_place_and_stalls(name: str, mode: Mode) -> None:
    """Tokens are generate's and the log the simulator's, while both kinds of model have their turns."""
    fixed, must = DIRECTED[name]

    def check(case: Case) -> EventLog:
        family = FAMILIES[sum(case.prompts.values()) % 2]
        settings = Settings(clock=case.clock, mode=mode, seed=SEED, strict=True)
        replayed = replay_world(case.world, model_of(family), settings)
        said_all(case, family, replayed)
        assert canonical(replayed.log) == canonical(simulated(case))
        return replayed.log

    on_cases(check, name, number=8, salt=mode, fixed=fixed, must=must)


@pytest.mark.parametrize("name", DIRECTED)
def test_growth_in_place_and_stalls_are_pinned_decision_by_decision(name: str) -> None:
    """Under measured durations the pinned simulator writes the replay's log, and the tokens are generate's."""

    def check(case: Case) -> EventLog:
        replayed = replay_world(case.world, model_of("gptj"), Settings(clock=Measured("cpu"), seed=SEED))
        said_all(case, "gptj", replayed)
        assert canonical(simulate_pinned(case.world, replayed)) == canonical(replayed.log)
        return replayed.log

    on_cases(check, name, number=6, tick=TICK, repeatable=False, fixed=DIRECTED[name][0])


def test_a_stalled_sequence_keeps_its_kv_where_it_is_and_is_in_no_batch() -> None:
    """From one step to the next its blocks hold the same numbers, and its row grows by no token."""
    kept = 0

    def check(case: Case) -> EventLog:
        before = dict[Sequence, Tensor]()

        def look(replica: Replica, now: int) -> None:
            nonlocal before, kept
            found = {sequence: _kv(replay, sequence) for sequence in replica.lanes[0].stalled}
            for sequence in before.keys() & found.keys():
                assert torch.equal(before[sequence], found[sequence])
                kept += 1
            before = found

        settings = Settings(clock=case.clock, seed=SEED, strict=True, on_step=look)
        replay = assemble(case.world, model_of("gptj"), settings)
        return replay.run().log

    fixed, must = DIRECTED["vllm"]
    on_cases(check, "vllm", number=6, fixed=fixed, must=must)
    assert kept > 0, "nobody sat out two steps"


def _kv(replay: Replay, sequence: Sequence) -> Tensor:
    """What is written of a stalled sequence."""
    row, memory = replay.executor.rows[sequence.request.id], replay.memory
    assert row.cached == sequence.cached == len(row.tokens) - 1
    assert isinstance(memory, BlockMemory)
    kv = memory.arena.kv[:, :, memory.slots(sequence, sequence.cached)]
    assert not kv.isnan().any()
    return kv.clone()


def _sequence(ident: int, demand: int) -> Sequence:
    sequence = Sequence(Request(ident, 0, 2, 20), None, ident)
    sequence.demand = demand
    return sequence


def test_an_extent_that_grows_copies_nothing_and_ends_where_its_hole_does() -> None:
    """It has its old slots with their numbers, the new ones unwritten behind them, and none of its neighbour's."""
    arena = Arena.of(model_of("gptj"), 12, strict=True)
    memory = ExtentMemory(arena)
    kv = FollowedKV(ContiguousKV(12), memory, Cpu())
    first, gone, last = (_sequence(ident, 4) for ident in range(3))
    assert all(kv.place(sequence) for sequence in (first, gone, last))
    arena.kv[:, :, 0:4], arena.kv[:, :, 8:12] = 1.0, 3.0
    assert kv.room_behind(first) == 0
    kv.release(gone)
    assert kv.room_behind(first) == 4
    before = arena.kv.clone()
    kv.grow(first, 3)
    assert torch.allclose(arena.kv, before, equal_nan=True)
    assert memory.slots(first, 7) == slice(0, 7)
    assert (kv.held_by(first), kv.free, kv.room_behind(first)) == (7, 1, 1)
    with pytest.raises(InvariantError, match="reaches for slot 8"):
        memory.slots(first, 8)
    arena.kv[:, :, 4:7] = 2.0
    kv.release(first)
    assert arena.written() == 4, "all that it had grown to is unreadable, and its neighbour's is not"


def test_blocks_that_come_back_hold_each_position_where_it_belongs() -> None:
    """Attention does not see the order of slots, so it is looked up: position by position, in other blocks."""
    arena = Arena.of(model_of("gptj"), 16, strict=True)
    memory = BlockMemory(arena, 4)
    mover = Mover(memory, Cpu(), Measured("cpu"))
    gone, other = _sequence(1, 8), _sequence(2, 4)
    memory.hold(gone)
    arena.kv[:, :, memory.slots(gone, 6)] = torch.arange(6.0)[:, None, None]
    before = [memory.slot(gone, position) for position in range(6)]
    mover.send(Move(gone, to_host=True, tokens=6), 0)
    memory.free(gone)
    memory.hold(other)
    memory.slots(other, 4)
    memory.hold(gone)
    mover.send(Move(gone, to_host=False, tokens=6), 1)
    after = [memory.slot(gone, position) for position in range(6)]
    assert after != before
    assert arena.kv[0, 1, after, 0, 0].tolist() == [0, 1, 2, 3, 4, 5]
    assert arena.written() == 6
