"""The life of single requests: what each waited for, and when."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FixedFormatter, FixedLocator

from s3sim.report.figures.axes import legend_below
from s3sim.report.figures.points import require_columns
from s3sim.report.figures.style import Picture, in_style
from s3sim.report.frames import PS_PER_S
from s3sim.report.phases import PHASES

__all__ = ["PHASE_COLOURS", "timeline"]

PHASE_COLOURS = {  # Okabe and Ito's, 2008; the last two where STATES are told
    "queued": "#D9D9D9",
    "prefill": "#E69F00",
    "decode": "#0072B2",
    "swapped": "#CC79A7",
    "stalled": "#009E73",
    "preempted": "#D55E00",
}
FEW = 45  # requests whose ids have room beside their bars


@in_style
def timeline(phases: pd.DataFrame, *, title: str = "") -> Figure:
    """A bar per request, cut into its phases, in the order of the frame from above.

    `phases` is what `s3sim.report.phases.phases` tells: id, phase, begin_ps, end_ps. Raises InputError for
    a missing column.
    """
    require_columns(phases, ["id", "phase", "begin_ps", "end_ps"])
    ids = list(dict.fromkeys(phases["id"].tolist()))
    place = {ident: rank for rank, ident in enumerate(ids)}
    figure = Picture(figsize=(9.0, 1.7 + 0.15 * max(len(ids), 8)), layout="constrained")
    axes = figure.subplots()
    for phase in PHASES:
        rows = phases[phases["phase"] == phase]
        begin, end = rows["begin_ps"].to_numpy() / PS_PER_S, rows["end_ps"].to_numpy() / PS_PER_S
        axes.barh(rows["id"].map(place), end - begin, left=begin, height=0.78, color=PHASE_COLOURS[phase], linewidth=0)
    if len(ids) <= FEW:
        axes.yaxis.set_major_locator(FixedLocator(range(len(ids))))
        axes.yaxis.set_major_formatter(FixedFormatter([str(ident) for ident in ids]))
    axes.tick_params(axis="y", labelsize="x-small", length=0)
    axes.set(xlabel="Time (s)", ylabel="Request (id)", ylim=(len(ids) - 0.4, -0.6))
    axes.set_xlim(phases["begin_ps"].min() / PS_PER_S, phases["end_ps"].max() / PS_PER_S)
    axes.grid(axis="y", visible=False)
    figure.suptitle(title or "Requests over time")
    legend_below(figure, [Patch(color=PHASE_COLOURS[phase], label=phase) for phase in PHASES])
    return figure
