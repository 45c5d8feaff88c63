"""What is offered, whether a queue grows, and Little's law in the measured window."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

import s3sim
from s3sim.api import Result
from s3sim.core.events import EVENT_COLUMNS, Event, Preemption, Reason
from s3sim.experiment.build import build_load
from s3sim.experiment.schema import load_experiment
from s3sim.report.offered import offered_rate, saturated
from s3sim.report.window import Window
from s3sim.workload.stats import trace_stats
from tests.experiment.tiny import tiny

SECOND = 10**12  # ps
SYSTEMS = ("orca", "s3", "vllm", "sarathi", "tgi", "fastertransformer")
REQUESTS = 1500


@cache
def served(system: str, load: float | None) -> Result:
    """One system, offline or at a load: a share of what it finishes per second offline."""
    arrivals: dict[str, Any] = {"kind": "offline"}
    if load is not None:
        rate = served(system, None).summary["request_throughput"] * load
        arrivals = {"kind": "poisson", "rate": rate}
    lengths = {"prompt": {"kind": "uniform", "low": 4, "high": 16}, "output": {"kind": "geometric", "mean": 12.0}}
    workload = {"kind": "lengths", **lengths, "requests": REQUESTS, "over_length": "truncate"}
    values = tiny(
        workload=workload,
        memory={"kv_capacity_tokens": 1024},
        latency={"kind": "constant", "step_seconds": 0.02},
        systems=[system],
        scenarios={"main": {"arrivals": arrivals}},
        seeds=[0],
    )
    (point,) = load_experiment(values).points
    return s3sim.simulate(point)


@pytest.mark.parametrize("system", SYSTEMS)
def test_saturation_is_flagged_above_capacity_and_not_at_half_of_it(system: str) -> None:
    """Offline nothing is offered at a rate; at half of what it can do a system keeps up, above that it does not."""
    assert served(system, None).summary["saturated"] is None
    assert served(system, None).summary["offered_rate"] is None
    assert [served(system, load).summary["saturated"] for load in (0.3, 0.5, 1.3, 2.0)] == [0, 0, 1, 1]


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_offered_rate_is_the_rate_that_was_asked_for(system: str) -> None:
    """Within the noise of its arrivals, at any load; below capacity throughput is the same, above it is not."""
    asked = served(system, None).summary["request_throughput"]
    for load in (0.5, 2.0):
        found = served(system, load).summary
        assert found["offered_rate"] == pytest.approx(load * asked, rel=0.1 if load < 1 else 0.15)
        share = found["request_throughput"] / found["offered_rate"]
        assert share == pytest.approx(1, abs=0.06) if load < 1 else share < 0.7


@pytest.mark.parametrize("load", [0.5, 0.8])
@pytest.mark.parametrize("system", SYSTEMS)
def test_littles_law_holds_in_the_window(system: str, load: float) -> None:
    """Mean number in the system = arrival rate × mean time in it, of the window by default."""
    run = served(system, load)
    begin, end = run.summary["window_start_s"], run.summary["window_end_s"]
    stay = run.requests["finished_s"].clip(begin, end) - run.requests["arrival_s"].clip(begin, end)
    number = stay.sum() / (end - begin)
    assert run.about["measure"] == {"warm_up": {"share": 0.1}, "cool_down": {"share": 0.1}}
    assert (begin, end) != (0, run.summary["duration_s"])
    assert number == pytest.approx(run.summary["offered_rate"] * run.summary["mean_e2el_ms"] / 1e3, rel=0.05)


def log(*rows: tuple[float, Event, int, int]) -> pd.DataFrame:
    """Events (seconds, kind, id, detail)."""
    cells = [(round(time * SECOND), int(kind), ident, 1, detail, 0) for time, kind, ident, detail in rows]
    return pd.DataFrame(cells, columns=list(EVENT_COLUMNS))


def queue(lengths: list[int]) -> pd.DataFrame:
    """A queue of these lengths in the quarters of 40 s, and an arrival at either end that is admitted at once."""
    rows: list[tuple[float, Event, int, int]] = [(0, Event.ARRIVED, 0, 9), (0, Event.ADMITTED, 0, 0)]
    waiting: list[int] = []
    for quarter, length in enumerate(lengths):
        while len(waiting) < length:
            waiting.append(len(rows))
            rows.append((10 * quarter, Event.ARRIVED, waiting[-1], 9))
        while len(waiting) > length:
            rows.append((10 * quarter, Event.ADMITTED, waiting.pop(), 0))
    return log(*rows, (40, Event.ARRIVED, 10_000, 9), (40, Event.ADMITTED, 10_000, 0))


@pytest.mark.parametrize(
    ("lengths", "grows"),
    [
        ([10, 20, 30, 40], True),
        ([0, 0, 5, 50], True),
        ([10, 20, 30, 29], False),  # it had its peak
        ([30, 20, 30, 40], False),  # it shrank once
        ([1, 2, 3, 4], False),  # too short to say
        ([10, 20, 25, 29], False),  # it levels off
        ([20, 20, 20, 20], False),
        ([0, 0, 40, 40], False),  # a step, not a growth
    ],
)
def test_a_queue_that_grows_throughout_is_saturation(lengths: list[int], *, grows: bool) -> None:
    """By its time-weighted means in the quarters of the arrivals."""
    assert saturated(queue(lengths)) is grows


def test_the_queue_holds_the_preempted_and_not_the_rejected() -> None:
    """Whoever is preempted waits again; who is rejected on arrival does not wait; a failed batch did not wait."""
    ends = ((0, Event.ARRIVED, 0, 9), (0, Event.ADMITTED, 0, 0), (40, Event.ARRIVED, 1, 9))
    grown = [(10.0 * quarter, ident) for quarter in range(4) for ident in range(100 * quarter + 2, 100 * quarter + 12)]
    come = [(time, Event.ARRIVED, ident, 9) for time, ident in grown]
    let = [(time, Event.ADMITTED, ident, 0) for time, ident in grown]
    back = [(time, Event.PREEMPTED, ident, Preemption.SWAP) for time, ident in grown]

    def grows(*parts: Sequence[tuple[float, Event, int, int]]) -> bool | None:
        rows = [row for part in parts for row in part]
        return saturated(log(*sorted([*ends, *rows], key=lambda row: row[0])))

    assert grows(come)
    assert not grows(come, let)
    assert grows(come, let, back)
    assert not grows(come, [(time, Event.REJECTED, ident, Reason.OVER_LENGTH) for time, ident in grown])
    assert not grows(come, let, [(time, Event.REJECTED, ident, Reason.OUT_OF_MEMORY) for time, ident in grown])
    assert grows(come, let, back, [(time, Event.REJECTED, ident, Reason.OUT_OF_MEMORY) for time, ident in grown])


def test_a_rate_is_offered_until_the_last_arrival() -> None:
    """Arrivals over the span in which they came, not over the drain; none where all came at once."""
    requests = pd.DataFrame({"arrival_s": np.arange(11) / 10})
    for window in (Window(0, 50 * SECOND, whole=True), Window(0, SECOND), Window(SECOND // 2, SECOND)):
        assert offered_rate(requests, window) == pytest.approx(10)
    assert offered_rate(requests.assign(arrival_s=0.0), Window(0, SECOND, whole=True)) is None
    assert offered_rate(requests, Window(5 * SECOND, 6 * SECOND)) is None
    assert offered_rate(requests, Window(0, SECOND // 20)) is None


@pytest.mark.parametrize("burstiness", [0.2, 1.0])
def test_a_run_and_its_trace_tell_one_rate(burstiness: float) -> None:
    """`s3sim trace stats` of a trace, and the offered rate of a run that measures all of it."""
    arrivals = {"kind": "gamma", "rate": 3.0, "burstiness": burstiness}
    values = tiny(systems=["orca"], seeds=[0], measure={"warm_up": "none", "cool_down": "none"})
    (point,) = load_experiment(values | {"scenarios": {"main": {"arrivals": arrivals}}}).points
    told = trace_stats(build_load(point).trace)
    assert s3sim.simulate(point).summary["offered_rate"] == pytest.approx(told.rate, rel=1e-9)
