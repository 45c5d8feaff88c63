"""A batch that is held below the size at which a decode step would exceed a limit."""

from dataclasses import fields
from typing import Any

import pytest

import s3sim
from s3sim.api import Result
from s3sim.core.errors import InputError
from s3sim.experiment.schema import load_experiment
from s3sim.policies.registry import SYSTEMS
from tests.experiment.tiny import tiny

HELD = tuple(
    name for name, kind in SYSTEMS.items() if "tpot_limit_ms" in {entry.name for entry in fields(kind.choices)}
)
STEP, ROW = 0.010, 0.001  # seconds a step, and for each sequence in it


def served(system: str, limit: Any) -> Result:
    """One system offline, whose decode step takes 10 ms and 1 ms a sequence, under a limit."""
    values = tiny(
        latency={"kind": "constant", "step_seconds": STEP, "seconds_per_sequence": ROW},
        memory={"kv_capacity_tokens": 4096},
        workload={**tiny()["workload"], "requests": 60},
        systems=[{"name": system, "tpot_limit_ms": limit}],
        scenarios={"main": {}},
        seeds=[0],
    )
    (point,) = load_experiment(values).points
    return s3sim.simulate(point)


@pytest.mark.parametrize("system", HELD)
def test_no_more_run_than_the_limit_lets(system: str) -> None:
    """18 ms is eight sequences: as many run and no more, where without a limit more do; everybody is served."""
    held, free = served(system, 18.0), served(system, None)
    running = [int((run.steps["decode_sequences"] + run.steps["prefill_sequences"]).max()) for run in (held, free)]
    assert running[0] == 8 < running[1]
    assert held.summary["completed"] == free.summary["completed"] == 60
    decode = held.steps[held.steps["prefill_sequences"] == 0]
    assert decode["first_ps"].max() == 18 * 10**9


@pytest.mark.parametrize("system", HELD)
def test_one_is_always_let_in(system: str) -> None:
    """A limit that no step keeps does not stop the server: sequences run one by one."""
    held = served(system, 0.5)
    assert (held.steps["decode_sequences"] + held.steps["prefill_sequences"]).max() == 1
    assert held.summary["completed"] == 60


@pytest.mark.parametrize("system", HELD)
def test_reading_speed_is_the_paper_s(system: str) -> None:
    """The name stands for 187.5 ms per token."""
    (named, given), logs = ("reading_speed", 187.5), []
    for limit in (named, given):
        held = served(system, limit)
        logs.append((held.events.to_numpy().tolist(), held.steps.to_numpy().tolist()))
    assert logs[0] == logs[1]


def test_reading_speed_holds_a_batch_where_steps_are_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """At 10 ms a sequence, 187.5 ms are seventeen sequences."""
    monkeypatch.setitem(globals(), "ROW", 0.010)
    assert served("s3", "reading_speed").steps["decode_sequences"].max() == 17


@pytest.mark.parametrize("limit", [0.0, -1.0, "fast", True])
def test_other_limits_are_refused(limit: object) -> None:
    """Not above 0, an unknown name, a truth: each with its place."""
    with pytest.raises(InputError, match=r"systems\.s3\.tpot_limit_ms"):
        served("s3", limit)
