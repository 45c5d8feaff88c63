"""What a replay records: compaction belongs to the step that it was made for, and padding is really computed."""

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from gpu_validate.clock import Measured
from gpu_validate.device import Cpu
from gpu_validate.executor import TorchExecutor
from gpu_validate.padded import Padded
from gpu_validate.replay import Replay
from gpu_validate.surface import Elapsed, Mark
from gpu_validate.texts import Texts
from gpu_validate.world import Settings, replay_world
from s3sim.core.batch import Batch
from s3sim.core.events import STEP_COLUMNS
from tests.gpu.cases import case_of
from tests.gpu.models import SEED, model_of

RELOCATED = STEP_COLUMNS.index("relocated_tokens")


class Metronome(Cpu):
    """A processor on which whatever is timed takes a millisecond."""

    def since(self, mark: Mark) -> Elapsed:
        """One millisecond."""
        return Elapsed(1e-3, 1e-3, 1e-3)


def test_a_compaction_is_part_of_its_step() -> None:
    """A step before which slots were moved took the time of that too; no other step says so."""
    model, compacted = replace(model_of("gptj"), device=Metronome()), 0
    for start in range(12):
        case = case_of("s3", Random(start), 10)
        replayed = replay_world(case.world, model, Settings(clock=Measured("device"), seed=SEED))
        for record, row in zip(replayed.steps, replayed.log.step_rows(), strict=True):
            assert (record.relocating_s > 0) == (row[RELOCATED] > 0)
            assert record.device_s == pytest.approx(1e-3 + record.relocating_s)
            assert record.duration_ps == round(record.device_s * 1e12)
            compacted += record.relocating_s > 0
    assert compacted > 0


@pytest.mark.parametrize("name", ["fastertransformer", "huggingface"])
def test_static_batches_read_the_slots_that_they_are_charged_for(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Attention of a decode step covers rows × padded length, or the whole reservation, as the batch counts it."""
    read: list[tuple[int, int, int]] = []
    charged: list[Batch] = []
    own_reads, own_start = Padded._reads, TorchExecutor.start

    def reads(self: Padded, pieces: Any, width: int) -> Any:
        table = own_reads(self, pieces, width)
        if not charged[-1].chunks:
            read.append((*table.shape, charged[-1].decode_context + charged[-1].padding_slots))
        return table

    def start(self: TorchExecutor, batch: Batch) -> Any:
        charged.append(batch)
        return own_start(self, batch)

    monkeypatch.setattr(Padded, "_reads", reads)
    monkeypatch.setattr(TorchExecutor, "start", start)
    for seed in range(8):
        case = case_of(name, Random(seed), 10)
        replay_world(case.world, model_of("gptj"), Settings(clock=case.clock, seed=SEED))
    assert read
    for rows, width, counted in read:
        assert 0 <= rows * width - counted <= rows, "no more than the slot that each row writes"


class Outside:
    """A mover and an inbox that write down when they are asked, and a replica that writes down who moved."""

    def __init__(self) -> None:
        self.said: list[tuple[str, int]] = []

    def arrived(self, now: int) -> list[tuple[int, Any]]:
        """Two moves."""
        return [(10, None), (12, None)]

    def deliver(self, replica: Any, now: int) -> None:
        """Requests until now."""
        self.said.append(("requests", now))

    def moved(self, sequence: Any, at: int) -> None:
        """A move."""
        self.said.append(("move", at))


def test_what_came_from_outside_is_handed_over_in_order_of_time() -> None:
    """Requests that came before a move are submitted before it, those of its instant after it."""
    outside: Any = Outside()
    replay = Replay(
        replica=outside, executor=outside, memory=outside, mover=outside, inbox=outside, clock=Measured("cpu")
    )
    replay._deliver(15)
    assert outside.said == [("requests", 9), ("move", 10), ("requests", 11), ("move", 12), ("requests", 15)]


def test_prompts_depend_on_the_request_and_the_seed_alone() -> None:
    """Another request or seed says something else, and the same ones the same; forced tokens replace greedy ones."""
    texts = Texts(vocab=128, seed=1, forced={7: [3, 4]})
    assert texts.prompt(5, 20) == Texts(vocab=128, seed=1).prompt(5, 20)
    assert texts.prompt(5, 20) != texts.prompt(6, 20)
    assert texts.prompt(5, 20) != Texts(vocab=128, seed=2).prompt(5, 20)
    assert max(texts.prompt(5, 1000)) == 127
    assert (texts.next_token(7, 1, 99), texts.next_token(5, 1, 99)) == (4, 99)
