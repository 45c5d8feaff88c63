"""A tornado: how far each choice, changed alone, moves one number."""

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.figure import Figure

from s3sim.report.figures.axes import LIMIT_COLOUR
from s3sim.report.figures.style import Picture, in_style

__all__ = ["Bar", "tornado"]

LESS, MORE = "#D55E00", "#046CEE"  # orca's and s3's colours: told apart by every eye


class Bar(NamedTuple):
    """A choice, and the number's mean and interval under it."""

    name: str
    value: float
    low: float
    high: float


@in_style
def tornado(bars: Sequence[Bar], *, base: float, x: str, title: str = "") -> Figure:
    """A bar from `base` to each choice's value, the farthest on top, with its interval as a line."""
    order = sorted(bars, key=lambda bar: abs(bar.value - base))
    figure = Picture(figsize=(8.4, 1.3 + 0.27 * len(order)), layout="constrained")
    axes = figure.subplots()
    for place, bar in enumerate(order):
        colour = MORE if bar.value >= base else LESS
        axes.barh(place, bar.value - base, left=base, height=0.7, color=colour)
        axes.plot([bar.low, bar.high], [place, place], color="black", linewidth=1.1)
        right = max(bar.value, bar.high, base)
        axes.annotate(f"{bar.value:.2f}", (right, place), (4, 0), textcoords="offset points", va="center", fontsize=8)
    axes.axvline(base, color=LIMIT_COLOUR, linewidth=1)
    axes.set_yticks(range(len(order)), [bar.name for bar in order], fontsize=8)
    axes.set_xlabel(x)
    axes.margins(x=0.08)
    axes.set_ylim(-0.6, len(order) - 0.4)
    axes.grid(axis="y", visible=False)
    figure.suptitle(title)
    return figure
