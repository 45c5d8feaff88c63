"""KV cache over time: what is used, what is reserved and lies idle, and what there is."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from s3sim.report.figures.axes import legend_below
from s3sim.report.figures.points import require_columns
from s3sim.report.figures.style import Look, Picture, in_style, looks

__all__ = ["kv_over_time", "means_text"]

FEW = 6  # panels that stand below each other; more take two columns
ALIKE = 5  # ratio of the longest run to the shortest up to which all share an axis of time
USED: dict[str, Any] = {"alpha": 0.75, "linewidth": 0}
WASTE: dict[str, Any] = {"alpha": 0.3, "hatch": "////", "linewidth": 0}


@in_style
def kv_over_time(
    series: Mapping[str, pd.DataFrame], *, capacity: Mapping[str, int] | None = None, title: str = ""
) -> Figure:
    """KV slots used and reserved over time, a panel per system on shared axes.

    `series` holds an `occupancy_series` per system (time_s, held, used), `capacity` the slots that
    each has. A panel's title gives the means over its run. Many systems stand in two columns; where some
    run far longer than others, each has its own axis of time, and the title says so. Raises InputError
    for a missing column.
    """
    for frame in series.values():
        require_columns(frame, ["time_s", "held", "used"])
    look, ends = looks(series), [_end(frame) for frame in series.values()]
    together = max(ends) <= ALIKE * min(ends)
    figure, panels = _panels(len(series), together=together)
    for axes, (system, frame) in zip(panels, series.items(), strict=True):
        _draw(axes, frame, look[system])
        slots = None if capacity is None else capacity[system]
        if slots is not None:
            axes.axhline(slots, color="black", linestyle="--", linewidth=1)
        axes.set_title(f"{system}: {means_text(frame, slots)}", pad=3)
        axes.set_xlim(0, max(ends) if together else _end(frame))
    panels[0].set_ylim(0, 1.06 * max([*(capacity or {}).values(), *(frame["held"].max() for frame in series.values())]))
    panels[0].yaxis.set_major_locator(MaxNLocator(4))
    panels[0].yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    figure.supylabel("KV cache (slots)", fontsize="medium")
    note = "" if together else "each panel has its own axis of time"
    figure.suptitle("\n".join(filter(None, (title or "KV cache over time", note))))
    legend_below(figure, _handles(with_capacity=capacity is not None))
    return figure


def _panels(count: int, *, together: bool) -> tuple[Figure, list[Axes]]:
    """A figure with so many panels in one column, or in two, column by column; `together` on one axis of time."""
    columns = 1 if count <= FEW else 2
    rows = -(-count // columns)
    size = (7.6 if columns == 1 else 11.8, 1.4 + (1.2 if together else 1.45) * rows)
    figure = Picture(figsize=size, layout="constrained")
    grid = figure.subplots(rows, columns, sharex=together, sharey=True, squeeze=False)
    panels: list[Axes] = grid.T.ravel().tolist()
    for axes in panels[count:]:
        axes.remove()
    for last in {rows - 1, count - 1}:
        panels[last].set_xlabel("Time (s)")
        panels[last].tick_params(labelbottom=True)
    return figure, panels[:count]


def _end(frame: pd.DataFrame) -> float:
    """When the last bin ends; the series bears the bins' middles."""
    return float(2 * frame["time_s"].iloc[-1] - frame["time_s"].iloc[-2])


def _draw(axes: Axes, frame: pd.DataFrame, look: Look) -> None:
    time, used, held = (frame[name].to_numpy() for name in ("time_s", "used", "held"))
    axes.fill_between(time, 0, used, step="mid", color=look.colour, **USED)
    axes.fill_between(time, used, held, step="mid", facecolor=look.colour, edgecolor=look.colour, **WASTE)


def means_text(frame: pd.DataFrame, slots: int | None) -> str:
    """What a system's `occupancy_series` comes to over its run, of `slots` if they are known."""
    used, held = frame["used"].mean(), frame["held"].mean()
    waste = f"{(held - used) / held:.0%} of the reserved wasted" if held else "nothing reserved"
    share = "" if slots is None else f"{used / slots:.0%} of capacity used, "
    return f"{share}{waste}"


def _handles(*, with_capacity: bool) -> list[Artist]:
    handles: list[Artist] = [
        Patch(facecolor="#555555", label="used", **USED),
        Patch(facecolor="#555555", edgecolor="#555555", label="reserved, not used (waste)", **WASTE),
    ]
    if with_capacity:
        handles.append(Line2D([], [], color="black", linestyle="--", linewidth=1, label="capacity"))
    return handles
