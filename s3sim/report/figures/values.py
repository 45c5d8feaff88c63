"""Small texts at the points of curves, each telling its swept value; one that would cover another is left out."""

from math import cos, hypot, pi, sin
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox

from s3sim.report.figures.placing import Curves, Pixels, Tag, box_at, dense

__all__ = ["label_values"]

SIZE = 6.5  # points
DISTANCE = 5.0  # points from a point to its text's nearest edge
DIRECTIONS = 12
CLEAR = 1.5  # pixels kept free around a text
SAME = 14.0  # pixels within which one text serves two points of the same value


def label_values(axes: Axes, tags: list[Tag], notes: list[Annotation], curves: Curves) -> None:
    """Write each tag beside its point; the axes' limits and the `notes`, which stay legible, must be final."""
    figure = axes.figure
    figure.draw_without_rendering()  # type: ignore[union-attr]  # places the notes
    data = np.vstack([dense(axes.transData.transform(np.column_stack(curve))) for curve in curves])
    taken = [Text.get_window_extent(note).padded(CLEAR) for note in notes]
    written: list[tuple[str, Pixels]] = []
    for tag in tags:
        anchor = axes.transData.transform((tag.x, tag.y))
        if any(text == tag.text and hypot(*(place - anchor)) < SAME for text, place in written):
            continue
        style: dict[str, Any] = {"xycoords": axes.transData, "textcoords": "offset points", "fontsize": SIZE}
        text = Annotation(tag.text, (tag.x, tag.y), xytext=(0, 0), color=tag.colour, **style)
        figure.add_artist(text)  # the axes' own texts are the notes
        text.set_in_layout(False)
        offset, box = _place(axes, text, anchor, data, taken)
        if box is None:
            text.remove()
            continue
        _move(text, offset)
        taken.append(box)
        written.append((tag.text, anchor))


def _place(
    axes: Axes, text: Annotation, anchor: Pixels, data: Pixels, taken: list[Bbox]
) -> tuple[tuple[float, float], Bbox | None]:
    """The offset that covers the least data, and the box there; none where all cover texts or leave the axes."""
    extent = Text.get_window_extent(text)
    best: tuple[float, tuple[float, float], Bbox | None] = (float("inf"), (0.0, 0.0), None)
    for index in range(DIRECTIONS):
        angle = 2 * pi * index / DIRECTIONS + pi / 2
        offset = DISTANCE * cos(angle), DISTANCE * sin(angle)
        box = box_at(anchor, (extent.width, extent.height), offset, scale=axes.figure.dpi / 72, margin=CLEAR)
        inside = axes.bbox.contains(box.x0, box.y0) and axes.bbox.contains(box.x1, box.y1)
        if inside and not any(box.overlaps(other) for other in taken):
            within = (data > (box.x0, box.y0)).all(axis=1) & (data < (box.x1, box.y1)).all(axis=1)
            best = min(best, (float(within.sum()), offset, box), key=lambda choice: choice[0])
    return best[1], best[2]


def _move(text: Annotation, offset: tuple[float, float]) -> None:
    across, along = offset
    text.set_position(offset)
    text.set_horizontalalignment("left" if across > 1 else "right" if across < -1 else "center")
    text.set_verticalalignment("bottom" if along > 1 else "top" if along < -1 else "center")
