"""The look that all figures share: a colour, a marker and a line for each system, labels with units, layout."""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Literal, NamedTuple, ParamSpec

import matplotlib.style
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from s3sim.report.facts import ServiceLevel

__all__ = ["LIMIT_COLOUR", "Look", "in_style", "label", "legend_below", "limit_for", "looks"]

P = ParamSpec("P")
LIMIT_COLOUR = "#444444"
RC = {
    "figure.dpi": 120,
    "savefig.dpi": 160,
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.6,
    "figure.titlesize": 11.5,
    "legend.frameon": False,
    "hatch.linewidth": 0.5,
    "svg.hashsalt": "s3sim",
    "svg.fonttype": "path",
}


class Look(NamedTuple):
    """How a system is drawn, wherever it is drawn; told apart without colour too."""

    colour: str
    marker: str
    line: Literal["-"] | tuple[float, tuple[float, ...]]


# Colours after Okabe and Ito, "Color Universal Design" (2008); the oracles share the green hue.
KNOWN = {
    "orca": Look("#D55E00", "o", "-"),
    "s3": Look("#0072B2", "s", "-"),
    "oracle_bucket": Look("#56BFA0", "^", (0, (5, 2))),
    "oracle_exact": Look("#00694F", "D", (0, (5, 2))),
    "vllm": Look("#CC79A7", "v", "-"),
}
SPARE = (
    Look("#E69F00", "P", (0, (3, 1, 1, 1))),
    Look("#56B4E9", "X", (0, (3, 1, 1, 1))),
    Look("#7A5195", "<", (0, (3, 1, 1, 1))),
    Look("#8C6D31", ">", (0, (3, 1, 1, 1))),
    Look("#777777", "p", (0, (1, 1))),
    Look("#B22222", "h", (0, (1, 1))),
)

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
    "mfu": "Model FLOPs utilisation (share of peak)",
    "ttft_ms": "Time to first token, TTFT (ms)",
    "tpot_ms": "Time per output token, TPOT (ms)",
    "e2el_ms": "End-to-end latency, E2EL (ms)",
    "duration_s": "Duration (s)",
}


def looks(systems: Iterable[str]) -> dict[str, Look]:
    """A look for each name: the known systems always have theirs, others take spare ones by order of name."""
    names = list(dict.fromkeys(systems))
    others = sorted(name for name in names if name not in KNOWN)
    spare = {name: SPARE[index % len(SPARE)] for index, name in enumerate(others)}
    return {name: KNOWN[name] if name in KNOWN else spare[name] for name in names}


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


def legend_below(figure: Figure, handles: Iterable[Artist], *, columns: int = 5) -> None:
    """A legend under all panels, beside no data."""
    entries = list(handles)
    figure.legend(handles=entries, loc="outside lower center", ncols=min(columns, len(entries)))


def in_style(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """The drawing function, run under this look and matplotlib's defaults, whatever the user has set."""

    @wraps(draw)
    def styled(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with matplotlib.style.context(["default", RC]):
            return draw(*args, **kwargs)

    return styled
