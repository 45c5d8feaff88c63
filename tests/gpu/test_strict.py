"""Strict mode: what nobody has written cannot be read unnoticed, and what is written is counted in the tensors."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
import torch

from gpu_validate.arena import Arena
from gpu_validate.growing import GrowingMemory
from gpu_validate.memory import BlockMemory, ExtentMemory
from gpu_validate.mover import Mover
from gpu_validate.plan import Mode
from gpu_validate.world import Settings, assemble, replay_world
from s3sim.core.errors import InvariantError
from s3sim.core.events import EventLog
from s3sim.core.piecewise import PiecewiseKV
from s3sim.core.replica import Replica
from s3sim.core.request import Sequence
from tests.gpu.cases import NAMES, Case, case_of, on_cases
from tests.gpu.models import SEED, model_of
from tests.gpu.tokens import expected

MODES: tuple[Mode, ...] = ("packed", "padded")


def _nothing(*_: Any) -> None:
    """What a memory that forgets does."""


def _one_too_far(own: Callable[..., Any]) -> Callable[..., Any]:
    def slots(self: Any, sequence: Sequence, stop: int) -> Any:
        found = own(self, sequence, stop)
        return slice(found.start + 1, found.stop + 1)

    return slots


FAULTS: dict[str, tuple[str, type, str, Any]] = {  # name → system, whose method breaks, and how
    "compaction moves nothing": ("s3", Arena, "relocate", _nothing),
    "extents are read one slot too far": ("s3", ExtentMemory, "slots", _one_too_far(ExtentMemory.slots)),
    "a swap brings nothing back": ("s3", Mover, "_back", lambda self, move: _nothing),
    "blocks are looked up in reverse": (
        "vllm",
        BlockMemory,
        "slot",
        lambda self, sequence, position: self._tables[sequence][::-1][position // self._block] * self._block,
    ),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_memory_is_noticed(fault: str, mode: Mode, monkeypatch: pytest.MonkeyPatch) -> None:
    """A memory that loses what was written, or reads elsewhere, raises in strict mode."""
    name, owner, method, broken = FAULTS[fault]
    monkeypatch.setattr(owner, method, broken)
    with pytest.raises(InvariantError, match="nobody has written"):
        _replay_many(name, mode)


def _replay_many(name: str, mode: Mode) -> None:
    for start in range(40):
        case = case_of(name, Random(start), 10)
        replay_world(case.world, model_of("gptj"), Settings(clock=case.clock, mode=mode, seed=SEED, strict=True))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_memory_changes_tokens(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without strict mode the same faults give other tokens than generate: comparing tokens has power."""
    name, owner, method, broken = FAULTS[fault]
    monkeypatch.setattr(owner, method, broken)
    wrong = 0
    for start in range(12):
        case = case_of(name, Random(start), 10)
        replayed = replay_world(case.world, model_of("gptj"), Settings(clock=case.clock, seed=SEED))
        for ident, said in replayed.tokens.items():
            wrong += said != expected(case, "gptj", {ident})[ident]
        if wrong:
            return
    raise AssertionError("every token was right")


@pytest.mark.parametrize("name", NAMES)
def test_written_slots_are_those_of_the_account(name: str) -> None:
    """After every step, as many slots hold numbers as the sequences on the device have cached, by their account."""

    def check(case: Case) -> EventLog:
        def compare(replica: Replica, now: int) -> None:
            assert replay.memory.written() == _cached(replica)

        settings = Settings(clock=case.clock, seed=SEED, strict=True, on_step=compare)
        replay = assemble(case.world, model_of("gpt_neox"), settings)
        compared.append(len(replay.run().steps))
        assert replay.memory.written() == 0
        return replay.replica.log

    compared: list[int] = []
    on_cases(check, name, number=7, salt="counted")
    assert sum(compared) > 0


def _cached(replica: Replica) -> int:
    account = replica.kv.account  # type: ignore[attr-defined]
    if isinstance(account, PiecewiseKV):
        return account.rows * account.length
    lane = replica.lanes[0]
    here = (*lane.prefilling, *lane.decoding, *lane.stalled, *lane.paused, *lane.ended, *lane.arrived, *replica.moving)
    return sum(sequence.cached for sequence in here)


def test_the_count_sees_a_slot_that_the_account_does_not_know() -> None:
    """The count comes from the tensors: a slot that somebody writes in secret is counted."""
    arena = Arena.of(model_of("gptj"), 8, strict=True)
    assert arena.written() == 0
    arena.kv[:, :, 3] = 1.0
    arena.kv[0, 0, 5] = 1.0  # one layer's keys are not yet a written slot
    assert arena.written() == 1


def test_a_reservation_cannot_be_exceeded() -> None:
    """Reaching beyond a reservation, or for a block where none is free, raises before anything is read."""
    case = case_of("orca", Random(0), 7)
    replay = assemble(case.world, model_of("gptj"), Settings(clock=case.clock))
    replica = replay.replica
    replay.inbox.deliver(replica, 1 << 60)
    batch = replica.plan(0)
    assert batch is not None
    sequence = batch.chunks[0].sequence
    with pytest.raises(InvariantError, match="reaches for slot"):
        ExtentMemory(Arena.of(model_of("gptj"), 8)).slots(sequence, sequence.reservation + 1)
    blocks = BlockMemory(Arena.of(model_of("gptj"), 8), 4)
    blocks.hold(sequence)
    with pytest.raises(InvariantError, match="2 are free"):
        blocks.slots(sequence, 9)


def test_memory_that_does_not_move_refuses_to() -> None:
    """Blocks and growing tensors cannot be relocated, and a running static batch takes nobody in."""
    arena = Arena.of(model_of("gptj"), 8)
    with pytest.raises(InvariantError, match="asked to move"):
        BlockMemory(arena, 4).relocate([])
    growing = GrowingMemory()
    with pytest.raises(InvariantError, match="asked to move"):
        growing.relocate([])
    case = case_of("huggingface", Random(0), 7)
    replay = assemble(case.world, model_of("gptj"), Settings(clock=case.clock))
    replay.inbox.deliver(replay.replica, 1 << 60)
    batch = replay.replica.plan(0)
    assert batch is not None
    growing.begin([3])
    with pytest.raises(InvariantError, match="running"):
        growing.hold(batch.chunks[0].sequence)


@pytest.mark.parametrize("distance", [1, 3, 8])
def test_relocation_moves_over_itself(distance: int) -> None:
    """Slots that move down by less than their number arrive whole, and nothing is left behind."""
    arena = Arena.of(model_of("gptj"), 16, strict=True)
    arena.kv[:, :, 8:12] = torch.arange(4.0)[:, None, None]
    arena.relocate(8, 8 - distance, 4)
    assert arena.written() == 4
    moved = arena.kv[0, 0, 8 - distance : 12 - distance, 0, 0]
    assert moved.tolist() == [0, 1, 2, 3]
