"""Latencies as cumulative distributions."""

from collections.abc import Iterable, Mapping, Sequence
from math import log10

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from s3sim.report.facts import ServiceLevel
from s3sim.report.figures.axes import LIMIT_COLOUR, label, legend_below, limit_for, log_scale
from s3sim.report.figures.points import require_columns
from s3sim.report.figures.style import Picture, in_style, looks

__all__ = ["latency_cdf"]

Reals = NDArray[np.float64]
POINTS = 501  # quantiles to a curve, so that a million requests draw as fast as a thousand
WIDE = 50.0  # ratio of largest to smallest from which an axis is logarithmic


@in_style
def latency_cdf(
    requests: Mapping[str, pd.DataFrame],
    *,
    metrics: Sequence[str] = ("ttft_ms", "tpot_ms", "e2el_ms"),
    slo: ServiceLevel | None = None,
    title: str = "",
) -> Figure:
    """The share of finished requests at or below each latency: a panel per metric, a curve per system.

    `requests` holds a `requests_table` per system. A limit of `slo` on a metric is a vertical line.
    Raises InputError for a missing column.
    """
    for frame in requests.values():
        require_columns(frame, ["status", *metrics])
    figure = Picture(figsize=(3.5 * len(metrics), 3.9), layout="constrained")
    panels = figure.subplots(1, len(metrics), sharey=True, squeeze=False)[0].tolist()
    for axes, metric in zip(panels, metrics, strict=True):
        values = {system: _values(frame, metric) for system, frame in requests.items()}
        _draw(axes, values)
        limit, notes = limit_for(metric, slo), []
        if limit is not None:
            axes.axvline(limit, color=LIMIT_COLOUR, linestyle=":", linewidth=1.2)
            notes.append(f"SLO: {limit:g} ms")
        if any(len(cells) and not cells.any() for cells in values.values()):
            notes.append("0: all tokens at a batch's end")
        axes.set_title("; ".join(notes), color=LIMIT_COLOUR, fontsize="small")
        axes.set_xlabel(label(metric))
    panels[0].set(ylabel="Share of finished requests", ylim=(0, 1.02))
    figure.suptitle(title or "Latency of finished requests")
    legend_below(figure, _handles(requests, with_limit=slo is not None and any(m in slo.limits for m in metrics)))
    return figure


def _values(frame: pd.DataFrame, metric: str) -> Reals:
    return frame.loc[frame["status"] == "finished", metric].dropna().to_numpy(dtype=np.float64)


def _draw(axes: Axes, values: dict[str, Reals]) -> None:
    look = looks(values)
    shares = np.linspace(0, 1, POINTS)
    found = [cells for cells in values.values() if len(cells)]
    for system, cells in values.items():
        if len(cells):
            colour, _, line = look[system]
            axes.plot(np.quantile(cells, shares), shares, color=colour, linestyle=line, linewidth=1.6)
    low, high = (min(float(c.min()) for c in found), max(float(c.max()) for c in found)) if found else (1.0, 1.0)
    if low > 0 and high > WIDE * low:
        log_scale(axes, "x", decades=log10(high / low))


def _handles(systems: Iterable[str], *, with_limit: bool) -> list[Artist]:
    handles: list[Artist] = [
        Line2D([], [], color=look.colour, linestyle=look.line, label=system) for system, look in looks(systems).items()
    ]
    if with_limit:
        handles.append(Line2D([], [], color=LIMIT_COLOUR, linestyle=":", label="SLO"))
    return handles
