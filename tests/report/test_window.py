"""The measured window: what is left out, and that what is left is measured as the whole would be."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from s3sim.core.errors import InputError
from s3sim.report.costs import costs, memory, utilisation
from s3sim.report.facts import RunFacts
from s3sim.report.gaps import token_gaps
from s3sim.report.levels import durations
from s3sim.report.measure import WHOLE, Cut, Measure
from s3sim.report.occupancy import last_finish
from s3sim.report.percentiles import weighted_percentile
from s3sim.report.summary import METRICS, Metric, summarize
from s3sim.report.tables import requests_table
from s3sim.report.window import Window, demand_window, measured_window, mser_cut
from tests.report.worlds import NAMES, WORLDS, facts_of, frames

RATE = 12.0
MSER = Measure(warm_up=Cut("mser"), cool_down=Cut("mser"))
TENTHS = Measure(warm_up=Cut("share", 0.1), cool_down=Cut("share", 0.1))
MILLISECOND = 10**9  # ps


def run_frames(name: str) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, RunFacts]:
    """Events, steps, requests and facts of one world, requests arriving at a rate."""
    events, steps = frames(name, rate=RATE)
    return events, steps, requests_table(events, delivery=facts_of(name).delivery), facts_of(name)


def measured(name: str, measure: Measure) -> dict[str, Metric]:
    """The summary of that run under a measure."""
    events, steps, requests, facts = run_frames(name)
    return summarize(events, steps, requests, replace(facts, measure=measure))


def served(arrival_s: list[float], e2el_ms: list[float]) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    """Requests that finished, steps of a millisecond throughout, and when the last one ended."""
    finished = [arrival + latency / 1e3 for arrival, latency in zip(arrival_s, e2el_ms, strict=True)]
    requests = pd.DataFrame({"status": "finished", "arrival_s": arrival_s, "e2el_ms": e2el_ms, "finished_s": finished})
    starts = np.arange(int(max(finished) * 1e3) + 1) * MILLISECOND
    steps = pd.DataFrame({"start_ps": starts, "first_ps": MILLISECOND, "increment_ps": 0, "steps": 1})
    return requests, steps, int(starts[-1]) + MILLISECOND


def test_mser_of_a_case_worked_by_hand() -> None:
    """9 1 2 1 2 1 2 1: S/n² is 51.88/64, 1.714/49, 1.5/36, 1.2/25, 1/16, so that one is left out."""
    values = np.array([9.0, 1, 2, 1, 2, 1, 2, 1])
    assert mser_cut(values, batch=1) == 1
    assert mser_cut(np.repeat(values, 5)) == 5
    assert mser_cut(np.repeat(values, 5)[:19]) == 0  # three batches are too few to say
    assert mser_cut(np.array([9.0, 9, 9, 9, 9, 9, 9, 1, 1, 1]), batch=1) == 0  # beyond half there is no steady state
    late = np.array([9.0, 9, 9, 1, 1, 1, 1, 1])
    assert (mser_cut(late, batch=1), mser_cut(late, batch=1, most=0.25)) == (3, 2)


@given(st.lists(st.integers(0, 50), min_size=4, max_size=60))
def test_mser_is_the_least_standard_error(numbers: list[int]) -> None:
    """No cut up to half gives a smaller variance over count, computed plainly."""
    values = np.array(numbers, np.float64)
    errors = [np.var(values[cut:]) / len(values[cut:]) for cut in range(len(values) // 2 + 1)]
    assert errors[mser_cut(values, batch=1)] <= min(errors) + 1e-9


def test_the_window_leaves_out_a_known_transient() -> None:
    """An empty system is quick until 2 s, and a draining one from 8.5 s on: MSER cuts both, and little else."""
    random = np.random.default_rng(3)
    arrival = np.arange(1000) / 100
    level = np.where((arrival < 2) | (arrival >= 8.5), 100, 500)
    requests, steps, end = served(arrival.tolist(), (level + random.normal(0, 50, 1000)).tolist())
    window = measured_window(MSER, requests, steps, end_ps=end)
    assert 2 <= window.begin / 1e12 < 3
    assert 8 < window.end / 1e12 <= 8.5
    assert not window.whole


def test_the_drain_after_the_last_arrival_is_left_out() -> None:
    """One straggler holds the run up tenfold: the window ends with the arrivals."""
    arrival = (np.arange(400) / 100).tolist()
    requests, steps, end = served(arrival, [50.0] * 399 + [40_000.0])
    cut = Measure(cool_down=Cut("seconds", 0))
    assert measured_window(cut, requests, steps, end_ps=end).end == 3990 * MILLISECOND
    assert measured_window(MSER, requests, steps, end_ps=end).end <= 3991 * MILLISECOND
    assert measured_window(TENTHS, requests, steps, end_ps=end).end == 3590 * MILLISECOND
    assert measured_window(WHOLE, requests, steps, end_ps=end) == Window(0, end, whole=True)


def test_fixed_cuts_are_the_next_ends_of_steps() -> None:
    """Seconds count from time 0 and before the last arrival; requests by arrival; no step is cut."""
    requests, steps, end = served([0.0005, 0.1005, 0.2005, 0.3005, 0.4005], [100.0] * 5)
    for cut in (Cut("seconds", 0.1002), Cut("requests", 1)):
        window = measured_window(Measure(warm_up=cut), requests, steps, end_ps=end)
        assert window == Window(101 * MILLISECOND, end)
    for cut in (Cut("seconds", 0.1998), Cut("requests", 2)):
        window = measured_window(Measure(cool_down=cut), requests, steps, end_ps=end)
        assert window == Window(0, 201 * MILLISECOND)


@given(share=st.integers(0, 49), count=st.integers(1, 120))
@example(share=29, count=100)  # 0.29 · 100 is 28.999999999999996
def test_a_share_is_so_many_of_the_requests(share: int, count: int) -> None:
    """What `share` percent of `count` requests leave out, as that many requests do, rounded down; at either end."""
    requests, steps, end = served((np.arange(count) / 100 + 0.0005).tolist(), [3.0] * count)
    cut, number = Cut("share", share / 100), Cut("requests", share * count // 100)
    for found, same in (
        (Measure(warm_up=cut), Measure(warm_up=number)),
        (Measure(warm_up=cut, cool_down=cut), Measure(warm_up=number, cool_down=number)),
    ):
        window = measured_window(found, requests, steps, end_ps=end)
        assert window.whole or window == measured_window(same, requests, steps, end_ps=end)
        assert not window.whole or count - 2 * int(number.amount) < 2  # which leaves no span between two arrivals
        demand_window(found, requests["arrival_s"].to_numpy())


@pytest.mark.parametrize("measure", [MSER, TENTHS])
@pytest.mark.parametrize("count", [1, 2, 3, 9])
def test_a_run_of_a_few_requests_is_measured_whole(count: int, measure: Measure) -> None:
    """Where nobody has finished when the last one comes, there is nothing to see before; unless it was asked for."""
    requests, steps, end = served((np.arange(count) / 100).tolist(), [500.0] * count)
    assert measured_window(measure, requests, steps, end_ps=end) == Window(0, end, whole=True)
    if count > 1:
        asked = Measure(warm_up=Cut("requests", 0), cool_down=Cut("requests", 0))
        assert not measured_window(asked, requests, steps, end_ps=end).whole


def test_cuts_that_leave_nothing_are_refused() -> None:
    """Also before the run, from the arrivals alone; MSER, which has no such amount, keeps the whole run."""
    requests, steps, end = served([0.0, 0.1, 0.2], [100.0] * 3)
    arrivals = requests["arrival_s"].to_numpy()
    for measure in (
        Measure(warm_up=Cut("seconds", 1.0)),
        Measure(warm_up=Cut("seconds", 1.0), cool_down=Cut("mser")),
        Measure(warm_up=Cut("requests", 3)),
        Measure(warm_up=Cut("requests", 2), cool_down=Cut("seconds", 0.15)),
    ):
        with pytest.raises(InputError, match=r"leave nothing of 3 arrivals in 0\.2 s"):
            demand_window(measure, arrivals)
        if measure.warm_up.kind == "requests" or measure.cool_down.kind == "mser":
            with pytest.raises(InputError, match="leave nothing"):
                measured_window(measure, requests, steps, end_ps=end)
    for measure in (WHOLE, MSER, TENTHS, Measure(warm_up=Cut("seconds", 0.1), cool_down=Cut("seconds", 0.1))):
        demand_window(measure, arrivals)
    assert measured_window(MSER, requests.iloc[:1], steps, end_ps=end).whole


@pytest.mark.parametrize("name", NAMES)
def test_a_window_that_leaves_nothing_out_measures_the_whole_run(name: str) -> None:
    """From 0 to the last token, cut out as any other window is, every metric is that of the whole run."""
    if WORLDS[name].choices.get("on_oom") == "fail":
        pytest.skip("it loses requests after the last token, which no window from 0 to there holds")
    whole, cut = measured(name, WHOLE), measured(name, Measure(warm_up=Cut("seconds", 0)))
    assert (cut["window_start_s"], cut["window_end_s"]) == (0, whole["duration_s"])
    late = {"measured_requests", "slo_attainment", "offered_rate"}  # a request may come with the last token, and later
    for metric in METRICS:
        if metric not in late:
            same = whole[metric] if whole[metric] is None else pytest.approx(whole[metric], rel=1e-12)
            assert cut[metric] == same, metric


@pytest.mark.parametrize("name", NAMES)
def test_windows_that_follow_each_other_add_up(name: str) -> None:
    """Counts, integrals and work of two windows are those of both as one, to the last unit."""
    events, steps, requests, facts = run_frames(name)
    end = last_finish(events)
    assert end is not None
    ends = np.sort((steps["start_ps"] + durations(steps)).to_numpy())
    parts = [Window(0, int(ends[len(ends) // 2])), Window(int(ends[len(ends) // 2]), end)]
    both = Window(0, end)
    assert sum(part.arrived(requests).sum() for part in parts) == both.arrived(requests).sum()
    assert sum(part.completed(requests).sum() for part in parts) == (requests["status"] == "finished").sum()
    told = [costs(events, facts, part) for part in parts]
    for metric, value in costs(events, facts, both).items():
        assert sum(one[metric] or 0 for one in told) == value, metric
    for metric in ("kv_reserved_fraction", "kv_used_fraction"):
        shares = [(memory(events, steps, facts, part)[metric] or 0) * part.elapsed for part in parts]
        assert sum(shares) == pytest.approx((memory(events, steps, facts, both)[metric] or 0) * end)
    used = [utilisation(events, steps, facts, window)["compute_utilisation"] or 0 for window in (*parts, both)]
    assert min(used[:2]) <= used[2] <= max(used[:2])


def test_the_windows_of_that_law_hold_something() -> None:
    """In both halves sequences were preempted, swapped and moved, or the sums above would say little."""
    for name, metric in (("s3", "swapped_bytes"), ("s3", "relocated_bytes"), ("s3_recompute", "recomputed_tokens")):
        events, steps, _, facts = run_frames(name)
        ends = np.sort((steps["start_ps"] + durations(steps)).to_numpy())
        half, end = int(ends[len(ends) // 2]), int(ends[-1])
        assert (costs(events, facts, Window(0, half))[metric] or 0) > 0
        assert (costs(events, facts, Window(half, end))[metric] or 0) > 0


@pytest.mark.parametrize("name", NAMES)
def test_gaps_of_some_requests_and_of_the_others_are_all_gaps(name: str) -> None:
    """The pooled gaps are the same, each as often, whether they are asked for at once or in two parts."""
    events, steps, requests, facts = run_frames(name)
    ids = requests["id"].to_numpy()

    def counted(*chosen: np.ndarray | None) -> dict[int, int]:
        found: dict[int, int] = {}
        for part in chosen:
            gaps, weights = token_gaps(events, steps, delivery=facts.delivery, ids=part)
            assert (weights > 0).all()
            for gap, weight in zip(gaps.tolist(), weights.tolist(), strict=True):
                found[gap] = found.get(gap, 0) + weight
        return found

    assert counted(ids[::3], np.setdiff1d(ids, ids[::3])) == counted(None) == counted(ids)


def test_latencies_are_of_those_who_arrived_in_the_window_and_rates_of_what_was_finished_in_it() -> None:
    """Each metric from the table of requests, chosen by hand."""
    events, steps, requests, facts = run_frames("vllm")
    measure = Measure(warm_up=Cut("seconds", 3), cool_down=Cut("seconds", 2))
    found = summarize(events, steps, requests, replace(facts, measure=measure))
    begin, end = found["window_start_s"], found["window_end_s"]
    assert begin is not None
    assert end is not None
    came = requests[(requests["arrival_s"] >= begin) & (requests["arrival_s"] < end)]
    left = requests[(requests["finished_s"] > begin) & (requests["finished_s"] <= end)]
    assert 0 < len(came) < len(requests)
    assert len(set(left["id"]) - set(came["id"])) > 0
    assert found["measured_requests"] == len(came)
    arrivals = came["arrival_s"]
    assert found["offered_rate"] == pytest.approx((len(came) - 1) / (arrivals.max() - arrivals.min()))
    assert found["request_throughput"] == pytest.approx(len(left) / (end - begin))
    assert found["output_throughput"] == pytest.approx(left["output_tokens"].sum() / (end - begin))
    served = came[came["status"] == "finished"]
    assert found["p90_e2el_ms"] == pytest.approx(np.percentile(served["e2el_ms"], 90))
    assert found["mean_ttft_ms"] == pytest.approx(served["ttft_ms"].mean())
    gaps = token_gaps(events, steps, ids=came["id"].to_numpy())
    assert found["p99_itl_ms"] == pytest.approx(weighted_percentile(*gaps, 99) / 1e9)
    good = [((some["ttft_ms"] <= 400) & ~(some["tpot_ms"] > 12)).sum() for some in (came, left)]
    assert good[0] != good[1]
    assert found["slo_attainment"] == good[0] / len(came)
    assert found["request_goodput"] == pytest.approx(good[1] / (end - begin))
    assert found["completed"] == (requests["status"] == "finished").sum()
    assert found["duration_s"] == requests["finished_s"].max()


@pytest.mark.parametrize(
    "measure", [WHOLE, MSER, TENTHS, Measure(warm_up=Cut("seconds", 1.5), cool_down=Cut("requests", 3)), Measure()]
)
def test_a_measure_survives_json(measure: Measure) -> None:
    """From JSON and to JSON are inverse, through text; an empty one measures all."""
    assert Measure.from_json(json.loads(json.dumps(measure.to_json()))) == measure
    assert Measure.from_json({}) == WHOLE


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], r"measure: \[\] is not usable; give a mapping"),
        ({"warmup": 3}, "measure: unknown key warmup"),
        ({"warm_up": "late"}, "measure.warm_up: 'late' is not usable; give none, mser, {share: X} below 0.5"),
        ({"cool_down": {"seconds": -1}}, "measure.cool_down"),
        ({"cool_down": {"seconds": 1, "requests": 1}}, "measure.cool_down"),
        ({"cool_down": {"minutes": 1}}, "measure.cool_down"),
        ({"cool_down": {"share": 0.5}}, r"measure.cool_down: {'share': 0.5} is not usable.* below 0.5"),
        ({"cool_down": {"share": -0.1}}, "measure.cool_down"),
        ({"cool_down": {"seconds": True}}, "measure.cool_down"),
    ],
)
def test_wrong_measures_are_named(data: object, message: str) -> None:
    """Another shape, key or amount is an InputError that names the key path."""
    with pytest.raises(InputError, match=message):
        Measure.from_json(data)
