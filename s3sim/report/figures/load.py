"""What share of the requests keeps the SLO as the load rises: attainment and goodput, one curve per system."""

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from s3sim.report.facts import ServiceLevel
from s3sim.report.figures.axes import label, legend_below
from s3sim.report.figures.curves import hollow, hollow_handle
from s3sim.report.figures.points import Curve, Point, curves, require_columns
from s3sim.report.figures.style import Look, Picture, in_style, looks

__all__ = ["slo_over_load"]

METRICS = ("slo_attainment", "request_goodput")
RATE = "arrivals.rate"


@in_style
def slo_over_load(summary: pd.DataFrame, *, swept_over: str, slo: ServiceLevel, title: str = "") -> Figure:
    """SLO attainment, and goodput, against the offered rate; several seeds give 95% bands around their means.

    `summary` has a row per system, swept value and seed, with system, seed, `swept_over`, both metrics and, unless
    `swept_over` is arrivals.rate, offered_rate, of which the mean over all rows of a swept value is drawn.
    Hollow points were saturated in some seed. Raises InputError for a column that is missing.
    """
    require_columns(summary, ["system", swept_over, *METRICS, *([] if swept_over == RATE else ["offered_rate"])])
    measured = summary.groupby(swept_over)["offered_rate"].transform("mean") if swept_over != RATE else None
    offered = summary[swept_over] if measured is None else measured
    rows = summary.assign(offered=offered.astype(float))
    figure = Picture(figsize=(9.6, 4.6), layout="constrained")
    panels = figure.subplots(1, 2).tolist()
    look = looks(rows["system"])
    drawn: list[Point] = []
    for axes, metric in zip(panels, METRICS, strict=True):
        found = curves(rows, x="offered", y=metric, swept_over=swept_over)
        for curve in found:
            drawn += curve.points
            _draw(axes, curve, look[curve.system], most=1.0 if metric == "slo_attainment" else np.inf)
        axes.set(xlabel="Offered rate (requests/s)", ylabel=label(metric))
        axes.set_xlim(0, 1.04 * rows["offered"].max())
    panels[0].set_ylim(0, 1.05)
    highest = rows["offered"].max()
    panels[1].plot([0, highest], [0, highest], color="#888888", linestyle=":", linewidth=1.2, zorder=1)
    panels[1].set_ylim(0, None)
    limits = ", ".join(f"{name.removesuffix('_ms')} ≤ {limit:g} ms" for name, limit in slo.limits.items())
    figure.suptitle("\n".join(filter(None, (title, f"Swept over {swept_over}; SLO: {limits}"))))
    legend_below(figure, _handles(rows, look, drawn))
    return figure


def _draw(axes: Axes, curve: Curve, look: Look, *, most: float) -> None:
    xs, ys = [point.x.mean for point in curve.points], np.array([point.y.mean for point in curve.points])
    axes.plot(xs, ys, color=look.colour, marker=look.marker, linestyle=look.line, markersize=4.5, linewidth=1.5)
    halves = np.array([point.y.half or 0.0 for point in curve.points])
    if halves.any():
        low, high = np.maximum(ys - halves, 0), np.minimum(ys + halves, most)
        axes.fill_between(xs, low, high, color=look.colour, alpha=0.16, linewidth=0)
    hollow(axes, curve, look)


def _handles(rows: pd.DataFrame, look: dict[str, Look], points: list[Point]) -> list[Artist]:
    handles: list[Artist] = [
        Line2D([], [], color=colour, marker=marker, linestyle=line, markersize=4.5, label=system)
        for system, (colour, marker, line) in look.items()
    ]
    handles.append(Line2D([], [], color="#888888", linestyle=":", label="all that is offered"))
    if rows.groupby(["system", "offered"])["seed"].nunique().max() > 1:
        handles.append(Patch(color="#888888", alpha=0.3, label="95% interval over seeds"))
    return handles + hollow_handle(points)
