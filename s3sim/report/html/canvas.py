"""What all of the page's figures share: an empty plot, and how a system's look is said in Bokeh's words."""

from math import ceil, floor, log10
from typing import Any

from bokeh.models import (
    BoxZoomTool,
    FixedTicker,
    NumeralTickFormatter,
    PanTool,
    PlainText,
    ResetTool,
    SaveTool,
    WheelZoomTool,
)
from bokeh.plotting import figure

from s3sim.report.figures.style import Look

__all__ = ["dashes", "empty", "log_ticks", "marker"]

GRID = "#e4e4e4"
MARKERS = {  # matplotlib's, in Bokeh's words; its own likeness where Bokeh lacks the shape
    "o": "circle",
    "s": "square",
    "^": "triangle",
    "D": "diamond",
    "v": "inverted_triangle",
    "X": "square_x",
    "h": "hex",
    "<": "triangle_pin",
    "P": "square_cross",
    ">": "square_pin",
    "p": "circle_x",
    "d": "diamond_cross",
    "*": "star",
    "H": "hex_dot",
    "8": "circle_cross",
    "1": "y",
    "2": "cross",
    "3": "x",
    "4": "asterisk",
    "_": "dash",
    ".": "circle_dot",
    "+": "plus",
    "x": "x",
    "|": "circle_y",
}
PIXELS = 2.0  # of a dash, by matplotlib's multiples of the line's width


def marker(look: Look) -> str:
    """The system's marker."""
    return MARKERS[look.marker]


def dashes(look: Look) -> list[int]:
    """The system's line, as lengths drawn and left out in pixels; empty if it is solid."""
    return [] if look.line == "-" else [max(2, round(PIXELS * part)) for part in look.line[1]]


def empty(name: str, *, x: str, y: str, height: int, zoom: str = "both", **settings: Any) -> figure:
    """A plot without data, as wide as its place on the page; `x` and `y` name the axes, with units.

    `zoom` is width, height or both. The backend is canvas 2D, Bokeh's default, so that a browser without WebGL
    shows everything.
    """
    tools = [PanTool(dimensions=zoom), BoxZoomTool(dimensions=zoom), WheelZoomTool(dimensions=zoom)]
    plot = figure(
        name=name,
        height=height,
        sizing_mode="stretch_width",
        tools=[*tools, ResetTool(), SaveTool()],
        active_drag=tools[1],
        active_scroll=None,  # the wheel scrolls the page
        toolbar_location="above",
        output_backend="canvas",
        outline_line_color=None,
        **settings,
    )
    plot.toolbar.logo = None
    for axis, text in ((plot.xaxis, x), (plot.yaxis, y)):
        axis.axis_label = PlainText(text=text)  # a text of its own would be read as TeX
        axis.axis_label_text_font_style = "normal"
        axis.formatter = NumeralTickFormatter(format="0,0.[00]")
        axis.minor_tick_line_color = None
    plot.grid.grid_line_color = GRID
    return plot


def log_ticks(low: float, high: float, *, room: float) -> FixedTicker:
    """Ticks of a logarithmic axis: fewer to a decade, the more decades above `room` there are from low to high."""
    decades = log10(high / low)
    steps = (1, 2, 5) if decades < room else (1, 3) if decades < 2 * room else (1,)
    powers = [10.0**power for power in range(floor(log10(low)) - 1, ceil(log10(high)) + 2)]
    ticks = [step * power for power in powers for step in steps]
    return FixedTicker(ticks=ticks, minor_ticks=[step * power for power in powers for step in range(1, 10)])
