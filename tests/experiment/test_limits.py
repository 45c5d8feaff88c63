"""What cannot be kept or counted is refused with the numbers, and what only just can is not."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from s3sim.api import run, simulate
from s3sim.core.errors import InputError
from s3sim.core.events import Event, EventLog, Preemption
from s3sim.experiment.resolved import Point
from s3sim.experiment.schema import load_experiment
from s3sim.sim.inbox import ready_times
from s3sim.sim.simulate import check_points
from tests.experiment.tiny import tiny

LAST = 2**63 - 1  # ps, the largest 64-bit time
STEP = 0.01  # s
SHORTEST = {"prompt": {"kind": "constant", "value": 8}, "output": {"kind": "uniform", "low": 3, "high": 9}}


def points(system: str | dict[str, Any], slo: dict[str, float], **fields: Any) -> tuple[Point, ...]:
    """Points of one static system, whose steps all take 10 ms and whose shortest answer has 3 tokens."""
    values = {"arrivals": {"kind": "poisson", "rate": 1.0}, "latency": {"kind": "constant", "step_seconds": STEP}}
    load = {"kind": "lengths", "requests": 50, **SHORTEST}
    whole = tiny(
        **values | {"workload": load, "systems": [system], "slo": slo, "seeds": [0], "scenarios": {"main": {}}}
    )
    return load_experiment(whole | fields).points


@pytest.mark.parametrize("system", ["fastertransformer", "huggingface", {"name": "huggingface", "cache": "static"}])
@pytest.mark.parametrize("metric", ["ttft_ms", "e2el_ms"])
def test_a_limit_below_the_shortest_batch_is_refused(system: str | dict[str, Any], metric: str) -> None:
    """Three tokens are three steps of 10 ms, in a batch of one: a limit of 30 ms may be kept, one of 29.9 cannot."""
    check_points(points(system, {metric: 30.0}))
    with pytest.raises(InputError, match=re.escape(f"slo.{metric}: 29.9 ms cannot be kept")) as refused:
        check_points(points(system, {metric: 29.9}))
    assert "with 8 prompt and 3 output tokens" in str(refused.value)
    assert "takes 30 ms" in str(refused.value)


@pytest.mark.parametrize(
    ("system", "slo", "fields"),
    [
        ({"name": "fastertransformer", "delivery": "token"}, {"ttft_ms": 15.0}, {}),
        ("fastertransformer", {"ttft_ms": 15.0}, {"arrivals": {"kind": "offline"}}),
        ("fastertransformer", {"tpot_ms": 0.1, "normalized_latency_ms": 5.0}, {}),
        ("orca", {"ttft_ms": 1.0}, {}),
    ],
    ids=["token by token", "offline", "other limits", "no batch to wait for"],
)
def test_other_limits_are_left_to_the_run(system: Any, slo: dict[str, float], fields: dict[str, Any]) -> None:
    """Only TTFT and E2EL, online, of a system that delivers at a batch's end are decided before the run."""
    check_points(points(system, slo, **fields))


def test_each_system_is_held_to_its_own_limits() -> None:
    """Points that share hardware and workload are still checked system by system."""
    good, bad = points("orca", {"ttft_ms": 5.0}), points("huggingface", {"ttft_ms": 5.0})
    with pytest.raises(InputError, match="huggingface"):
        check_points([*good, *bad])


def test_without_host_memory_every_overrun_is_computed_again() -> None:
    """host_bytes: 0 is a machine without swap space: S³ recomputes, and nothing is moved."""
    values = tiny(
        systems=["s3"],
        memory={"kv_capacity_tokens": 512, "host_bytes": 0},
        predictor={"kind": "constant", "tokens": 2},
        scenarios={"main": {}},
        seeds=[0],
    )
    result = simulate(load_experiment(values).points[0])
    how = result.events.loc[result.events["event"] == Event.PREEMPTED, "detail"]
    assert len(how), "somebody overruns"
    assert set(how) == {Preemption.HOST_FULL}
    assert len(result.requests) == 20


def test_a_run_that_outlives_its_clock_is_refused_and_leaves_no_half_point(tmp_path: Path) -> None:
    """Steps of a day each pass 106 days: one message with the remedy, and no point that is not whole."""
    latency = {"kind": "constant", "step_seconds": 86_400.0}
    values = tiny(latency=latency, systems=["orca"], max_num_seqs=1, scenarios={"main": {}}, seeds=[0])
    with pytest.raises(
        InputError, match=r"longer than 106 days of simulated time.*at 110 days; give it fewer requests"
    ):
        run(values, out=tmp_path / "out")
    assert not list((tmp_path / "out").glob("points/*"))


def test_the_log_holds_the_last_picosecond_and_refuses_the_next() -> None:
    """64 bits are used to the last, in both tables."""
    log = EventLog()
    log.event(LAST, Event.FINISHED, 1, 2, 3)
    log.step((LAST - 1, 1, *[0] * 17))
    with pytest.raises(InputError, match=r"at 106\.8 days"):
        log.event(LAST + 1, Event.FINISHED, 1, 2, 3)
    with pytest.raises(InputError, match=r"at 106\.8 days"):
        log.step((LAST + 1, 1, *[0] * 17))


@pytest.mark.parametrize("concurrency", [None, 1])
def test_a_prediction_beyond_the_end_of_time_is_refused(concurrency: int | None) -> None:
    """A prediction that is ready after 64 bits end is refused; it used to come before its request."""
    arrival = np.array([0, LAST - 5], dtype=np.int64)
    assert ready_times(arrival, seconds_ps=5, concurrency=concurrency)[-1] == LAST
    with pytest.raises(InputError, match=r"ready after 106\.8 days, and times end after 106 days"):
        ready_times(arrival, seconds_ps=6, concurrency=concurrency)
