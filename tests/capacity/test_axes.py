"""What a search varies, and that it varies nothing else."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from s3sim.capacity.axes import AXES
from s3sim.core.errors import InputError
from s3sim.experiment.build import build_load
from s3sim.experiment.resolved import Point
from s3sim.experiment.schema import load_experiment
from s3sim.report.tables import event_frame, requests_table
from s3sim.sim.simulate import simulate_point
from s3sim.workload.reshape import mean_rate
from tests.capacity.questions import fixed, starved
from tests.experiment.tiny import traced

CHANGED = {"rate": "arrivals", "batch": "choices", "gpus": "arrivals"}
PROCESSES = [
    {"kind": "poisson", "rate": 5.0},
    {"kind": "gamma", "rate": 5.0, "burstiness": 0.5},
    {"kind": "constant", "rate": 5.0},
    {"kind": "diurnal", "rate": 5.0, "amplitude": 0.5, "period_s": 60.0},
    {"kind": "markov_modulated", "rates": [2.0, 17.0], "sojourns_s": [8.0, 2.0]},
]


def point(**values: Any) -> Point:
    """The first point of an experiment."""
    return load_experiment(starved(**values)).points[0]


@pytest.mark.parametrize("find", AXES)
def test_a_level_changes_one_thing(find: str) -> None:
    """Besides the swept value that names it, only the part that it is about."""
    before = point()
    after = AXES[find].at(before, 7)
    assert after.sweep == {AXES[find].key: 7}
    assert getattr(after, CHANGED[find]) != getattr(before, CHANGED[find])
    assert replace(after, sweep=before.sweep, **{CHANGED[find]: getattr(before, CHANGED[find])}) == before


@pytest.mark.parametrize("arrivals", PROCESSES, ids=lambda fields: fields["kind"])
def test_a_rate_is_that_of_the_arrivals_that_are_drawn(arrivals: dict[str, Any]) -> None:
    """Of any process; the lengths are the same at every rate and for every system: common random numbers."""
    axis, one = AXES["rate"], point(arrivals=arrivals)
    slow, fast = (replace(axis.at(one, rate), workload=one.workload | {"requests": 20_000}) for rate in (4.0, 16.0))
    traces = [build_load(each).trace for each in (slow, fast)]
    assert [mean_rate(trace) for trace in traces] == pytest.approx([4.0, 16.0], rel=0.1)
    assert (traces[0].output_tokens == traces[1].output_tokens).all()
    assert (traces[0].prompt_tokens == traces[1].prompt_tokens).all()
    assert axis.own(slow) == pytest.approx(4.0)


@pytest.mark.parametrize("arrivals", PROCESSES[:3], ids=lambda fields: fields["kind"])
def test_another_rate_only_stretches_the_arrivals(arrivals: dict[str, Any]) -> None:
    """Of processes that do not change with time: four times the rate, a quarter of each time, to rounding."""
    one = point(arrivals=arrivals)
    slow, fast = (build_load(AXES["rate"].at(one, rate)).trace.arrival for rate in (4.0, 16.0))
    assert np.abs(slow - 4 * fast).max() <= 8


def test_a_recorded_trace_is_given_a_rate_by_its_scale(tmp_path: Path) -> None:
    """Ten rows a tenth of a second apart are 10 requests/s, at whatever scale the experiment has."""
    values = traced(tmp_path) | {"scenarios": {"main": {}}, "arrivals": {"kind": "trace", "scale": 3.0}}
    one = load_experiment(values).points[0]
    assert AXES["rate"].own(one) == pytest.approx(10 / 3)
    assert mean_rate(build_load(AXES["rate"].at(one, 40.0)).trace) == pytest.approx(40.0)


def test_a_recorded_trace_is_dealt_among_replicas_at_its_own_times(tmp_path: Path) -> None:
    """A quarter of the rows goes to one of four, half to one of two, these among them; a burst stays as short as it is.

    Drawn apart, the burst of 1000 requests within a second would last four, and a replica's worst second hold as much
    as that of two.
    """
    burst = "".join(f"{5 + row % 7},5,{100 + row / 1000}\n" for row in range(1000))
    rows = "prompt_tokens,output_tokens,arrival_s\n5,5,0\n" + burst + "5,5,400\n"
    values = traced(tmp_path, rows) | {"scenarios": {"main": {}}, "arrivals": {"kind": "trace", "scale": 3.0}}
    one = load_experiment(values).points[0]
    alone, half, quarter = (build_load(AXES["gpus"].at(one, replicas)).trace for replicas in (1, 2, 4))
    assert alone == build_load(one).trace
    assert set(quarter.id) < set(half.id) < set(alone.id)
    assert [len(half), len(quarter)] == pytest.approx([501, 250], abs=50)
    times = dict(zip(alone.id.tolist(), alone.arrival.tolist(), strict=True))
    assert [times[row] for row in quarter.id.tolist()] == quarter.arrival.tolist()
    inside = quarter.arrival[(quarter.arrival > 10**12) & (quarter.arrival < 1000 * 10**12)]
    assert np.ptp(inside) < 3 * 10**12 * 1.01, "at the experiment's own scale"
    other = build_load(replace(AXES["gpus"].at(one, 4), seed=1)).trace
    assert set(other.id) != set(quarter.id)
    with pytest.raises(InputError, match=r"none of 1002 requests goes to one of 1000000 replicas"):
        build_load(AXES["gpus"].at(one, 1_000_000))


def test_how_many_replicas_a_burst_needs_is_told_by_dealing_not_by_stretching(tmp_path: Path) -> None:
    """A burst of 400 within a tenth of a second: each of N has 400/N at once, and waits for those."""
    rows = "prompt_tokens,output_tokens,arrival_s\n" + "".join(
        f"5,20,{600 * (row >= 400) + row / 4000}\n" for row in range(800)
    )
    values = traced(tmp_path, rows) | {"scenarios": {"main": {}}, "arrivals": {"kind": "trace"}, "max_num_seqs": 1}
    one = load_experiment(values | {"measure": {"warm_up": "none", "cool_down": "none"}}).points[0]
    waits = {}
    for name, each in {
        "dealt": AXES["gpus"].at(one, 8),
        "stretched": AXES["rate"].at(one, AXES["rate"].own(one) / 8),
    }.items():
        run = simulate_point(each)
        waits[name] = requests_table(event_frame(run.log))["ttft_ms"].max()
    assert waits["stretched"] > 4 * waits["dealt"]


def test_replicas_share_the_rate() -> None:
    """Of five, each serves a fifth of the load, and as many requests as one alone."""
    one = point()
    share = AXES["gpus"].at(one, 5)
    assert share.arrivals == {"kind": "poisson", "rate": 4.0}
    assert share.workload == one.workload


def test_the_limit_of_a_batch_is_the_system_s_own() -> None:
    """max_num_seqs of most, batch_size of static batches."""
    assert AXES["batch"].at(point(), 7).choices["max_num_seqs"] == 7
    assert AXES["batch"].at(point(systems=["huggingface"]), 7).choices["batch_size"] == 7


@pytest.mark.parametrize(
    ("arrivals", "wrong"),
    [({"kind": "offline"}, "is offline: everything is there"), ({"kind": "closed_loop", "users": 3}, "a closed loop")],
    ids=["offline", "closed loop"],
)
@pytest.mark.parametrize("find", ["rate", "gpus"])
def test_what_has_no_rate_is_refused(find: str, arrivals: dict[str, Any], wrong: str) -> None:
    """The message says why, and what would be right; a batch can be searched all the same."""
    one = load_experiment(fixed() | {"arrivals": arrivals}).points[0]
    with pytest.raises(InputError, match=rf"{wrong}.*such as \{{kind: poisson, rate: 4\}}"):
        AXES[find].check(one)
    AXES["batch"].check(one)


def test_rows_that_arrive_at_once_have_no_rate(tmp_path: Path) -> None:
    """A trace without times cannot be scaled to a rate."""
    rows = "prompt_tokens,output_tokens,arrival_s\n" + "5,5,0\n" * 5
    values = traced(tmp_path, rows) | {"scenarios": {"main": {}}, "arrivals": {"kind": "trace"}}
    with pytest.raises(InputError, match="arrive at once, so there is no rate"):
        AXES["rate"].own(load_experiment(values).points[0])
