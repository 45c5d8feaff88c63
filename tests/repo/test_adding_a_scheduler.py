"""A scheduler of one's own: the steps of CONTRIBUTING.md, in a module outside the package."""

import importlib
import sys
from pathlib import Path

import pytest

import s3sim
from s3sim.core.events import Event
from s3sim.policies.registry import SYSTEMS, System
from s3sim.report.tables import event_frame
from tests.experiment.tiny import tiny
from tests.support.worlds import Row, world

TOY = '''
"""A system that reserves the prediction and a margin."""

from dataclasses import dataclass, field

from s3sim.core.kv_cache import ContiguousKV
from s3sim.core.replica import Scheduler
from s3sim.policies.admission import FirstCome
from s3sim.policies.batching import IterationLevel
from s3sim.policies.supervisor import Doubling


@dataclass(frozen=True, slots=True)
class WithMargin:
    """Prompt, prediction and a margin, at most the maximum."""

    margin: int

    def tokens(self, sequence):
        wanted = sequence.request.prompt_tokens + sequence.predicted + self.margin
        return max(min(wanted, sequence.max_tokens), sequence.min_reservation_tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class Careful:
    """The prediction and a margin reserved, first come first served."""

    max_num_seqs: int | None = None
    margin: int = field(default=8, metadata={"description": "Slots above the prediction.", "ge": 0})

    def kv(self, capacity):
        return ContiguousKV(capacity)

    def scheduler(self, *, name, capacity, max_length):
        return Scheduler(
            name=name,
            reservation=WithMargin(self.margin),
            admission=FirstCome(),
            batching=IterationLevel(),
            supervisor=Doubling(doubled="reservation", swap=True),
            max_num_seqs=self.max_num_seqs,
        )
'''


@pytest.fixture
def careful(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The toy system, registered by its one line for the time of a test."""
    (tmp_path / "toy_system.py").write_text(TOY, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    toy = importlib.import_module("toy_system")
    monkeypatch.setitem(SYSTEMS, "careful", System(toy.Careful, "predictor", "the prediction and a margin"))
    monkeypatch.delitem(sys.modules, "toy_system")
    return "careful"


def test_a_world_runs_with_it(careful: str) -> None:
    """Four requests, one of them longer than foreseen: all finish, each with its true length."""
    rows = [Row(prompt=5, output=output, max_new=60, predicted=10) for output in (3, 9, 40, 12)]
    log = world(careful, rows, capacity=120).run()
    events = event_frame(log)
    finished = events[events["event"] == Event.FINISHED]
    assert dict(zip(finished["id"], finished["tokens"], strict=True)) == {1: 3, 4: 9, 7: 40, 10: 12}
    assert (events["event"] == Event.PREEMPTED).any()


def test_an_experiment_names_it_and_its_choices(careful: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The YAML knows it by name, sweeps its choice, and reserves what it says."""
    monkeypatch.setattr("s3sim.api.running.draw", lambda path: [])
    values = tiny(
        systems=[{"name": careful, "label": "mine"}],
        scenarios={"main": {"sweep": {"systems.mine.margin": [0, 16]}}},
        predictor={"kind": "constant", "tokens": 20},
        seeds=[0],
    )
    results = s3sim.run(values, out=tmp_path / "out")
    assert list(results.summary["completed"]) == [20, 20]
    for margin, point in zip((0, 16), results.summary["point"], strict=True):
        requests = results.requests(point)
        assert (requests["reserved_tokens"] == requests["prompt_tokens"] + 20 + margin).all()


def test_it_leaves_when_it_is_no_longer_registered() -> None:
    """The registry of the package is as it was."""
    assert "careful" not in SYSTEMS
