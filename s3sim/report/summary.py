"""The metrics of a run, under the names that the field uses."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from s3sim.report.burst import Served, is_burst, saturated_window, served_in, too_short
from s3sim.report.costs import Metric, costs, memory, rate, utilisation
from s3sim.report.facts import RunFacts, ServiceLevel
from s3sim.report.frames import PS_PER_MS, PS_PER_S, Column
from s3sim.report.gaps import token_gaps
from s3sim.report.occupancy import last_finish
from s3sim.report.offered import offered_rate, saturated
from s3sim.report.percentiles import weighted_mean, weighted_percentiles
from s3sim.report.window import Window, measured_window

__all__ = ["METRICS", "Metric", "summarize", "summarize_client"]

NOTHING = Window(0, 0, whole=True)  # nothing finished
PERCENTILES = (50, 90, 99)
LATENCIES = ("ttft", "tpot", "itl", "e2el")
METRICS = (
    "completed",
    "rejected",
    "unfinished",
    "duration_s",
    "window_start_s",
    "window_end_s",
    "measured_requests",
    "offered_rate",
    "saturated",
    "burst_batches",
    "too_short",
    "request_throughput",
    "output_throughput",
    "total_token_throughput",
    "throughput_bound",
    *(f"{kind}_{name}_ms" for name in LATENCIES for kind in ("mean", *(f"p{q}" for q in PERCENTILES))),
    "normalized_latency_ms",
    "slo_attainment",
    "request_goodput",
    "mean_batch_size",
    "kv_reserved_fraction",
    "kv_used_fraction",
    "kv_waste_fraction",
    "external_fragmentation",
    "preemptions",
    "swapped_bytes",
    "recomputed_tokens",
    "host_full_recomputes",
    "restarts",
    "out_of_memory",
    "compactions",
    "relocated_bytes",
    "overrun_rate",
    "under_predicted_rate",
    "padding_fraction",
    "mfu",
    "compute_utilisation",
    "bandwidth_utilisation",
)


def summarize(
    events: pd.DataFrame,
    steps: pd.DataFrame,
    requests: pd.DataFrame,
    facts: RunFacts,
    *,
    bound: float | None = None,
) -> dict[str, Metric]:
    """The run's METRICS; None where one has no value (nothing finished, no limits, no predictions).

    completed, rejected, unfinished and duration_s (from time 0 to the last token) are of the whole run, and
    saturated (1 or 0) of all arrivals; everything else is of the window that `facts.measure` asks for, from
    window_start_s to window_end_s. Latencies and rates of length are over the requests that arrived in the
    window and finished, then or later, as in vLLM's `bench serve`; slo_attainment is over those that arrived in
    it, measured_requests of them. Rates count what finished in the window; fractions and means over time are
    over the window. Of a burst's saturated part throughputs are of tokens as they come, see `served_in`, latencies
    of all requests, and request_goodput, which counts whole requests, is None. mfu counts prompt + output - 1
    tokens a request once, recomputed ones not, at 2·parameters operations each.

    throughput_bound is `bound`, in requests per second: what no system reaches on these requests, where that is known.

    recomputed_tokens are slots that were written and dropped by a preemption, whatever its kind.
    external_fragmentation is 1 - ∫ largest hole / ∫ free slots, of contiguous systems alone.
    padding_fraction, compute_utilisation and bandwidth_utilisation are over all steps of the window, useful
    or not: padding's share of the tokens that went through the dense layers; operations / (peak · time
    in which a step ran); bytes of weights and KV read or copied / (peak · that time). See Work.
    Raises InputError where fixed cuts leave nothing to measure.
    """
    end = last_finish(events)
    window = _asked_for(events, requests, steps, facts, end)
    served = served_in(window, events, steps, requests, delivery=facts.delivery)
    of_memory = memory(events, steps, facts, window)
    found: dict[str, Metric] = {
        **_seen(events, requests, _gaps(events, steps, requests, facts, window), facts.slo, window, served),
        **of_memory,
        **_length(requests, of_memory["mean_batch_size"], window),
        **costs(events, facts, window),
        "throughput_bound": bound,
        **_predictions(_measured(requests, window)),
        "mfu": rate(2 * facts.parameters * served.useful_tokens / facts.peak_flops, window.elapsed),
        **utilisation(events, steps, facts, window),
    }
    return {name: found[name] for name in METRICS}


def summarize_client(
    events: pd.DataFrame, steps: pd.DataFrame, requests: pd.DataFrame, tokens: pd.DataFrame, facts: RunFacts
) -> dict[str, Metric]:
    """The METRICS of a run that only its client saw; those that only a server could tell are None.

    `tokens` has a row (id, time_ps) for each token that came. `steps` has none, and the window's ends are held
    to none; a burst is measured whole, for a client does not see who waits for room.
    """
    end = last_finish(events)
    window = measured_window(facts.measure, requests, steps, end_ps=end) if end else NOTHING
    mine = tokens[tokens["id"].isin(_measured(requests, window)["id"])].sort_values(["id", "time_ps"])
    ident, time = (mine[name].to_numpy(dtype=np.int64) for name in ("id", "time_ps"))
    gaps = np.diff(time)[np.diff(ident) == 0]
    served = served_in(window, events, steps, requests)
    found = _seen(events, requests, (gaps, np.ones_like(gaps)), facts.slo, window, served)
    return {name: found.get(name) for name in METRICS}


def _asked_for(
    events: pd.DataFrame, requests: pd.DataFrame, steps: pd.DataFrame, facts: RunFacts, end: int | None
) -> Window:
    if not end:
        return NOTHING
    if facts.measure.burst == "saturated" and is_burst(requests):
        return saturated_window(events, end_ps=end) or Window(0, end, whole=True)
    return measured_window(facts.measure, requests, steps, end_ps=end)


def _length(requests: pd.DataFrame, batch: Metric, window: Window) -> dict[str, Metric]:
    """How many mean batches a burst holds, and whether that is too few."""
    batches = int((requests["status"] == "finished").sum()) / batch if batch and is_burst(requests) else None
    return {"burst_batches": batches, "too_short": too_short(batches, window)}


def _seen(
    events: pd.DataFrame,
    requests: pd.DataFrame,
    gaps_and_weights: tuple[Column, Column],
    slo: ServiceLevel | None,
    window: Window,
    served: Served,
) -> dict[str, Metric]:
    """The metrics that a client sees too."""
    measured, completed = _measured(requests, window), requests[window.completed(requests)]
    return {
        **_counts(requests, last_finish(events)),
        **_window(events, requests, window),
        **_throughput(served, window),
        **_latency(measured, gaps_and_weights),
        **_service(measured, completed, int(window.arrived(requests).sum()), slo, window),
    }


def _measured(requests: pd.DataFrame, window: Window) -> pd.DataFrame:
    """Requests that arrived in the window and finished, then or later."""
    measured: pd.DataFrame = requests.loc[(requests["status"].to_numpy() == "finished") & window.arrived(requests)]
    return measured


def _counts(requests: pd.DataFrame, end: int | None) -> dict[str, Metric]:
    status = requests["status"]
    return {
        "completed": int((status == "finished").sum()),
        "rejected": int((status == "rejected").sum()),
        "unfinished": int((status == "unfinished").sum()),
        "duration_s": None if end is None else end / PS_PER_S,
    }


def _window(events: pd.DataFrame, requests: pd.DataFrame, window: Window) -> dict[str, Metric]:
    growing = saturated(events)
    return {
        "window_start_s": window.begin / PS_PER_S if window.elapsed else None,
        "window_end_s": window.end / PS_PER_S if window.elapsed else None,
        "measured_requests": int(window.arrived(requests).sum()),
        "offered_rate": offered_rate(requests, window),
        "saturated": None if growing is None else int(growing),
    }


def _throughput(served: Served, window: Window) -> dict[str, Metric]:
    return {
        "request_throughput": rate(served.requests, window.elapsed),
        "output_throughput": rate(served.output_tokens, window.elapsed),
        "total_token_throughput": rate(served.prompt_tokens + served.output_tokens, window.elapsed),
    }


def _gaps(
    events: pd.DataFrame, steps: pd.DataFrame, requests: pd.DataFrame, facts: RunFacts, window: Window
) -> tuple[Column, Column]:
    ids = None if window.whole else requests.loc[window.arrived(requests), "id"].to_numpy(np.int64)
    return token_gaps(events, steps, delivery=facts.delivery, ids=ids)


def _latency(finished: pd.DataFrame, gaps_and_weights: tuple[Column, Column]) -> dict[str, Metric]:
    found: dict[str, Metric] = {}
    for name in ("ttft", "tpot", "e2el"):
        values = finished[f"{name}_ms"].dropna().to_numpy(dtype=np.float64)
        found |= _distribution(name, _mean(values), np.percentile(values, PERCENTILES) if len(values) else None)
    gaps, weights = gaps_and_weights
    if len(gaps):
        percentiles = weighted_percentiles(gaps, weights, PERCENTILES) / PS_PER_MS
        found |= _distribution("itl", weighted_mean(gaps, weights) / PS_PER_MS, percentiles)
    else:
        found |= _distribution("itl", None, None)
    found["normalized_latency_ms"] = _mean(finished["normalized_latency_ms"].to_numpy(dtype=np.float64))
    return found


def _distribution(name: str, mean: float | None, percentiles: NDArray[np.float64] | None) -> dict[str, Metric]:
    values = [None] * len(PERCENTILES) if percentiles is None else percentiles.tolist()
    found: dict[str, Metric] = {f"mean_{name}_ms": mean}
    return found | {f"p{q}_{name}_ms": value for q, value in zip(PERCENTILES, values, strict=True)}


def _service(
    measured: pd.DataFrame, completed: pd.DataFrame, arrived: int, slo: ServiceLevel | None, window: Window
) -> dict[str, Metric]:
    if slo is None or not slo.limits:
        return {"slo_attainment": None, "request_goodput": None}
    return {
        "slo_attainment": _met(measured, slo) / arrived if arrived else None,
        "request_goodput": None if window.saturated else rate(_met(completed, slo), window.elapsed),
    }


def _met(finished: pd.DataFrame, slo: ServiceLevel) -> int:
    """How many of the finished requests meet all limits."""
    missed = np.zeros(len(finished), np.bool_)
    for name, limit in slo.limits.items():
        missed |= finished[name].to_numpy() > limit  # an output of one token has no TPOT, and meets its limit
    return int((~missed).sum())


def _predictions(finished: pd.DataFrame) -> dict[str, Metric]:
    """Shares of the predicted requests whose output was longer than predicted, and than first reserved for."""
    known = finished[finished["predicted_tokens"].notna()]
    if known.empty:
        return {"overrun_rate": None, "under_predicted_rate": None}
    output = known["output_tokens"].to_numpy(np.int64)
    written = known["prompt_tokens"].to_numpy(np.int64) + output - 1
    return {
        "overrun_rate": float((written > known["reserved_tokens"].to_numpy(np.int64)).mean()),
        "under_predicted_rate": float((output > known["predicted_tokens"].to_numpy(np.int64)).mean()),
    }


def _mean(values: NDArray[np.float64]) -> float | None:
    return float(values.mean()) if len(values) else None
