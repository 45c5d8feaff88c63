"""Accuracy of predictions, preemptions and throughput over time, a line per setting."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from s3sim.report.figures.axes import legend_below
from s3sim.report.figures.points import require_columns
from s3sim.report.figures.style import Picture, in_style

__all__ = ["foresight_over_time"]

PANELS = {
    "accuracy": "Right bucket\n(share of arrivals)",
    "preemptions": "Preemptions\nper request",
    "throughput": "Throughput\n(requests/s)",
}
# Told apart by every eye, in print too: hues of Okabe and Ito with a line of their own each.
LINES = (("#777777", ":"), ("#D55E00", "--"), ("#046CEE", "-"), ("#009E73", "-."), ("#903692", (0, (3, 1, 1, 1))))


@in_style
def foresight_over_time(
    series: Mapping[str, pd.DataFrame], *, retrained: Mapping[str, list[float]] | None = None, title: str = ""
) -> Figure:
    """Three panels on one axis of time, in seconds; ticks at the bottom mark when each setting's retrainings began.

    `series` holds a `foresight_series` per setting. Raises InputError for a missing column.
    """
    figure = Picture(figsize=(8.0, 6.4), layout="constrained")
    panels = dict(zip(PANELS, figure.subplots(len(PANELS), 1, sharex=True).tolist(), strict=True))
    for number, (label, frame) in enumerate(series.items()):
        require_columns(frame, ["time_s", *PANELS])
        colour, line = LINES[number % len(LINES)]
        for name, axes in panels.items():
            axes.plot(frame["time_s"], frame[name], color=colour, linestyle=line, linewidth=1.7, label=label)
        begun = (retrained or {}).get(label, [])
        height = 0.06 * (1 + list(series).index(label))
        panels["accuracy"].plot(begun, [height - 0.03] * len(begun), "|", color=colour, markersize=5)
    for name, axes in panels.items():
        axes.set_ylabel(PANELS[name])
        axes.set_ylim(0, 1 if name == "accuracy" else None)
    panels["throughput"].set_xlabel("Time (s); marks at the bottom of the first panel: retrainings begin")
    figure.suptitle(title or "Foresight over time")
    legend_below(figure, panels["accuracy"].get_legend_handles_labels()[0])
    return figure
