"""Utilisation and batch size against the batch size asked for, up to where memory stops it."""

from dataclasses import replace
from math import log10

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from s3sim.report.figures.axes import LIMIT_COLOUR, label, legend_below, log_scale
from s3sim.report.figures.curves import HOLLOW, hollow_handle
from s3sim.report.figures.placing import Tag, place_tags
from s3sim.report.figures.points import Curve, curves, value_text
from s3sim.report.figures.style import Look, Picture, darker, in_style, looks

__all__ = ["utilisation"]

BATCH = "mean_batch_size"
NOTE = "ringed: the memory cliff, from which on a larger limit gives no larger batch"
FEW = 5  # systems whose batch stands beside its ring; where there are more, all stand in the legend
Metrics = tuple[str, ...]


@in_style
def utilisation(
    summary: pd.DataFrame,
    *,
    metrics: Metrics = ("compute_utilisation", "bandwidth_utilisation", BATCH),
    swept_over: str = "max_num_seqs",
    title: str = "",
) -> Figure:
    """Each metric against the swept batch size, a panel per metric and a curve per system.

    `summary` has a row per system, swept value and seed, with the columns system, `swept_over`,
    mean_batch_size and the metrics. The memory cliff of a system, from which on asking for more gives no larger
    batch, is ringed in all panels, and labelled with that batch. A value left open (null) stands behind
    the largest. Raises InputError for a column that is missing.
    """
    found = {metric: curves(summary, x=BATCH, y=metric, swept_over=swept_over) for metric in metrics}
    places = _places(next(iter(found.values())))
    figure = Picture(figsize=(7.6, 1.2 + 2.4 * len(metrics)), layout="constrained")
    panels: list[Axes] = figure.subplots(len(metrics), 1, sharex=True, squeeze=False)[:, 0].tolist()
    for axes, (metric, group) in zip(panels, found.items(), strict=True):
        _panel(axes, metric, group, places)
    _ticks(panels[-1], places, swept_over)
    figure.suptitle(
        "\n".join(filter(None, (title, "ringed: the memory cliff, from which on a larger limit gives no larger batch")))
    )
    group = found[metrics[-1]]
    look = looks(curve.system for curve in group)
    legend_below(figure, _handles(group, look, with_asked=BATCH in metrics))
    stopped = _stopped(group)
    if 0 < len(stopped) <= FEW:
        tags = [Tag(*_cliff(curve, places), _text(curve), darker(look[curve.system].colour)) for curve in stopped]
        place_tags(panels[-1], tags, [_line(curve, places) for curve in group])
    return figure


def _places(group: list[Curve]) -> dict[float | None, float]:
    """Where the swept values stand: at themselves, and null behind the largest."""
    values = sorted({point.value for curve in group for point in curve.points if point.value is not None})
    return {value: value for value in values} | {None: 2 * max(values, default=1.0)}


def _line(curve: Curve, places: dict[float | None, float]) -> tuple[list[float], list[float]]:
    return [places[point.value] for point in curve.points], [point.y.mean for point in curve.points]


def _stopped(group: list[Curve]) -> list[Curve]:
    return [curve for curve in group if curve.cliff is not None]


def _cliff(curve: Curve, places: dict[float | None, float]) -> tuple[float, float]:
    point = curve.points[curve.cliff or 0]
    return places[point.value], point.y.mean


def _text(curve: Curve) -> str:
    batch = None if curve.cliff is None else curve.points[curve.cliff].batch
    return curve.system if batch is None else f"{curve.system}: batch {batch:.0f}"


def _panel(axes: Axes, metric: str, group: list[Curve], places: dict[float | None, float]) -> None:
    look, highest = looks(curve.system for curve in group), 0.0
    for curve in group:
        colour, marker, line = look[curve.system]
        xs, ys = _line(curve, places)
        axes.plot(xs, ys, color=colour, marker=marker, linestyle=line, markersize=4, linewidth=1.4)
        highest = max(highest, *ys)
        short = [place for place, point in enumerate(curve.points) if point.too_short]
        own = {"color": colour, "marker": marker, "linestyle": "none"}
        axes.plot([xs[place] for place in short], [ys[place] for place in short], **HOLLOW | own)
    for curve in _stopped(group):
        colour, (x, y) = look[curve.system].colour, _cliff(curve, places)
        axes.plot([x], [y], marker="o", markersize=11, fillstyle="none", color=colour, linestyle="none")
    axes.set_ylabel(label(metric).replace(" (", "\n("))
    if metric == BATCH:
        numbers = [value for value in places if value is not None and value <= 1.6 * highest]
        axes.plot(numbers, numbers, color=LIMIT_COLOUR, linewidth=0.8, linestyle="--", zorder=1)
        lowest = min(y for curve in group for y in _line(curve, places)[1])
        log_scale(axes, "y", decades=log10(max(highest / lowest, 10.0)))
        axes.set_ylim(lowest / 1.3, 1.6 * highest)
    else:
        axes.set_ylim(0, 1.12 * highest or 1.0)


def _ticks(axes: Axes, places: dict[float | None, float], swept_over: str) -> None:
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(FixedLocator(list(places.values())))
    axes.xaxis.set_major_formatter(FixedFormatter([value_text(value) for value in places]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel(f"Most sequences asked for, {swept_over} (sequences)")


def _handles(group: list[Curve], look: dict[str, Look], *, with_asked: bool) -> list[Artist]:
    handles: list[Artist] = []
    for curve in group:
        colour, marker, line = look[curve.system]
        text = _text(curve) if len(_stopped(group)) > FEW else curve.system
        handles.append(Line2D([], [], color=colour, marker=marker, linestyle=line, markersize=4.5, label=text))
    ring = {"marker": "o", "markersize": 10, "fillstyle": "none", "color": "#555555", "linestyle": "none"}
    handles.append(Line2D([], [], label="memory cliff", **ring))  # type: ignore[arg-type]
    handles += hollow_handle(replace(point, saturated=False) for curve in group for point in curve.points)
    if with_asked:
        handles.append(Line2D([], [], color=LIMIT_COLOUR, linewidth=0.8, linestyle="--", label="as many as asked"))
    return handles
