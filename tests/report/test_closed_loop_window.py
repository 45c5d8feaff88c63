"""The window of a closed loop leaves out its start, in which all users find an empty server at once."""

import numpy as np
import pandas as pd
import pytest

from s3sim import Experiment, simulate
from s3sim.core.errors import InputError
from s3sim.report.measure import Cut, Measure
from s3sim.report.window import measured_window

USERS = 40


def loop(think_s: float, **changes: object) -> Experiment:
    """Forty users of a small server, each some eight times; prefill takes long, so that the start is crowded."""
    return Experiment(
        {
            "model": "gpt-j-6b",
            "device": "a100-80gb",
            "latency": {"kind": "constant", "step_seconds": 0.01, "prefill_seconds_per_token": 0.0005},
            "workload": {
                "kind": "lengths",
                "requests": 320,
                "prompt": {"kind": "uniform", "low": 50, "high": 100},
                "output": {"kind": "uniform", "low": 20, "high": 200},
            },
            "arrivals": {"kind": "closed_loop", "users": USERS, "think_time_s": think_s},
            "systems": ["orca"],
            "seeds": [3],
            **changes,
        }
    )


@pytest.mark.parametrize("think_s", [0.0, 3.0])
def test_the_window_begins_when_every_user_was_served_once(think_s: float) -> None:
    """With the answer to the last user's first question, or to one that was asked before; no earlier."""
    result = simulate(loop(think_s))
    assert result.about["measure"]["warm_up"] == "served_once"
    last_ask = result.about["facts"]["measure"]["warm_up"]["served_once"]
    requests = result.requests
    early = requests[requests["arrival_s"] <= last_ask]
    assert len(early) >= USERS
    assert last_ask in set(requests["arrival_s"])
    assert result.summary["window_start_s"] == early["finished_s"].max()
    measured = (requests["arrival_s"] >= early["finished_s"].max()) & (
        requests["arrival_s"] < result.summary["window_end_s"]
    )
    assert result.summary["measured_requests"] == measured.sum() > USERS


def test_the_start_would_distort_what_users_wait_for() -> None:
    """Every user's first prompt waits behind all others': with those in it p90 TTFT is thrice the steady one."""
    steady = simulate(loop(0.0)).summary
    with_start = simulate(loop(0.0, measure={"warm_up": {"share": 0.1}})).summary
    assert with_start["window_start_s"] == 0
    assert with_start["p90_ttft_ms"] > 3 * steady["p90_ttft_ms"]
    late = simulate(loop(0.0, measure={"warm_up": {"share": 0.4}})).summary
    assert steady["p90_ttft_ms"] == pytest.approx(late["p90_ttft_ms"], rel=0.25)


def test_where_nobody_asks_twice_the_whole_is_measured() -> None:
    """As with other cuts that ask for nothing a run does not have; a refusal counts as an answer."""
    short = simulate(loop(0.0).with_({"workload.requests": USERS // 2})).summary
    assert (short["window_start_s"], short["window_end_s"]) == (0, short["duration_s"])
    requests = pd.DataFrame({"arrival_s": [0.0, 1.0, 2.0, 3.0], "finished_s": [1.0, np.nan, 3.0, 4.0]})
    steps = pd.DataFrame(
        {"start_ps": [0, 10**12, 2 * 10**12, 3 * 10**12], "first_ps": 10**12, "increment_ps": 0, "steps": 1}
    )
    measure = Measure(warm_up=Cut("served_once", 1.0))
    window = measured_window(measure, requests.assign(status="finished", e2el_ms=1.0), steps, end_ps=4 * 10**12)
    assert (window.begin, window.whole) == (10**12, False)


def test_only_users_are_served_once() -> None:
    """Under other arrivals it is refused; a cut survives JSON."""
    with pytest.raises(InputError, match=r"measure\.warm_up: 'served_once' is of users.* kind 'poisson'"):
        _ = loop(0.0, arrivals={"kind": "poisson", "rate": 3}, measure={"warm_up": "served_once"}).points
    measure = Measure(warm_up=Cut("served_once", 2.5))
    assert Measure.from_json(measure.to_json()) == measure
