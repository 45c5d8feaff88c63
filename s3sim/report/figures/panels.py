"""Panels of lines: one quantity against another, a panel per setting and a line per system."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from s3sim.report.figures.axes import LIMIT_COLOUR, legend_below, log_scale
from s3sim.report.figures.bands import CUT, draw_band
from s3sim.report.figures.style import Look, Picture, in_style, looks

__all__ = ["Line", "panels"]

MOST_COLUMNS = 3
LARGEST, SMALLEST = 7.0, 3.0  # markers, points


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One system's means and, where there are several seeds, the ends of their intervals; all as long as `x`."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None


@in_style
def panels(
    lines: Mapping[str, Sequence[Line]],
    *,
    x: str,
    y: str,
    title: str = "",
    log: str = "",
    limit: float | None = None,
    limit_name: str = "",
) -> Figure:
    """A panel per key of `lines`, all on the same axes; `log` names logarithmic ones, as in "xy".

    Bands are the lines' intervals, of quantities that are not negative; where one runs out of the picture an arrow
    says so. `limit` is a level of y that all panels mark.
    """
    columns = 2 if len(lines) == 4 else min(MOST_COLUMNS, len(lines))
    rows = ceil(len(lines) / columns)
    figure = Picture(figsize=(1.2 + 3.2 * columns, 1.3 + 2.7 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    look = looks(line.name for group in lines.values() for line in group)
    for axes, (name, group) in zip(grid.flat, lines.items(), strict=False):
        _panel(axes, group, look, limit)
        axes.set_title(name)
    for axes in grid.flat[len(lines) :]:
        axes.set_visible(False)
    _scales(grid.flat[0], lines, log)
    for axes in grid[-1]:
        axes.set_xlabel(x)
    for axes in grid[:, 0]:
        axes.set_ylabel(y)
    bands = [_bands(axes, group, look) for axes, group in zip(grid.flat, lines.values(), strict=False)]
    figure.suptitle("\n".join(filter(None, (title, CUT if any(bands) else ""))))
    legend_below(figure, _handles(look, limit, limit_name))
    return figure


def _panel(axes: Axes, group: Sequence[Line], look: Mapping[str, Look], limit: float | None) -> None:
    for rank, line in enumerate(group):
        colour, marker, style = look[line.name]
        size = max(SMALLEST, LARGEST - rank)  # so that a line shows beneath one that lies on it
        axes.plot(line.x, line.y, color=colour, marker=marker, linestyle=style, markersize=size, linewidth=size / 3)
    if limit is not None:
        axes.axhline(limit, color=LIMIT_COLOUR, linestyle=":", linewidth=1.2)


def _bands(axes: Axes, group: Sequence[Line], look: Mapping[str, Look]) -> bool:
    """The intervals of a panel's lines; returns whether one runs out of the picture."""
    cut = False
    for line in group:
        if line.low is not None and line.high is not None:
            cut |= draw_band(axes, line.x, line.low, line.high, look[line.name].colour, alpha=0.16)
    return cut


def _scales(axes: Axes, lines: Mapping[str, Sequence[Line]], log: str) -> None:
    for which in ("x", "y"):
        values = np.array([v for group in lines.values() for line in group for v in getattr(line, which)], float)
        values = values[np.isfinite(values) & (values > 0)]
        if which in log and len(values):
            log_scale(axes, which, decades=float(np.log10(max(values.max() / values.min(), 2.0))))
            room = (values.max() / values.min()) ** 0.06 * 1.1  # by the means: an interval may reach down to 0
            axes.set(**{f"{which}lim": (values.min() / room, values.max() * room)})
        elif which == "y" and len(values):
            highest = max(max(line.high or line.y) for group in lines.values() for line in group)
            axes.set_ylim(0, 1.05 * highest)


def _handles(look: Mapping[str, Look], limit: float | None, name: str) -> list[Artist]:
    handles: list[Artist] = [
        Line2D([], [], color=colour, marker=marker, linestyle=style, markersize=4.5, label=system)
        for system, (colour, marker, style) in look.items()
    ]
    if limit is not None:
        handles.append(Line2D([], [], color=LIMIT_COLOUR, linestyle=":", label=name))
    return handles
