"""Bands of intervals along curves, also where a curve turns back; what runs out of the picture is cut, and marked."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from numpy.typing import NDArray

__all__ = ["CUT", "draw_band", "quads"]

Reals = NDArray[np.float64]
CUT = "interval goes on"
ARROW = 5.0  # points


def draw_band(
    axes: Axes,
    xs: Sequence[float],
    low: Sequence[float],
    high: Sequence[float],
    colour: str,
    *,
    least: float = 0.0,
    alpha: float = 0.18,
) -> bool:
    """Fill between the ends of each point's interval; returns whether one runs out of the picture.

    The axes' limits must be final. No quantity is below `least`, so no interval goes on there. An end beyond the
    limits, such as one at 0 of a logarithmic axis, is drawn at the limit, and marked by an arrow.
    """
    bottom, top = axes.get_ylim()
    ends = np.maximum(np.asarray(low, float), least), np.asarray(high, float)
    inside = np.clip(ends[0], bottom, top), np.clip(ends[1], bottom, top)
    parts = quads(np.asarray(xs, float), *inside)
    if parts and np.ptp(xs):
        path = Path.make_compound_path(*(Path(part, closed=True) for part in parts))
        whole = PatchCollection([PathPatch(path)], facecolor=colour, alpha=alpha, linewidth=0)
        axes.add_collection(whole, autolim=False)
    else:  # a band without width
        axes.vlines(xs, *inside, colors=colour, alpha=2 * alpha, linewidth=3)
    cut = False
    for marker, level, beyond in (("v", bottom, ends[0] < bottom), ("^", top, ends[1] > top)):
        cut |= bool(beyond.any())
        for x in np.asarray(xs, float)[beyond]:
            arrow = Line2D([x], [level], color=colour, marker=marker, markersize=ARROW, clip_on=False, zorder=3)
            axes.add_artist(arrow)
    return cut


def quads(xs: Reals, low: Reals, high: Reals) -> list[Reals]:
    """The band between each two neighbours, shape (5, 2) and counterclockwise, so that none cuts a hole in another."""
    found = []
    for one, other in pairwise(range(len(xs))):
        left, right = (one, other) if xs[one] <= xs[other] else (other, one)
        corners = [(left, low), (right, low), (right, high), (left, high), (left, low)]
        found.append(np.array([(xs[place], ends[place]) for place, ends in corners]))
    return found
