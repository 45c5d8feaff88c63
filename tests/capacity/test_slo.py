"""An SLO's text means what it says, or is refused with what would be right."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3sim.capacity.slo import Objective, parse_objectives
from s3sim.core.errors import InputError

MEANINGS = {
    "p99:ttft<2s": ("p99 TTFT", 2000.0),
    "mean:tpot<187.5ms": ("mean TPOT", 187.5),
    "p99.9:e2el<=10s": ("p99.9 E2EL", 10_000.0),
    " P50 : normalized latency < 0.1875 s ": ("p50 normalized latency", 187.5),
    "p100:normalized-latency<500us": ("p100 normalized latency", 0.5),
}
MISTAKES = {
    "ttft<2s": "not understood; write it as 'p99:ttft<2s'",
    "p99:ttft>2s": "not understood",
    "p99:ttft": "not understood",
    "": "not understood",
    "p99:itl<2s": "unknown metric 'itl'.*known: e2el, normalized_latency, tpot, ttft",
    "p99:tft<2s": "did you mean 'ttft'",
    "p0:ttft<2s": "'p0' is no statistic; give 'mean', or a percentile",
    "p101:ttft<2s": "'p101' is no statistic",
    "max:ttft<2s": "'max' is no statistic",
    "pnan:ttft<2s": "'pnan' is no statistic",
    "p99:ttft<2": "unit '' is none of s, ms, us",
    "p99:ttft<2h": "unit 'h' is none of",
    "p99:ttft<0s": "limit '0' is no number above 0",
    "p99:ttft<-1s": "limit '-1' is no number above 0",
    "p99:ttft<s": "limit '' is no number above 0",
    "p99:ttft<1e3s": "not understood|is no number",
}


@pytest.mark.parametrize("text", MEANINGS)
def test_an_slo_is_a_statistic_a_metric_and_a_limit(text: str) -> None:
    """Spaces and capitals do not matter; limits are kept in ms."""
    objective = Objective.parse(text)
    assert (objective.name, objective.limit_ms) == pytest.approx(MEANINGS[text])


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistaken_slo_is_refused(text: str) -> None:
    """The message holds the text, what is wrong with it, and what would be right."""
    with pytest.raises(InputError, match=MISTAKES[text]):
        Objective.parse(text)


def test_an_slo_says_something_and_nothing_twice() -> None:
    """No objective at all, and two limits of one statistic, are refused; two statistics of one metric are fine."""
    with pytest.raises(InputError, match="at least one is needed"):
        parse_objectives([])
    with pytest.raises(InputError, match="stands twice"):
        parse_objectives(["p99:ttft<2s", "p99:ttft<1s"])
    assert len(parse_objectives(["p99:ttft<2s", "p50:ttft<1s"])) == 2


@given(
    values=st.lists(st.floats(min_value=0, max_value=1e6), min_size=1, max_size=30),
    percentile=st.none() | st.floats(min_value=0.5, max_value=100),
)
def test_what_is_attained_is_numpy_s(values: list[float], percentile: float | None) -> None:
    """Over finished requests that have the latency, and over no others."""
    rows = [("finished", value) for value in values] + [("rejected", 9e9), ("finished", float("nan"))]
    requests = pd.DataFrame(rows, columns=["status", "tpot_ms"])
    wanted = np.mean(values) if percentile is None else np.percentile(values, percentile)
    objective = Objective(metric="tpot", percentile=percentile, limit_ms=1.0)
    assert objective.attained_ms(requests) == pytest.approx(wanted)


def test_nobody_served_attains_nothing() -> None:
    """None, which no limit is held against."""
    requests = pd.DataFrame({"status": ["rejected"], "ttft_ms": [float("nan")]})
    assert Objective.parse("mean:ttft<1s").attained_ms(requests) is None
