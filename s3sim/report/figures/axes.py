"""What stands around the data: names with units, scales, limits and legends."""

from collections.abc import Iterable
from typing import Literal

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from s3sim.report.facts import ServiceLevel

__all__ = ["LIMIT_COLOUR", "label", "legend_below", "limit_for", "log_scale"]

LIMIT_COLOUR = "#444444"
EDGE = 8  # pixels between a legend and the figure's edge
LABELS = {
    "request_throughput": "Throughput (requests/s)",
    "output_throughput": "Output throughput (tokens/s)",
    "total_token_throughput": "Total throughput (tokens/s)",
    "request_goodput": "Goodput (requests/s within the SLO)",
    "normalized_latency_ms": "Mean normalized latency (ms per output token)",
    "slo_attainment": "SLO attainment (share of arrived requests)",
    "mean_batch_size": "Mean batch size (sequences)",
    "kv_reserved_fraction": "KV cache reserved (share of capacity)",
    "kv_used_fraction": "KV cache used (share of capacity)",
    "kv_waste_fraction": "KV cache wasted (share of the reserved)",
    "external_fragmentation": "External fragmentation (share of free slots)",
    "out_of_memory": "Requests failed for lack of memory (count)",
    "padding_fraction": "Padding (share of computed tokens)",
    "mfu": "Model FLOPs utilisation (share of peak)",
    "compute_utilisation": "Compute utilisation (share of peak)",
    "bandwidth_utilisation": "Memory bandwidth utilisation (share of peak)",
    "ttft_ms": "Time to first token, TTFT (ms)",
    "tpot_ms": "Time per output token, TPOT (ms)",
    "e2el_ms": "End-to-end latency, E2EL (ms)",
    "duration_s": "Duration (s)",
}


def label(metric: str) -> str:
    """A metric's name for an axis, with its unit."""
    if metric in LABELS:
        return LABELS[metric]
    words = metric.split("_")
    kind = {"mean": "Mean", "p50": "Median", "p90": "P90", "p99": "P99"}.get(words[0], words[0].capitalize())
    units = {"ms": "ms", "s": "s", "bytes": "bytes", "tokens": "tokens", "rate": "share of finished requests"}
    unit = units.get(words[-1], "count")
    middle = [word.upper() if word in ("ttft", "tpot", "itl", "e2el") else word for word in words[1:]]
    return f"{' '.join([kind, *middle[: -1 if words[-1] in ('ms', 's') else None]])} ({unit})"


def limit_for(metric: str, slo: ServiceLevel | None) -> float | None:
    """The limit that the service level sets on a metric, if it does: on the mean of a latency, or a percentile."""
    return None if slo is None else slo.limits.get(metric, slo.limits.get(metric.partition("_")[2]))


def log_scale(axes: Axes, which: Literal["x", "y"], *, decades: float) -> None:
    """Make an axis logarithmic, with plain numbers, and more than the powers of ten where these are few."""
    axes.set(**{f"{which}scale": "log"})
    axis, room = (axes.xaxis, 1.3) if which == "x" else (axes.yaxis, 2.5)
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < room else (1, 3) if decades < 2 * room else (1,)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def legend_below(figure: Figure, handles: Iterable[Artist]) -> None:
    """A legend under all panels, beside no data, in as few rows as the figure's width allows."""
    entries = list(handles)
    for columns in range(len(entries), 0, -1):
        order = [entry for first in range(columns) for entry in entries[first::columns]]  # it fills column by column
        legend = figure.legend(handles=order, loc="outside lower center", ncols=columns, fontsize="small")
        if columns == 1 or legend.get_window_extent().width < figure.bbox.width - 2 * EDGE:
            return
        legend.remove()
