"""Labels at points, placed where they cover neither data nor each other."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import cos, pi, sin

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

__all__ = ["Tag", "place_tags"]

Pixels = NDArray[np.float64]
Curves = list[tuple[list[float], list[float]]]
MARGIN = 3.0  # pixels kept free around a label
DIRECTIONS = 16
DISTANCES = (10.0, 16.0, 24.0, 34.0, 46.0, 60.0, 80.0)  # points between a label's nearest corner or side and its point
POINTS_PER_INCH = 72


@dataclass(frozen=True, slots=True)
class Tag:
    """A text that belongs to the point (x, y), in data coordinates."""

    x: float
    y: float
    text: str
    colour: str


def place_tags(axes: Axes, tags: list[Tag], curves: Curves) -> list[Annotation]:
    """Annotate the points so that `curves`, in data coordinates, stay visible; the axes' limits must be final."""
    axes.figure.draw_without_rendering()  # type: ignore[union-attr]  # fixes the layout, and so every pixel
    data = np.vstack([_dense(axes.transData.transform(np.column_stack(curve))) for curve in curves])
    placed: list[Bbox] = []
    return [_place(axes, tag, data, placed) for tag in tags]


def _place(axes: Axes, tag: Tag, data: Pixels, placed: list[Bbox]) -> Annotation:
    note = _annotate(axes, tag)
    size = Text.get_window_extent(note)
    anchor = axes.transData.transform((tag.x, tag.y))
    best_cost, best_offset, best_box = np.inf, (0.0, 0.0), size
    for distance, offset in _offsets():
        box = _box(anchor, (size.width, size.height), offset, axes.figure.dpi / POINTS_PER_INCH)
        cost = distance / 10 + _cost(axes.bbox, box, data, placed)
        if cost < best_cost:
            best_cost, best_offset, best_box = cost, offset, box
    note.set_position(best_offset)
    note.set_horizontalalignment("left" if best_offset[0] > 1 else "right" if best_offset[0] < -1 else "center")
    note.set_verticalalignment("bottom" if best_offset[1] > 1 else "top" if best_offset[1] < -1 else "center")
    placed.append(best_box)
    return note


def _annotate(axes: Axes, tag: Tag) -> Annotation:
    leader = {"arrowstyle": "-", "color": tag.colour, "linewidth": 0.7, "shrinkA": 1, "shrinkB": 6}
    note = axes.annotate(
        tag.text, (tag.x, tag.y), xytext=(0, 0), textcoords="offset points", color=tag.colour, fontsize="small",
        arrowprops=leader,
    )  # fmt: skip
    note.set_in_layout(False)
    return note


def _offsets() -> Iterator[tuple[float, tuple[float, float]]]:
    for distance in DISTANCES:
        for index in range(DIRECTIONS):
            angle = 2 * pi * index / DIRECTIONS
            yield distance, (distance * cos(angle), distance * sin(angle))


def _box(anchor: Pixels, size: tuple[float, float], offset: tuple[float, float], scale: float) -> Bbox:
    """The label's box in pixels, where its nearest corner or side is `offset` points from its anchor."""
    corner = [
        middle + shift * scale - (0 if shift > 1 else length if shift < -1 else length / 2)
        for middle, shift, length in zip(anchor, offset, size, strict=True)
    ]
    return Bbox.from_bounds(corner[0], corner[1], *size).padded(MARGIN)


def _cost(inside: Bbox, box: Bbox, data: Pixels, placed: list[Bbox]) -> float:
    """How bad a place is: labels covered weigh most, then what is outside the axes, then data covered."""
    covered = np.count_nonzero(
        (data[:, 0] > box.x0) & (data[:, 0] < box.x1) & (data[:, 1] > box.y0) & (data[:, 1] < box.y1)
    )
    outside = max(0.0, inside.x0 - box.x0, box.x1 - inside.x1, inside.y0 - box.y0, box.y1 - inside.y1)
    return float(1000 * box.count_overlaps(placed) + 10 * outside + covered)


def _dense(curve: Pixels, *, pieces: int = 60) -> Pixels:
    """Points along a polyline."""
    share = np.linspace(0, 1, pieces)[:, None]
    parts = [start + share * (end - start) for start, end in pairwise(curve)]
    return np.vstack([curve, *parts])
