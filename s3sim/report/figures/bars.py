"""Metrics as bars: one system beside the other."""

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from s3sim.core.errors import UnknownNameError
from s3sim.report.cautions import marks
from s3sim.report.figures.axes import label
from s3sim.report.figures.bound import BOUND_LABEL, BOUND_LINE, BOUNDED, ON_LINE, common_bound
from s3sim.report.figures.points import require_columns
from s3sim.report.figures.style import Look, Picture, in_style, looks
from s3sim.report.intervals import Interval, mean_interval
from s3sim.report.paired import BASELINE

__all__ = ["bars"]

FEW = 6  # systems that stand beside each other; more lie below each other


@in_style
def bars(
    summary: pd.DataFrame,
    metrics: Sequence[str] = ("request_throughput",),
    *,
    baseline: str | None = None,
    title: str = "",
) -> Figure:
    """The mean of each metric over the seeds: a panel per metric, a bar per system, in the order of the frame.

    `summary` has a row per system and seed. Many systems lie below each other, so that their names stay
    legible. Several seeds give a 95% interval. Each bar bears its
    value and, in brackets, its ratio to the baseline's: `baseline`, or orca, or else the first system. Hollow bars
    are of bursts too short in some seed. A dashed line is the upper bound of the throughput, where all have one.
    Raises InputError for a missing column, UnknownNameError for a baseline that is no system.
    """
    require_columns(summary, ["system", *metrics])
    systems = list(dict.fromkeys(summary["system"]))
    if baseline is not None and baseline not in systems:
        raise UnknownNameError("system", baseline, systems, place="baseline")
    short = {str(system) for system, rows in summary.groupby("system") if "†" in marks(rows)}
    look = {name: _Fill.of(one, hollow=name in short) for name, one in looks(systems).items()}
    reference = baseline or (BASELINE if BASELINE in systems else systems[0])
    lying = len(systems) > FEW
    size = (1.6 + 5.4 * len(metrics), 1.5 + 0.36 * len(systems))
    if not lying:
        size = (1.6 + max(3.2, 1.15 * len(systems)) * len(metrics), 4.4)
    figure = Picture(figsize=size, layout="constrained")
    panels = figure.subplots(1, len(metrics), squeeze=False)[0].tolist()
    for axes, metric in zip(panels, metrics, strict=True):
        heights = {system: _interval(summary, system, metric) for system in systems}
        bound = common_bound(summary) if metric == BOUNDED else None
        draw = _draw_lying if lying else _draw
        draw(axes, heights, look, reference, bound)
        (axes.set_xlabel if lying else axes.set_ylabel)(label(metric) if lying else label(metric).replace(" (", "\n("))
    several = summary.groupby("system").size().max() > 1
    note = f"in brackets: ratio to {reference}" + ("; lines: 95% interval over seeds" if several else "")
    note += "; hollow: burst too short" if short else ""
    dashed = f"dashed: {BOUND_LABEL}" if BOUNDED in metrics and common_bound(summary) is not None else ""
    figure.suptitle("\n".join(filter(None, (title, note, dashed))))
    return figure


class _Fill(NamedTuple):
    """How a bar is drawn: its face, and its edge."""

    face: str
    edge: str

    @classmethod
    def of(cls, look: Look, *, hollow: bool) -> "_Fill":
        """In a system's colour, or with that as its edge alone."""
        return cls("white" if hollow else look.colour, look.colour)


def _interval(summary: pd.DataFrame, system: str, metric: str) -> Interval | None:
    values = summary.loc[summary["system"] == system, metric].dropna().astype(float).tolist()
    return mean_interval(values) if values else None


def _draw(
    axes: Axes, heights: dict[str, Interval | None], look: dict[str, _Fill], reference: str, bound: float | None
) -> None:
    for place, (system, height) in enumerate(heights.items()):
        if height is None:
            axes.annotate("no value", (place, 0), (0, 3), textcoords="offset points", ha="center", va="bottom")
            continue
        axes.bar(place, height.mean, width=0.68, color=look[system].face, edgecolor=look[system].edge)
        if height.half is not None:
            axes.errorbar(place, height.mean, yerr=_reach(height), color="black", capsize=4, linewidth=1.1)
        text = "\n".join(_texts(height, heights[reference]))
        spot = (place, _top(height))
        axes.annotate(text, spot, (0, 3), textcoords="offset points", ha="center", va="bottom", bbox=ON_LINE)
    axes.set_xticks(range(len(heights)), list(heights), rotation=0 if len(heights) <= 5 else 20)
    axes.set_xlim(-0.6, len(heights) - 0.4)
    axes.set_ylim(0, max(1.22 * _highest(heights), 1.06 * (bound or 0.0)))
    if bound is not None:
        axes.axhline(bound, **BOUND_LINE)
    axes.grid(axis="x", visible=False)
    axes.set_xlabel("System")


def _draw_lying(
    axes: Axes, heights: dict[str, Interval | None], look: dict[str, _Fill], reference: str, bound: float | None
) -> None:
    for place, (system, height) in enumerate(heights.items()):
        if height is None:
            axes.annotate("no value", (0, place), (4, 0), textcoords="offset points", ha="left", va="center")
            continue
        axes.barh(place, height.mean, height=0.72, color=look[system].face, edgecolor=look[system].edge)
        if height.half is not None:
            axes.errorbar(height.mean, place, xerr=_reach(height), color="black", capsize=3, linewidth=1.1)
        text = " ".join(_texts(height, heights[reference]))
        spot = (_top(height), place)
        axes.annotate(text, spot, (4, 0), textcoords="offset points", ha="left", va="center", bbox=ON_LINE)
    axes.set_yticks(range(len(heights)), list(heights))
    axes.set_ylim(len(heights) - 0.4, -0.6)
    axes.set_xlim(0, max(1.28 * _highest(heights), 1.06 * (bound or 0.0)))
    if bound is not None:
        axes.axvline(bound, **BOUND_LINE)
    axes.grid(axis="y", visible=False)
    axes.set_ylabel("System")


def _texts(height: Interval, base: Interval | None) -> list[str]:
    """A bar's value, and its ratio to the baseline's."""
    return [_number(height.mean), *([f"({height.mean / base.mean:.2f}×)"] if base is not None and base.mean else [])]


def _reach(height: Interval) -> list[list[float]]:
    """How far an interval reaches down and up, as matplotlib takes it; no metric is below 0."""
    low, high = height.ends(least=0.0)
    return [[height.mean - low], [high - height.mean]]


def _top(height: Interval) -> float:
    return height.mean + (height.half or 0.0)


def _highest(heights: dict[str, Interval | None]) -> float:
    return max([_top(height) for height in heights.values() if height is not None], default=1.0) or 1.0


def _number(value: float) -> str:
    """Three significant digits, or all that stand before the point."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:#.3g}".rstrip(".")
