"""The figures whose data the page's script puts in, by the point that is chosen: CDFs, memory, timeline."""

from bokeh.models import BasicTicker, ColumnDataSource, HoverTool, Range1d, Span
from bokeh.plotting import figure

from s3sim.report.figures.axes import LIMIT_COLOUR, label
from s3sim.report.figures.style import looks
from s3sim.report.figures.timeline import PHASE_COLOURS
from s3sim.report.html.canvas import dashes, empty, log_ticks
from s3sim.report.phases import STATES

__all__ = ["draw_distribution", "draw_memory", "draw_timeline"]


def draw_distribution(
    section: str, metric: str, systems: list[str], *, decades: tuple[float, float] | None, limit: float | None
) -> figure:
    """The share of finished requests at or below each latency; `decades` are the ends of a logarithmic axis."""
    plot = empty(
        f"{section}-{metric}",
        x=label(metric),
        y="Share of finished requests",
        height=300,
        zoom="width",
        x_axis_type="log" if decades else "linear",
        x_range=Range1d(1, 10, name=f"{section}-{metric}-x"),
        y_range=Range1d(0, 1.02),
    )
    if decades:
        plot.xaxis.ticker = log_ticks(*decades, room=1.3)
    look = looks(systems)
    for number, system in enumerate(systems):
        plot.step(
            "value",
            "share",
            source=_source(f"{section}-{metric}-source-{number}", "value", "share"),
            mode="after",
            color=look[system].colour,
            width=1.8,
            line_dash=dashes(look[system]),
            name=f"{section}-{metric}-{number}",
        )
    if limit is not None:
        plot.add_layout(Span(location=limit, dimension="height", line_color=LIMIT_COLOUR, line_dash="dotted"))
    plot.add_tools(HoverTool(tooltips=[("latency (ms)", "@value{0,0.[00]}"), ("share", "@share{0.0%}")]))
    return plot


def draw_memory(section: str, number: int, colour: str, *, top: int) -> figure:
    """KV slots used, and reserved but not used, over time, below the capacity; `top` is the highest of any system."""
    plot = empty(
        f"{section}-memory-{number}",
        x="Time (s)",
        y="KV cache (slots)",
        height=210,
        zoom="width",
        x_range=Range1d(0, 1, name=f"{section}-memory-x-{number}"),
        y_range=Range1d(0, 1.06 * top),
    )
    source = _source(f"{section}-memory-source-{number}", "time", "used", "held")
    plot.varea("time", 0, "used", source=source, fill_color=colour, fill_alpha=0.75)
    waste = {"hatch_pattern": "right_diagonal_line", "hatch_color": colour, "hatch_alpha": 0.5}
    plot.varea("time", "used", "held", source=source, fill_color=colour, fill_alpha=0.3, hatch_weight=0.5, **waste)
    edge = plot.line("time", "held", source=source, color=colour, width=0.8)
    capacity = Span(location=top, dimension="width", line_color="black", line_dash="dashed")
    capacity.name = f"{section}-memory-capacity-{number}"
    plot.add_layout(capacity)
    told = [("time", "@time{0.00} s"), ("reserved", "@held{0,0} slots"), ("used", "@used{0,0} slots")]
    plot.add_tools(HoverTool(renderers=[edge], tooltips=told, mode="vline"))
    plot.yaxis.ticker = BasicTicker(desired_num_ticks=4)
    return plot


def draw_timeline(section: str) -> figure:
    """A bar per sequence, cut into its states."""
    plot = empty(
        f"{section}-timeline",
        x="Time (s)",
        y="Sequence (request id)",
        height=520,
        x_range=Range1d(0, 1, name=f"{section}-timeline-x"),
        y_range=Range1d(1, 0, name=f"{section}-timeline-y"),
    )
    for number, state in enumerate(STATES):
        plot.hbar(
            "row",
            left="begin",
            right="end",
            height=0.8,
            source=_source(f"{section}-timeline-source-{number}", "row", "begin", "end", "id", "state", "length"),
            color=PHASE_COLOURS[state],
            line_width=0,
            name=f"{section}-timeline-{number}",
        )
    plot.yaxis.name = f"{section}-timeline-ids"
    plot.yaxis.ticker = BasicTicker(min_interval=1, desired_num_ticks=12)
    plot.ygrid.visible = False
    told = [("request", "@id"), ("state", "@state"), ("from", "@begin{0,0.000} s"), ("for", "@length{0,0.000} s")]
    plot.add_tools(HoverTool(tooltips=told))
    return plot


def _source(name: str, *columns: str) -> ColumnDataSource:
    return ColumnDataSource({column: [] for column in columns}, name=name)
