"""Metrics as bars: one system beside the other."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from s3sim.core.errors import UnknownNameError
from s3sim.report.figures.axes import label
from s3sim.report.figures.points import require_columns
from s3sim.report.figures.style import Look, in_style, looks
from s3sim.report.intervals import Interval, mean_interval

__all__ = ["bars"]

BASELINE = "orca"  # what the paper compares with: Jin et al., "S³", NeurIPS 2023


@in_style
def bars(
    summary: pd.DataFrame,
    metrics: Sequence[str] = ("request_throughput",),
    *,
    baseline: str | None = None,
    title: str = "",
) -> Figure:
    """The mean of each metric over the seeds: a panel per metric, a bar per system, in the order of the frame.

    `summary` has a row per system and seed. Several seeds give a 95% interval. Each bar bears its
    value and, in brackets, its ratio to the baseline's: `baseline`, or orca, or else the first system.
    Raises InputError for a missing column, UnknownNameError for a baseline that is no system.
    """
    require_columns(summary, ["system", *metrics])
    systems = list(dict.fromkeys(summary["system"]))
    if baseline is not None and baseline not in systems:
        raise UnknownNameError("system", baseline, systems, place="baseline")
    reference = baseline or (BASELINE if BASELINE in systems else systems[0])
    figure = Figure(figsize=(1.6 + max(3.2, 1.15 * len(systems)) * len(metrics), 4.4), layout="constrained")
    panels = figure.subplots(1, len(metrics), squeeze=False)[0].tolist()
    for axes, metric in zip(panels, metrics, strict=True):
        _draw(axes, {system: _interval(summary, system, metric) for system in systems}, looks(systems), reference)
        axes.set_ylabel(label(metric).replace(" (", "\n("))
    several = summary.groupby("system").size().max() > 1
    note = f"in brackets: ratio to {reference}" + ("; lines: 95% interval over seeds" if several else "")
    figure.suptitle("\n".join(filter(None, (title, note))))
    return figure


def _interval(summary: pd.DataFrame, system: str, metric: str) -> Interval | None:
    values = summary.loc[summary["system"] == system, metric].dropna().astype(float).tolist()
    return mean_interval(values) if values else None


def _draw(axes: Axes, heights: dict[str, Interval | None], look: dict[str, Look], reference: str) -> None:
    base = heights[reference]
    tops = [height.mean + (height.half or 0.0) for height in heights.values() if height is not None]
    for place, (system, height) in enumerate(heights.items()):
        if height is None:
            axes.annotate("no value", (place, 0), (0, 3), textcoords="offset points", ha="center", va="bottom")
            continue
        axes.bar(place, height.mean, width=0.68, color=look[system].colour)
        if height.half is not None:
            axes.errorbar(place, height.mean, yerr=height.half, color="black", capsize=4, linewidth=1.1)
        ratio = f"\n({height.mean / base.mean:.2f}×)" if base is not None and base.mean else ""
        top = height.mean + (height.half or 0.0)
        text = _number(height.mean) + ratio
        axes.annotate(text, (place, top), (0, 3), textcoords="offset points", ha="center", va="bottom")
    axes.set_xticks(range(len(heights)), list(heights), rotation=0 if len(heights) <= 5 else 20)
    axes.set_xlim(-0.6, len(heights) - 0.4)
    axes.set_ylim(0, 1.22 * max(tops, default=1.0) or 1.0)
    axes.grid(axis="x", visible=False)
    axes.set_xlabel("System")


def _number(value: float) -> str:
    """Three significant digits, or all that stand before the point."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:#.3g}".rstrip(".")
