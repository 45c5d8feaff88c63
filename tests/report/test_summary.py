import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from s3sim.core.events import Event, Preemption, Reason
from s3sim.report.facts import RunFacts, ServiceLevel
from s3sim.report.summary import METRICS, Metric, summarize
from s3sim.report.tables import requests_table
from s3sim.report.work import work
from tests.report.brute import brute_gaps
from tests.report.worlds import CONTIGUOUS, FACTS, LANES, NAMES, REQUESTS, WORLDS, facts_of, frames, log_of

RATE = 12.0


def summary(name: str, facts: RunFacts | None = None, *, rate: float | None = RATE) -> dict[str, Metric]:
    """The metrics of one world's run."""
    events, steps = frames(name, rate=rate)
    facts = facts or facts_of(name)
    return summarize(events, steps, requests_table(events, delivery=facts.delivery), facts)


def finished(name: str, *, rate: float | None = RATE) -> pd.DataFrame:
    """The finished requests of that run."""
    table = requests_table(frames(name, rate=rate)[0], delivery=facts_of(name).delivery)
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
    failed = found["out_of_memory"]
    assert isinstance(failed, int)
    assert (found["completed"], found["rejected"], found["unfinished"]) == (REQUESTS - 2 - failed, 2 + failed, 0)
    assert (failed > 0) == (WORLDS[name].choices.get("on_oom") == "fail")


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
    gaps = np.array(brute_gaps(log_of(name, rate=RATE, single_steps=True), delivery=facts_of(name).delivery)) / 1e9
    columns = {metric: table[f"{metric}_ms"].dropna().to_numpy() for metric in ("ttft", "tpot", "e2el")} | {"itl": gaps}
    for metric, values in columns.items():
        assert found[f"mean_{metric}_ms"] == pytest.approx(values.mean())
        for q in (50, 90, 99):
            assert found[f"p{q}_{metric}_ms"] == pytest.approx(np.percentile(values, q))
    assert found["normalized_latency_ms"] == pytest.approx((table["e2el_ms"] / table["output_tokens"]).mean())


@pytest.mark.parametrize("rate", [None, RATE])
@pytest.mark.parametrize("name", [name for name in NAMES if WORLDS[name].choices.get("on_oom") != "fail"])
def test_every_computed_token_is_useful_or_recomputed(name: str, rate: float | None) -> None:
    """Tokens of all prefills and decodes = Σ (prompt + output - 1) + recomputed; mfu counts the former alone."""
    _, steps = frames(name, rate=rate)
    found, table, facts = summary(name, rate=rate), finished(name, rate=rate), facts_of(name)
    computed = (steps["prefill_tokens"] + steps["steps"] * steps["decode_sequences"]).sum()
    useful = (table["prompt_tokens"] + table["output_tokens"] - 1).sum()
    assert computed - useful == found["recomputed_tokens"]
    operations = (found["mfu"] or 0) * facts.peak_flops * (found["duration_s"] or 0)
    assert operations == pytest.approx(2 * facts.parameters * useful)


def test_each_loss_is_counted_under_its_name() -> None:
    """Recomputed are the slots of whoever lost them, by whatever way; a failed request is no preemption."""
    kinds = {"s3": Preemption.HOST_FULL, "vllm": Preemption.RECOMPUTE, "huggingface": Preemption.RESTART}
    for name, kind in kinds.items():
        events, found = frames(name)[0], summary(name, rate=None)
        preempted = events[events["event"] == Event.PREEMPTED]
        lost = preempted[preempted["detail"] == kind]
        assert found["recomputed_tokens"] == lost["tokens"].sum() > 0
        assert found["host_full_recomputes"] == (len(lost) if name == "s3" else 0)
        assert found["restarts"] == (len(lost) if name == "huggingface" else 0)
        assert found["preemptions"] == len(preempted)
    events, found = frames("huggingface_fail")[0], summary("huggingface_fail", rate=None)
    failed = (events["event"] == Event.REJECTED) & (events["detail"] == Reason.OUT_OF_MEMORY)
    assert found["out_of_memory"] == failed.sum() > 20
    assert found["preemptions"] == found["recomputed_tokens"] == 0


@pytest.mark.parametrize("name", NAMES)
def test_what_a_device_does_is_at_least_what_is_useful(name: str) -> None:
    """compute_utilisation · busy >= mfu · window, by just the tokens recomputed, padded or failed, and attention."""
    facts = replace(facts_of(name), attention_flops_per_pair=0)
    found, (_, steps) = summary(name, facts), frames(name, rate=RATE)
    tokens = steps["prefill_tokens"] + steps["padding_tokens"]
    tokens += steps["steps"] * (steps["decode_sequences"] + steps["padding_rows"])
    useful = (found["mfu"] or 0) * (found["duration_s"] or 0) * facts.peak_flops / 2 / facts.parameters
    spare = tokens.sum() * (1 - (found["padding_fraction"] or 0)) - useful
    failed = WORLDS[name].choices.get("on_oom") == "fail"
    assert spare > 100 if failed else spare == pytest.approx(found["recomputed_tokens"], abs=1e-3)
    assert (found["padding_fraction"] == 0) == (WORLDS[name].system not in ("fastertransformer", "huggingface"))
    assert (found["compute_utilisation"] or 0) < (summary(name)["compute_utilisation"] or 0)


@pytest.mark.parametrize("name", NAMES)
def test_utilisation_is_over_the_time_that_steps_ran(name: str) -> None:
    """With one lane, busy is the steps' own time; without the facts that it needs, bandwidth's is null."""
    facts, found = facts_of(name), summary(name)
    assert 0 < (found["bandwidth_utilisation"] or 0) < 1
    assert summary(name, replace(facts, peak_bandwidth=None))["bandwidth_utilisation"] is None
    assert summary(name, replace(facts, streamed_weight_bytes=None))["bandwidth_utilisation"] is None
    if name not in LANES:
        _, steps = frames(name, rate=RATE, single_steps=True)
        done = work(*frames(name, rate=RATE), reads_reserved=facts.reads_reserved)
        busy = steps["first_ps"].sum() / 1e12
        assert found["bandwidth_utilisation"] == pytest.approx((done.bytes_moved(facts) or 0) / 1e12 / busy)
        assert found["compute_utilisation"] == pytest.approx(done.operations(facts) / facts.peak_flops / busy)


@pytest.mark.parametrize("name", NAMES)
def test_only_contiguous_systems_fragment(name: str) -> None:
    """External fragmentation is a share where addresses mean something, and null elsewhere."""
    found = summary(name, rate=None)["external_fragmentation"]
    assert (found is not None) == (name in CONTIGUOUS)
    assert found is None or 0 <= found < 1


def test_sliding_extents_at_each_release_leaves_little_fragmented() -> None:
    """S³ with compaction at each release has far smaller holes beside the largest than with one on demand."""
    often, seldom = (summary(name, rate=None)["external_fragmentation"] or 0 for name in ("s3_on_release", "s3"))
    assert 0 < 4 * often < seldom


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
        "completed", "rejected", "unfinished", "measured_requests", "slo_attainment", "preemptions", "swapped_bytes",
        "recomputed_tokens", "host_full_recomputes", "restarts", "out_of_memory", "compactions", "relocated_bytes",
    }  # fmt: skip
