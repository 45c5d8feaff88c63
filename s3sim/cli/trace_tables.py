"""A trace's statistics and counts as tables and lines for a terminal."""

from collections.abc import Iterator

from s3sim.cli.sheets import Column, Sheet
from s3sim.workload.readers import ReadCounts
from s3sim.workload.stats import TraceStats
from s3sim.workload.writers import WriteLosses

__all__ = ["arrival_lines", "count_lines", "length_table", "loss_lines"]


def length_table(stats: TraceStats, *, title: str) -> Sheet:
    """Lengths in tokens."""
    lengths = {"prompt": stats.prompt_tokens, "output": stats.output_tokens, "both": stats.total_tokens}
    rows = []
    for name, row in lengths.items():
        percentiles = (f"{value:,.0f}" for value in (row.p50, row.p90, row.p99))
        rows.append((name, f"{row.mean:,.1f}", *percentiles, f"{row.max:,}", f"{row.total:,}"))
    headings = ("mean", "p50", "p90", "p99", "max", "total")
    return Sheet(
        title=f"{title}: {stats.requests:,} requests",
        columns=(Column("tokens"), *(Column(heading, right=True) for heading in headings)),
        rows=tuple(rows),
    )


def arrival_lines(stats: TraceStats) -> Iterator[str]:
    """The tie of the lengths, the rate, and how the arrivals bunch."""
    if stats.spearman is not None:
        yield f"rank correlation of prompt and output: {stats.spearman:.3f}"
    if stats.rate is None:
        yield "all arrive at once"
    else:
        yield (
            f"{stats.rate:,.3f} requests/s over {stats.duration_s:,.1f} s; gaps vary by {stats.gap_variation:.2f}"
            f" (Poisson: 1), p50 {stats.gap_p50_s:.3g} s, p99 {stats.gap_p99_s:.3g} s"
        )
    if stats.over_length:
        yield f"{stats.over_length} requests are flagged as over-length"


def count_lines(counts: ReadCounts) -> Iterator[str]:
    """What became of the rows that are not in the trace, or not where they stood."""
    if counts.dropped:
        yield f"{counts.dropped} of {counts.rows} rows were invalid and dropped"
    for limit, count in counts.pruned.items():
        if count:
            yield f"{count} of {counts.rows} rows were pruned by {limit}"
    if counts.sorted:
        yield f"{counts.sorted} rows stood before an earlier one and were moved"
    if counts.unknown_tokens:
        yield f"{counts.unknown_tokens} tokens are unknown to the tokenizer"


def loss_lines(losses: WriteLosses) -> Iterator[str]:
    """What the written file does not hold."""
    if losses.columns:
        yield f"the format has no {', '.join(losses.columns)}: not written"
    if losses.rounded:
        yield f"{losses.rounded} arrivals were rounded to the format's resolution"
    if losses.shifted_ps:
        yield f"its readers count from the first request: all arrive {losses.shifted_ps / 1e12:g} s earlier"
