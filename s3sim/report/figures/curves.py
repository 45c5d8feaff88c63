"""Throughput against latency, swept over a setting: one curve per system."""

from collections.abc import Iterable
from math import log10
from typing import Any

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from s3sim.report.facts import ServiceLevel
from s3sim.report.figures.axes import LIMIT_COLOUR, label, legend_below, limit_for, log_scale
from s3sim.report.figures.bands import CUT, draw_band
from s3sim.report.figures.bound import BOUND_LABEL, BOUND_LINE, BOUNDED, common_bound
from s3sim.report.figures.placing import Tag, place_tags
from s3sim.report.figures.points import Curve, Point, curves, value_text
from s3sim.report.figures.style import Look, Picture, darker, in_style, looks
from s3sim.report.figures.values import label_values

__all__ = ["HOLLOW", "hollow", "hollow_handle", "throughput_latency"]

HOLLOW: dict[str, Any] = {"marker": "o", "markersize": 4.5, "markerfacecolor": "white", "color": "#555555"}
WIDE = 15.0  # ratio of largest to smallest from which an axis is logarithmic


@in_style
def throughput_latency(
    summary: pd.DataFrame,
    *,
    x: str = "request_throughput",
    y: str = "normalized_latency_ms",
    swept_over: str,
    slo: ServiceLevel | None = None,
    title: str = "",
) -> Figure:
    """One metric against another, a curve per system through its points in the order of the swept value.

    No metric is negative, and no band reaches below 0; where one runs out of the picture an arrow says so.

    `summary` has a row per system, swept value and seed, with the columns system, seed, `swept_over`,
    `x`, `y` and, if there is one, mean_batch_size. Several seeds give a 95% band around their mean.
    The last point of each curve is ringed and labelled, where max_num_seqs is swept with its mean
    batch, and as the wall if its last rise let no more run: there memory bounds the batch (or all
    requests run at once). Small texts give the swept value at each point, once where points of the same value
    meet. Hollow points were saturated, or bursts too short, in some seed. A dashed line is the upper bound of
    the throughput, where all points have one and the same.
    Raises InputError for a column that is missing.
    """
    found = curves(summary, x=x, y=y, swept_over=swept_over)
    look = looks(curve.system for curve in found)
    figure = Picture(figsize=(7.6, 5.2), layout="constrained")
    axes = figure.subplots()
    for curve in found:
        _draw(axes, curve, look[curve.system])
    limit = limit_for(y, slo)
    if limit is not None:
        axes.axhline(limit, color=LIMIT_COLOUR, linestyle=":", linewidth=1.2)
    bound = common_bound(summary) if x == BOUNDED else None
    _scale(axes, found, limit, bound)
    cut = [_band(axes, curve, look[curve.system].colour) for curve in found]
    axes.set(xlabel=label(x), ylabel=label(y))
    figure.suptitle("\n".join(filter(None, (title, f"Swept over {swept_over}: {_range(found)} (texts at the points)"))))
    bounded = swept_over.endswith("max_num_seqs")
    ring = "last point (wall: no more can run)" if bounded else "last point"
    legend_below(figure, [*_handles(found, look, limit, ring, cut=any(cut)), *_bound_handle(bound)])
    tags = [_tag(curve, look[curve.system], bounded=bounded) for curve in found]
    means = [_means(curve) for curve in found]
    values = [_value_tag(point, look[curve.system]) for curve in found for point in curve.points]
    label_values(axes, values, place_tags(axes, tags, means), means)
    return figure


def hollow(axes: Axes, curve: Curve, look: Look) -> None:
    """Empty the markers of saturated points, and of bursts too short."""
    points = [point for point in curve.points if point.hollow]
    if points:
        style = HOLLOW | {"marker": look.marker, "color": look.colour, "linestyle": "none"}
        axes.plot([point.x.mean for point in points], [point.y.mean for point in points], **style)


def hollow_handle(points: Iterable[Point]) -> list[Artist]:
    """A legend's entry that says why points are hollow; none where none is."""
    known = list(points)
    why = {"saturated": any(p.saturated for p in known), "burst too short": any(p.too_short for p in known)}
    words = " or ".join(name for name, holds in why.items() if holds)
    return [Line2D([], [], **HOLLOW, ls="none", label=words)] if words else []


def _value_tag(point: Point, look: Look) -> Tag:
    return Tag(point.x.mean, point.y.mean, value_text(point.value), darker(look.colour))


def _means(curve: Curve) -> tuple[list[float], list[float]]:
    return [point.x.mean for point in curve.points], [point.y.mean for point in curve.points]


def _draw(axes: Axes, curve: Curve, look: Look) -> None:
    xs, ys = _means(curve)
    axes.plot(xs, ys, color=look.colour, marker=look.marker, linestyle=look.line, markersize=4.5, linewidth=1.5)
    hollow(axes, curve, look)
    axes.plot(xs[-1:], ys[-1:], marker="o", markersize=11, fillstyle="none", color=look.colour, linestyle="none")


def _band(axes: Axes, curve: Curve, colour: str) -> bool:
    """The curve's intervals; returns whether one runs out of the picture."""
    if not any(point.y.half for point in curve.points):
        return False
    low, high = zip(*(point.y.ends(least=0.0) for point in curve.points), strict=True)
    return draw_band(axes, _means(curve)[0], low, high, colour)


def _scale(axes: Axes, found: list[Curve], limit: float | None, bound: float | None) -> None:
    """Limits after the means and the bound, with room for labels: a wide interval may run out of the picture."""
    values = [value for curve in found for value in _means(curve)[1]] + ([] if limit is None else [limit])
    low, high = min(values), max(values)
    if low > 0 and high > WIDE * low:
        log_scale(axes, "y", decades=log10(high / low))
        room = (high / low) ** 0.12
        axes.set_ylim(low / room, high * room)
    else:
        axes.set_ylim(0, 1.12 * high)
    axes.set_xlim(0, max(1.2 * max(max(_means(curve)[0]) for curve in found), 1.06 * (bound or 0.0)))
    if bound is not None:
        axes.axvline(bound, **BOUND_LINE)


def _bound_handle(bound: float | None) -> list[Artist]:
    return [] if bound is None else [Line2D([], [], label=BOUND_LABEL, **BOUND_LINE)]


def _tag(curve: Curve, look: Look, *, bounded: bool) -> Tag:
    last, text = curve.points[-1], curve.system
    if bounded and last.batch is not None:
        text += f"\n{'wall, ' if curve.at_wall else ''}batch {last.batch:.0f}"
    return Tag(last.x.mean, last.y.mean, text, darker(look.colour))


def _range(found: list[Curve]) -> str:
    values = dict.fromkeys(point.value for curve in found for point in curve.points)
    numbers = [value_text(value) for value in sorted(value for value in values if value is not None)]
    return ", ".join([*numbers, *(["null"] if None in values else [])])


def _handles(found: list[Curve], look: dict[str, Look], limit: float | None, ring: str, *, cut: bool) -> list[Artist]:
    handles: list[Artist] = []
    for curve in found:
        colour, marker, line = look[curve.system]
        handles.append(Line2D([], [], color=colour, marker=marker, linestyle=line, markersize=4.5, label=curve.system))
    handles.append(Line2D([], [], marker="o", markersize=10, fillstyle="none", color="#555555", ls="none", label=ring))
    if any(point.y.half is not None for curve in found for point in curve.points):
        handles.append(Patch(color="#888888", alpha=0.3, label="95% interval over seeds"))
    if cut:
        handles.append(Line2D([], [], color="#555555", marker="v", linestyle="none", label=CUT))
    handles += hollow_handle(point for curve in found for point in curve.points)
    if limit is not None:
        handles.append(Line2D([], [], color=LIMIT_COLOUR, linestyle=":", label=f"SLO: {limit:g} ms"))
    return handles
