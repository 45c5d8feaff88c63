"""Labels at points, placed where they cover neither data nor each other."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import cos, hypot, pi, sin
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.path import Path
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

__all__ = ["Curves", "Pixels", "Tag", "box_at", "dense", "place_tags"]

Pixels = NDArray[np.float64]
Curves = list[tuple[list[float], list[float]]]
MARGIN = 5.0  # pixels kept free around a label
DIRECTIONS = 16
DISTANCES = (9.0, 14.0, 20.0, 28.0, 38.0, 50.0, 64.0, 80.0, 100.0)  # points from a point to its label's nearest edge
ROUNDS = 4  # of placing each label anew, given the others
POINTS_PER_INCH = 72


@dataclass(frozen=True, slots=True)
class Tag:
    """A text that belongs to the point (x, y), in data coordinates."""

    x: float
    y: float
    text: str
    colour: str


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a label might stand: its offset in points, its box and its leader in pixels."""

    offset: tuple[float, float]
    box: Bbox
    leader: Path


def place_tags(axes: Axes, tags: list[Tag], curves: Curves) -> list[Annotation]:
    """Annotate the points so that `curves`, in data coordinates, stay visible; the axes' limits must be final."""
    axes.figure.draw_without_rendering()  # type: ignore[union-attr]  # fixes the layout, and so every pixel
    data = np.vstack([dense(axes.transData.transform(np.column_stack(curve))) for curve in curves])
    notes = [_annotate(axes, tag) for tag in tags]
    options = [_options(axes, tag, note, data) for tag, note in zip(tags, notes, strict=True)]
    chosen = [min(places, key=lambda place: place[1])[0] for places in options]
    for _ in range(ROUNDS):
        for index, places in enumerate(options):
            others = chosen[:index] + chosen[index + 1 :]
            chosen[index] = min(places, key=lambda place: place[1] + _conflicts(place[0], others))[0]
    for note, place in zip(notes, chosen, strict=True):
        across, along = place.offset
        note.set_position(place.offset)
        note.set_horizontalalignment("left" if across > 1 else "right" if across < -1 else "center")
        note.set_verticalalignment("bottom" if along > 1 else "top" if along < -1 else "center")
    return notes


def _annotate(axes: Axes, tag: Tag) -> Annotation:
    leader = {"arrowstyle": "-", "color": tag.colour, "linewidth": 0.7, "shrinkA": 0, "shrinkB": 5}
    style: dict[str, Any] = {"color": tag.colour, "fontsize": "small", "arrowprops": leader}
    note = axes.annotate(tag.text, (tag.x, tag.y), xytext=(0, 0), textcoords="offset points", **style)
    note.set_in_layout(False)
    return note


def _options(axes: Axes, tag: Tag, note: Annotation, data: Pixels) -> list[tuple[_Place, float]]:
    """Every place for a label, and what it costs there if it were alone: far, outside, or upon data."""
    size, anchor = Text.get_window_extent(note), axes.transData.transform((tag.x, tag.y))
    scale = axes.figure.dpi / POINTS_PER_INCH
    found = []
    for offset in _offsets():
        box = box_at(anchor, (size.width, size.height), offset, scale=scale)
        tip = anchor + np.array(offset) * scale
        cost = hypot(*offset) / 4 + _outside(axes.bbox, box) + 4 * _covered(box, data)
        found.append((_Place(offset, box, Path(np.array([anchor, tip]))), cost))
    return found


def _offsets() -> Iterator[tuple[float, float]]:
    for distance in DISTANCES:
        for index in range(DIRECTIONS):
            angle = 2 * pi * index / DIRECTIONS
            yield distance * cos(angle), distance * sin(angle)


def box_at(
    anchor: Pixels, size: tuple[float, float], offset: tuple[float, float], *, scale: float, margin: float = MARGIN
) -> Bbox:
    """A label's box in pixels, where its nearest corner or side is `offset` points from its anchor."""
    corner = [
        middle + shift * scale - (0 if shift > 1 else length if shift < -1 else length / 2)
        for middle, shift, length in zip(anchor, offset, size, strict=True)
    ]
    return Bbox.from_bounds(corner[0], corner[1], *size).padded(margin)


def _outside(axes: Bbox, box: Bbox) -> float:
    """Cost of leaving the axes, by pixels."""
    return 50 * float(max(0.0, axes.x0 - box.x0, box.x1 - axes.x1, axes.y0 - box.y0, box.y1 - axes.y1))


def _covered(box: Bbox, data: Pixels) -> int:
    """Pixels' worth of data under the box."""
    across, along = data[:, 0], data[:, 1]
    return int(np.count_nonzero((across > box.x0) & (across < box.x1) & (along > box.y0) & (along < box.y1)))


def _conflicts(place: _Place, others: list[_Place]) -> float:
    """Cost of covering, or of crossing, other labels and their leaders."""
    cost = 0.0
    for other in others:
        cost += 1000 * place.box.overlaps(other.box)
        cost += 300 * (place.leader.intersects_bbox(other.box, filled=False) + other.leader.intersects_bbox(place.box))
        cost += 100 * place.leader.intersects_path(other.leader, filled=False)
    return cost


def dense(curve: Pixels, *, spacing: float = 4.0) -> Pixels:
    """Points along a polyline, one every few pixels, and more at its ends."""
    parts = [curve]
    for start, end in pairwise(curve):
        count = max(2, int(hypot(*(end - start)) / spacing))
        parts.append(start + np.linspace(0, 1, count)[:, None] * (end - start))
    return np.vstack(parts)
