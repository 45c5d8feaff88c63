"""A map of the KV address space over time."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import StrMethodFormatter
from numpy.typing import NDArray

from s3sim.report.figures.axes import legend_below
from s3sim.report.figures.points import require_columns
from s3sim.report.figures.style import Picture, in_style
from s3sim.report.figures.timeline import PHASE_COLOURS
from s3sim.report.frames import PS_PER_S

__all__ = ["kv_map"]

Reals = NDArray[np.float64]
LEGIBLE = 45  # extents above each other that can be told apart
RESERVED = "#B9D9EC"  # a pale PHASE_COLOURS["decode"]
KINDS = {  # states of extents -> what the legend calls them, and the colour of what is written
    "prefill": ("written by prefill", PHASE_COLOURS["prefill"]),
    "decode": ("written, decode", PHASE_COLOURS["decode"]),
    "swapping_out": ("on the host link", PHASE_COLOURS["swapped"]),
    "swapping_in": ("on the host link", PHASE_COLOURS["swapped"]),
    "finished": ("finished row", "#777777"),
}


@in_style
def kv_map(
    extents: pd.DataFrame,
    *,
    capacity: int,
    compactions: Iterable[float] = (),
    until: float | None = None,
    title: str = "",
) -> Figure:
    """Addresses across time: each reservation a pale rectangle, and within it what is written.

    `extents` is what `s3sim.report.extents.extents` tells, of one lane with `capacity` slots; `compactions`
    are their times in seconds, `until` (s) where the picture ends. Where too many extents lie above each
    other to be told apart, a second panel shows the lowest addresses. Raises InputError for a missing column.
    """
    names = ["address", "tokens", "begin_ps", "end_ps", "state", "used_begin", "used_end"]
    require_columns(extents, names)
    end = float(extents["end_ps"].max()) / PS_PER_S if until is None else until
    shown = extents[extents["begin_ps"] < end * PS_PER_S]
    spans = [capacity, *_zoom(shown, capacity)]
    figure = Picture(figsize=(9.5, 1.4 + 4.2 * len(spans)), layout="constrained")
    panels: list[Axes] = figure.subplots(len(spans), 1, sharex=True, squeeze=False)[:, 0].tolist()
    moments = [time for time in compactions if time <= end]
    for axes, span in zip(panels, spans, strict=True):
        _draw(axes, shown[shown["address"] < span], edges=axes is not panels[0] or len(spans) == 1)
        axes.vlines(moments, 0, span, color="black", linewidth=0.5, alpha=0.6)
        axes.axhline(capacity, color="black", linestyle="--", linewidth=1)
        axes.set(ylim=(0, 1.03 * capacity if span == capacity else span), xlim=(0, end))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axes.grid(visible=False)
    if len(spans) > 1:
        panels[0].set_title("all addresses", pad=3)
        panels[1].set_title("the lowest addresses", pad=3)
    panels[-1].set_xlabel("Time (s)")
    figure.supylabel("KV address (slots)", fontsize="medium")
    figure.suptitle(title or "KV address space over time")
    legend_below(figure, _handles(shown, with_compactions=bool(moments)))
    return figure


def _zoom(extents: pd.DataFrame, capacity: int) -> list[int]:
    """Addresses up to which the extents can be told apart, unless all can."""
    middle = float(extents["tokens"].median()) if len(extents) else capacity
    legible = round(LEGIBLE * middle)
    return [legible] if 1.3 * legible < capacity else []


def _draw(axes: Axes, extents: pd.DataFrame, *, edges: bool) -> None:
    begin, end = (extents[name].to_numpy(np.float64) / PS_PER_S for name in ("begin_ps", "end_ps"))
    base, tokens = extents["address"].to_numpy(np.float64), extents["tokens"].to_numpy(np.float64)
    line: dict[str, Any] = {"edgecolors": "white", "linewidths": 0.25} if edges else {"linewidths": 0}
    axes.add_collection(PolyCollection(_boxes(begin, end, base, tokens, tokens), facecolors=RESERVED, **line))
    first, last = (extents[name].to_numpy(np.float64) for name in ("used_begin", "used_end"))
    for state, (_, colour) in KINDS.items():
        mine = (extents["state"] == state).to_numpy()
        boxes = _boxes(begin[mine], end[mine], base[mine], first[mine], last[mine])
        axes.add_collection(PolyCollection(boxes, facecolors=colour, linewidths=0))


def _boxes(begin: Reals, end: Reals, base: Reals, first: Reals, last: Reals) -> list[Reals]:
    """Corners of shapes that stand on `base`, `first` high at their begin and `last` at their end."""
    across = np.stack((begin, end, end, begin), axis=1)
    along = np.stack((base, base, base + last, base + first), axis=1)
    return list(np.stack((across, along), axis=2))


def _handles(extents: pd.DataFrame, *, with_compactions: bool) -> list[Artist]:
    present = set(extents["state"])
    found = dict(kind for state, kind in KINDS.items() if state in present)
    handles: list[Artist] = [Patch(color=colour, label=text) for text, colour in found.items()]
    handles.append(Patch(color=RESERVED, label="reserved, not written"))
    if with_compactions:
        handles.append(Line2D([], [], color="black", linewidth=0.8, label="compaction"))
    handles.append(Line2D([], [], color="black", linestyle="--", linewidth=1, label="capacity"))
    return handles
