"""Closed loops on a device: users who wait for an answer ask when the simulator's would; and who leaves a batch."""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from gpu_validate.clock import Foretold
from gpu_validate.executor import TorchExecutor
from gpu_validate.point import load_of, world_of
from gpu_validate.world import Settings, replay_world
from s3sim.core.batch import Batch
from s3sim.core.events import Event, canonical
from s3sim.core.request import State
from s3sim.experiment.build import build_hardware
from s3sim.experiment.schema import load_experiment
from s3sim.sim.simulate import simulate_point
from tests.gpu.cases import case_of
from tests.gpu.models import SEED, model_of

EXPERIMENT = {
    "version": 1,
    "name": "users",
    "model": "gpt-j-6b",
    "device": "a100-80gb",
    "max_length": 48,
    "memory": {"kv_capacity_tokens": 120},
    "latency": {"kind": "constant", "step_seconds": 0.01, "prefill_seconds_per_token": 0.001},
    "arrivals": {"kind": "closed_loop", "users": 3, "think_time_s": 0.02},
    "workload": {
        "kind": "lengths",
        "requests": 12,
        "prompt": {"kind": "uniform", "low": 2, "high": 9},
        "output": {"kind": "uniform", "low": 2, "high": 12},
    },
    "systems": ["orca", "vllm"],
}


def test_users_of_a_replay_ask_when_the_simulators_do(tmp_path: Path) -> None:
    """Under the simulator's durations the log of a closed loop is the simulator's, to the picosecond."""
    path = tmp_path / "users.yaml"
    path.write_text(json.dumps(EXPERIMENT), encoding="utf-8")
    for point in load_experiment(path).points:
        latency = build_hardware(point).latency
        clock = Foretold(model=latency, to_host_ps_per_token=0, to_device_ps_per_token=0)
        replayed = replay_world(world_of(point, load_of(point)), model_of("gptj"), Settings(clock=clock, seed=SEED))
        arrivals = {row[0] for row in replayed.log.event_rows() if row[1] == Event.ARRIVED}
        assert len(arrivals) > 3, "else nobody waited for an answer"
        assert canonical(replayed.log) == canonical(simulate_point(point).log)


def test_a_batch_may_say_that_somebody_left_who_is_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    """Preempted while it decoded, then finished by its second prefill before anybody decoded: no error, no row left."""
    own, finished = TorchExecutor.start, list[bool]()

    def watched(self: TorchExecutor, batch: Batch) -> Any:
        finished.extend(sequence.state is State.FINISHED for sequence in batch.left)
        step = own(self, batch)
        if batch.decode_sequences:
            assert not any(sequence in self._decoding for sequence in set(batch.left) - set(batch.joined))
        return step

    monkeypatch.setattr(TorchExecutor, "start", watched)
    for start in (20, 63, 98):  # cases in which it happens
        case = case_of("s3", Random(start), 8)
        replay_world(case.world, model_of("gptj"), Settings(clock=case.clock, seed=SEED))
    assert any(finished)
    assert not all(finished)
