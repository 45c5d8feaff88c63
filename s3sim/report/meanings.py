"""What the files of a run directory hold: every file, every column with its unit, and what it means.

The definitions are those of `summarize` and `requests_table`; here they stand as one line each. What the event
log holds is told in `s3sim.report.log_meanings`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

__all__ = [
    "COMPARISONS",
    "FILES",
    "REQUESTS",
    "SUMMARY",
    "Column",
    "columns_of",
]


class Column(NamedTuple):
    """One column of a table: its unit, and what it holds."""

    unit: str
    meaning: str


def columns_of(**columns: tuple[str, str]) -> Mapping[str, Column]:
    """Columns by name, each given as its unit and its meaning."""
    return MappingProxyType({name: Column(*told) for name, told in columns.items()})


FILES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "experiment.yaml": "The YAML as it was given.",
        "overrides.json": "What `--set` changed.",
        "manifest.json": "Schema version, name, description, points; of each scenario swept keys, SLO and arrivals.",
        "environment.json": "Versions of packages and Python, platform, processors, and the command.",
        "summary.csv": "A row for each point: scenario, swept keys, system, seed, point, metrics.",
        "comparisons.csv": "A row for each metric, system and setting: the system less the baseline, paired by seed.",
        "points/<point>/point.json": "The resolved point, every preset and default written out, and its facts.",
        "points/<point>/requests.parquet": "A row for each request that arrived.",
        "points/<point>/events.parquet": "A row for each change in a request's life; not kept under `log: requests`.",
        "points/<point>/steps.parquet": "A row for each stretch of like steps; not kept under `log: requests`.",
        "points/<point>/summary.json": "The point's metrics, as in `summary.csv`.",
        "figures/": "Each figure as PNG and SVG, named after its scenario and its kind; timelines of points.",
        "report.html": "All of it as one page for a browser, which needs no network.",
        "capacity.json": "What `s3sim capacity` found; the points are those of its probes.",
    }
)

LATENCIES: Final = {
    "ttft": "time to first token",
    "tpot": "time per output token after the first; outputs of one token have none",
    "itl": "time between two tokens of a request",
    "e2el": "end-to-end latency",
}
STATISTICS: Final = {"mean": "Mean", "p50": "Median", "p90": "90th percentile", "p99": "99th percentile"}
_LATENCY_COLUMNS: Final = {
    f"{statistic}_{name}_ms": ("ms", f"{word} of the {meaning}.")
    for name, meaning in LATENCIES.items()
    for statistic, word in STATISTICS.items()
}

SUMMARY: Final = columns_of(
    completed=("requests", "Finished requests of the whole run."),
    rejected=("requests", "Rejected requests of the whole run."),
    unfinished=("requests", "Requests still in the system when the run ended."),
    duration_s=("s", "From time 0 to the last token of the run."),
    window_start_s=("s", "Begin of the measured window."),
    window_end_s=("s", "End of the measured window."),
    measured_requests=(
        "requests",
        "Requests that arrived in the window; latencies are of those of them that finished.",
    ),
    offered_rate=(
        "requests/s",
        "Arrivals per second from the window's first to its last; empty where all came at once.",
    ),
    saturated=("0 or 1", "1: the queue grew throughout the arrivals, so that there is no steady state."),
    burst_batches=("batches", "Of a burst: its finished requests ÷ the window's mean batch size."),
    too_short=(
        "0 or 1",
        "1: a burst of under 30 mean batches measured whole, or under 20 measured saturated: its rates are biased.",
    ),
    request_throughput=(
        "requests/s",
        "Requests that finished in the window, per second of it; in a saturated part by their share of tokens.",
    ),
    output_throughput=("tokens/s", "Output tokens of these requests, per second."),
    total_token_throughput=("tokens/s", "Prompt and output tokens of these requests, per second."),
    throughput_bound=(
        "requests/s",
        "Of a burst: what no schedule of these requests exceeds, by a relaxation; empty for a measured profile.",
    ),
    **_LATENCY_COLUMNS,
    normalized_latency_ms=("ms/token", "Mean of E2EL ÷ output tokens."),
    slo_attainment=("share", "Requests that meet all limits ÷ those that arrived in the window."),
    request_goodput=("requests/s", "Requests that meet all limits and finished in the window, per second."),
    mean_batch_size=("sequences", "Sequences on the device, weighted by time, while a step ran."),
    kv_reserved_fraction=("share", "Slots held ÷ slots for KV, weighted by time."),
    kv_used_fraction=("share", "Slots written ÷ slots for KV, weighted by time."),
    kv_waste_fraction=("share", "1 − slots written ÷ slots held, weighted by time."),
    external_fragmentation=("share", "1 − ∫ largest hole ÷ ∫ free slots; of contiguous systems alone."),
    preemptions=("count", "Sequences taken off the device before their end."),
    swapped_bytes=("bytes", "KV moved over the host link, both ways together."),
    recomputed_tokens=("tokens", "Slots that were written and then dropped by a preemption."),
    host_full_recomputes=("count", "Preemptions that wanted a swap and found no room on the host."),
    restarts=("count", "Sequences whose static batch ran out of memory, and that began again."),
    out_of_memory=("requests", "Requests that failed with their static batch."),
    compactions=("count", "Times that extents were slid together."),
    relocated_bytes=("bytes", "KV moved by compaction."),
    overrun_rate=("share", "Predicted requests that came to need more than was first reserved."),
    under_predicted_rate=("share", "Predicted requests whose output was longer than predicted."),
    padding_fraction=("share", "Computed tokens that are padding, or a finished row's."),
    mfu=("share", "2 · parameters · useful tokens ÷ (peak · window)."),
    compute_utilisation=("share", "Operations, padding included ÷ (peak · time in which a step ran)."),
    bandwidth_utilisation=("share", "Bytes of weights and KV moved ÷ (peak · time in which a step ran)."),
    over_length=("requests", "Rows of the workload whose prompt + output exceeds max_length."),
    over_length_dropped=("requests", "Those of them that were left out."),
    over_length_truncated=("requests", "Those of them whose output was cut."),
    invalid_rows_dropped=("rows", "Rows of the trace that hold no usable lengths, and were left out."),
)

REQUESTS: Final = columns_of(
    id=("", "The request's id, as in the trace."),
    status=("", "`finished`, `rejected` or `unfinished`."),
    reason=("", "Why it was rejected: `never_fits`, `over_length` or `out_of_memory`."),
    arrival_s=("s", "Since the run's start, as all times."),
    prompt_tokens=("tokens", "Length of the prompt."),
    max_new_tokens=("tokens", "The most output tokens that the client allows."),
    predicted_tokens=("tokens", "Output tokens that were foreseen; empty without a prediction."),
    output_tokens=("tokens", "Of a finished request: its true output."),
    admitted_s=("s", "When it was admitted for the first time."),
    first_token_s=("s", "When its first token came."),
    finished_s=("s", "When its last token came."),
    ttft_ms=("ms", "First token less arrival."),
    tpot_ms=("ms", "(E2EL − TTFT) ÷ (output tokens − 1); empty for outputs of one token."),
    e2el_ms=("ms", "Last token less arrival."),
    normalized_latency_ms=("ms/token", "E2EL ÷ output tokens."),
    preemptions=("count", "Times that it was taken off the device."),
    swapped_tokens=("slots", "Moved over the host link, both ways together."),
    reserved_tokens=("slots", "Held by its first admission."),
)

COMPARISONS: Final = columns_of(
    scenario=("", "The scenario."),
    metric=("", "A column of `summary.csv`."),
    system=("", "The system that is compared."),
    baseline=("", "With which: `orca`, or else the scenario's first system."),
    seeds=("count", "Seeds that both have."),
    difference=("the metric's", "Mean over seeds of the system less the baseline."),
    difference_low=("the metric's", "Lower end of its 95% interval; empty with one seed."),
    difference_high=("the metric's", "Upper end of its 95% interval; empty with one seed."),
    ratio=("1", "exp of the mean over seeds of log(system ÷ baseline)."),
    ratio_low=("1", "Lower end of its 95% interval; empty with one seed."),
    ratio_high=("1", "Upper end of its 95% interval; empty with one seed."),
)
