"""Bursts: what their saturated part serves, token by token, and which are too short."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from s3sim import Experiment, simulate
from s3sim.core.errors import InputError
from s3sim.core.events import Event
from s3sim.report.burst import is_burst, saturated_window, served_in, too_short
from s3sim.report.measure import Measure
from s3sim.report.summary import summarize
from s3sim.report.tables import event_frame, requests_table, step_frame
from s3sim.report.window import Window
from tests.report.brute import brute_times
from tests.report.worlds import NAMES, facts_of, run_of

SATURATED = Measure(burst="saturated")


def tables(name: str) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Events, steps and requests of one world's burst."""
    log = run_of(name).log
    events = event_frame(log)
    return events, step_frame(log), requests_table(events, delivery=facts_of(name).delivery)


def first_admissions(events: pd.DataFrame) -> "pd.Series[int]":
    """When each request was admitted for the first time, in ps."""
    return events[events["event"] == Event.ADMITTED].groupby("id")["time_ps"].min()


@pytest.mark.parametrize("name", NAMES)
def test_tokens_of_a_saturated_part_are_those_that_came_by_its_end(name: str) -> None:
    """Counted one by one, at the part's end and at boundaries of stretches before and after it."""
    events, steps, requests = tables(name)
    delivery = facts_of(name).delivery
    finished = set(requests.loc[requests["status"] == "finished", "id"])
    times = brute_times(run_of(name).log, delivery=delivery)
    came = np.sort([time for ident in finished for time in times[ident]])
    end = int(first_admissions(events).max())
    lane = steps[steps["lane"] == 0]
    for time in (end, *lane["start_ps"].iloc[[3, len(lane) // 2, -1]], 1 << 61):
        window = Window(0, int(time), saturated=True)
        served = served_in(window, events, steps, requests, delivery=delivery)
        assert served.output_tokens == np.searchsorted(came, time, side="right")
        assert served.requests == pytest.approx(len(finished) * served.output_tokens / len(came))


@pytest.mark.parametrize("name", NAMES)
def test_a_saturated_part_ends_with_the_last_first_admission(name: str) -> None:
    """And every rate is of it: tokens, requests by their tokens; latencies are of all requests."""
    events, steps, requests = tables(name)
    whole, part = (
        summarize(events, steps, requests, replace(facts_of(name), measure=m)) for m in (Measure(), SATURATED)
    )
    last = int(first_admissions(events).max())
    assert part["window_end_s"] == last / 1e12 < whole["window_end_s"]
    assert part["measured_requests"] == len(requests) == whole["measured_requests"]
    assert all(part[f"{kind}_e2el_ms"] == whole[f"{kind}_e2el_ms"] for kind in ("mean", "p99"))
    assert part["request_goodput"] is None is not whole["request_goodput"]
    ratio = whole["output_throughput"] / whole["request_throughput"]
    assert part["output_throughput"] / part["request_throughput"] == pytest.approx(ratio)
    assert part["burst_batches"] == pytest.approx(part["completed"] / part["mean_batch_size"])


def test_where_all_are_admitted_at_once_the_whole_is_measured_and_too_short() -> None:
    """There is no saturated part: nobody waits."""
    events, *_ = tables("orca")
    first = events[(events["event"] != Event.ADMITTED) | (events["time_ps"] == 0)]
    assert saturated_window(first, end_ps=10**15) is None
    calm = simulate(_burst(requests=8, burst="saturated")).summary
    assert (calm["window_end_s"], calm["too_short"]) == (calm["duration_s"], 1)


def test_only_a_burst_can_be_too_short() -> None:
    """Requests that come over time have no number of batches; of a burst the limit is that of what was measured."""
    whole, part = Window(0, 5, whole=True), Window(0, 5, saturated=True)
    assert [too_short(batches, whole) for batches in (29.9, 30.0, None)] == [1, 0, None]
    assert [too_short(batches, part) for batches in (19.9, 20.0, None)] == [1, 0, None]
    online = simulate(_burst(requests=40).with_(arrivals={"kind": "poisson", "rate": 5})).summary
    assert online["burst_batches"] is None is online["too_short"]
    assert is_burst(pd.DataFrame({"arrival_s": [1.0, 1.0]}))
    assert not is_burst(pd.DataFrame({"arrival_s": [1.0, 2.0]}))
    assert not is_burst(pd.DataFrame({"arrival_s": []}))


def test_a_saturated_part_of_a_short_burst_tells_what_a_long_one_does() -> None:
    """22 batches: within 2% of a hundred by the part, far below by the whole."""
    long = simulate(_burst(requests=3000, burst="saturated")).summary["output_throughput"]
    part, whole = (simulate(_burst(requests=660, burst=burst)).summary for burst in ("saturated", "whole"))
    assert part["output_throughput"] == pytest.approx(long, rel=0.02)
    assert whole["output_throughput"] < 0.95 * long
    assert (part["too_short"], whole["too_short"]) == (0, 1)


def test_measure_says_which_part_of_a_burst_counts() -> None:
    """It is kept where there may be a burst, and refused where it is none of the two."""
    both = _burst(requests=8, burst="saturated")
    assert both.points[0].measure["burst"] == "saturated"
    assert "burst" not in both.with_(arrivals={"kind": "poisson", "rate": 5}).points[0].measure
    assert "burst" not in _burst(requests=8, burst="whole").points[0].measure
    with pytest.raises(InputError, match=r"measure\.burst"):
        _ = _burst(requests=8, burst="most").points
    with pytest.raises(InputError, match=r"burst: 'most' is not usable; give one of whole, saturated"):
        Measure.from_json({"burst": "most"})
    assert Measure.from_json(SATURATED.to_json()) == SATURATED


def _burst(*, requests: int, burst: str = "whole") -> Experiment:
    return Experiment(
        model="gpt-j-6b",
        device="a100-80gb",
        workload={"kind": "preset", "name": "alpaca", "requests": requests},
        max_num_seqs=30,
        systems=["orca"],
        measure={"burst": burst},
    )
