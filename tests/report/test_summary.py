import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from s3sim.core.events import Event
from s3sim.report.facts import RunFacts, ServiceLevel
from s3sim.report.summary import METRICS, Metric, summarize
from s3sim.report.tables import requests_table
from tests.report.worlds import FACTS, NAMES, REQUESTS, brute_gaps, frames, log_of

RATE = 12.0


def summary(name: str, facts: RunFacts = FACTS) -> dict[str, Metric]:
    """The metrics of one system's online run."""
    events, steps = frames(name, rate=RATE)
    return summarize(events, steps, requests_table(events), facts)


def finished(name: str) -> pd.DataFrame:
    """The finished requests of that run."""
    table = requests_table(frames(name, rate=RATE)[0])
    return table[table["status"] == "finished"]


@pytest.mark.parametrize("name", NAMES)
def test_all_metrics_are_plain_and_finite(name: str) -> None:
    """A summary has exactly METRICS, in order, as numbers or None that JSON takes without NaN."""
    found = summary(name)
    assert tuple(found) == METRICS
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert {type(value) for value in found.values()} <= {int, float, type(None)}


@pytest.mark.parametrize("name", NAMES)
def test_requests_are_conserved(name: str) -> None:
    """completed + rejected + unfinished = arrived."""
    found = summary(name)
    assert (found["completed"], found["rejected"], found["unfinished"]) == (REQUESTS - 2, 2, 0)


@pytest.mark.parametrize("name", NAMES)
def test_throughputs_are_counts_over_the_window(name: str) -> None:
    """Each throughput times the window gives back the count; the window ends with the last token."""
    found, table = summary(name), finished(name)
    window = found["duration_s"]
    assert window == table["finished_s"].max()
    assert window is not None
    counts = {
        "request_throughput": len(table),
        "output_throughput": table["output_tokens"].sum(),
        "total_token_throughput": table["output_tokens"].sum() + table["prompt_tokens"].sum(),
    }
    for metric, count in counts.items():
        assert (found[metric] or 0) * window == pytest.approx(count)


@pytest.mark.parametrize("name", NAMES)
def test_latencies_are_numpys(name: str) -> None:
    """Mean and percentiles are numpy's of the finished requests' columns, and of the gaps told one by one."""
    found, table = summary(name), finished(name)
    gaps = np.array(brute_gaps(log_of(name, rate=RATE, single_steps=True))) / 1e9
    columns = {metric: table[f"{metric}_ms"].dropna().to_numpy() for metric in ("ttft", "tpot", "e2el")} | {"itl": gaps}
    for metric, values in columns.items():
        assert found[f"mean_{metric}_ms"] == pytest.approx(values.mean())
        for q in (50, 90, 99):
            assert found[f"p{q}_{metric}_ms"] == pytest.approx(np.percentile(values, q))
    assert found["normalized_latency_ms"] == pytest.approx((table["e2el_ms"] / table["output_tokens"]).mean())


@pytest.mark.parametrize("name", NAMES)
def test_every_computed_token_is_useful_or_recomputed(name: str) -> None:
    """Tokens of all prefills and decodes = Σ (prompt + output - 1) + recomputed; mfu counts the former alone."""
    _, steps = frames(name, rate=RATE)
    found, table = summary(name), finished(name)
    computed = (steps["prefill_tokens"] + steps["steps"] * steps["decode_sequences"]).sum()
    useful = (table["prompt_tokens"] + table["output_tokens"] - 1).sum()
    assert computed - useful == found["recomputed_tokens"]
    operations = (found["mfu"] or 0) * FACTS.peak_flops * (found["duration_s"] or 0)
    assert operations == pytest.approx(2 * FACTS.parameters * useful)


@pytest.mark.parametrize("name", NAMES)
def test_costs_are_those_of_the_table(name: str) -> None:
    """Preemptions and swapped bytes are the table's sums; whatever is swapped out comes back."""
    events, _ = frames(name, rate=RATE)
    found, table = summary(name), finished(name)
    assert found["preemptions"] == table["preemptions"].sum()
    assert found["swapped_bytes"] == table["swapped_tokens"].sum() * FACTS.kv_bytes_per_token
    out, back = (events.loc[events["event"] == kind, "tokens"].sum() for kind in (Event.SWAPPED_OUT, Event.SWAPPED_IN))
    assert out == back
    assert found["relocated_bytes"] == frames(name, rate=RATE)[1]["relocated_tokens"].sum() * FACTS.kv_bytes_per_token
    assert (found["compactions"] == 0) == (found["relocated_bytes"] == 0)


@pytest.mark.parametrize("name", ["s3", "oracle_bucket", "oracle_exact"])
def test_who_overran_was_preempted(name: str) -> None:
    """With reservations by prediction, the share that outgrew its first one is the share that was preempted."""
    found, table = summary(name), finished(name)
    assert found["overrun_rate"] == pytest.approx((table["preemptions"] > 0).mean())
    assert found["overrun_rate"] > 0  # type: ignore[operator]
    assert found["overrun_rate"] < found["under_predicted_rate"]  # type: ignore[operator]


def test_who_was_under_predicted_emitted_more_than_foreseen() -> None:
    """The rate counts outputs above the prediction; one that meets it exactly was foreseen."""
    table = finished("s3")
    beyond = (table["output_tokens"] - table["predicted_tokens"]).to_numpy(np.int64)
    assert (beyond == 0).any()
    assert summary("s3")["under_predicted_rate"] == (beyond > 0).mean()


@pytest.mark.parametrize("name", ["orca", "vllm"])
def test_without_predictions_their_rates_are_null(name: str) -> None:
    """Nobody predicted, so nobody was wrong."""
    found = summary(name)
    assert found["overrun_rate"] is None
    assert found["under_predicted_rate"] is None


def test_attainment_is_over_the_arrived() -> None:
    """Requests that meet all limits count over all that arrived, so that turning requests away does not help."""
    table = finished("vllm")
    good = ((table["ttft_ms"] <= 400.0) & ~(table["tpot_ms"] > 12.0)).sum()
    found = summary("vllm")
    assert 0 < good < len(table)
    assert found["slo_attainment"] == good / REQUESTS
    assert found["request_goodput"] == pytest.approx(good / table["finished_s"].max())


def test_one_token_meets_a_limit_on_the_gaps() -> None:
    """An output of one token has no TPOT, and is not held against it, as in vLLM's bench."""
    strict = replace(FACTS, slo=ServiceLevel(tpot_ms=1e-9))
    ones = (finished("vllm")["output_tokens"] == 1).sum()
    assert ones > 0
    assert summary("vllm", strict)["slo_attainment"] == ones / REQUESTS


@pytest.mark.parametrize("slo", [None, ServiceLevel()])
def test_without_limits_attainment_is_null(slo: ServiceLevel | None) -> None:
    """No limits, no goodput: null, not everything."""
    found = summary("vllm", replace(FACTS, slo=slo))
    assert found["slo_attainment"] is None
    assert found["request_goodput"] is None


def test_where_nothing_finished_all_is_null_or_zero() -> None:
    """A log that breaks off before the first token has counts, and neither rates nor latencies."""
    events, steps = frames("s3", rate=RATE)
    events = events.iloc[:3]
    found = summarize(events, steps.iloc[:0], requests_table(events), FACTS)
    assert found["unfinished"] == 1
    known = {metric for metric, value in found.items() if value is not None}
    assert known == {
        "completed", "rejected", "unfinished", "slo_attainment", "preemptions", "swapped_bytes",
        "recomputed_tokens", "compactions", "relocated_bytes",
    }  # fmt: skip
