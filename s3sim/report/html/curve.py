"""The throughput-latency curve: one line a system, with 95% bands over seeds."""

from bokeh.models import ColumnDataSource, HoverTool, Range1d, Span
from bokeh.plotting import figure

from s3sim.report.figures.axes import LIMIT_COLOUR, label
from s3sim.report.figures.points import Curve, Point, value_text
from s3sim.report.figures.style import Look, looks
from s3sim.report.html.canvas import dashes, empty, log_ticks, marker

__all__ = ["PARTS", "draw_curves"]

PARTS = ("band", "line", "points", "last")  # of a system; models are named <section>-<part>-<system's number>
WIDE = 15.0  # ratio of largest to smallest from which the axis of latency is logarithmic, as in the pictures


def draw_curves(section: str, found: list[Curve], systems: list[str], *, x: str, y: str, limit: float | None) -> figure:
    """The curves of a section; `systems` gives each its number, `limit` is the SLO's on the latency."""
    low, high = _span([point.y.mean for curve in found for point in curve.points] + ([limit] if limit else []))
    wide = low > 0 and high > WIDE * low
    room = (high / low) ** 0.12 if wide else 1.0
    plot = empty(
        f"{section}-curve",
        x=label(x),
        y=label(y),
        height=440,
        y_axis_type="log" if wide else "linear",
        x_range=Range1d(0, 1.08 * max(point.x.mean for curve in found for point in curve.points)),
        y_range=Range1d(low / room, high * room) if wide else Range1d(0, 1.12 * high or 1.0),
    )
    if wide:
        plot.yaxis.ticker = log_ticks(low, high, room=2.5)
    look = looks(systems)
    for curve in found:
        _draw(plot, section, systems.index(curve.system), curve, look[curve.system])
    if limit is not None:
        plot.add_layout(Span(location=limit, dimension="width", line_color=LIMIT_COLOUR, line_dash="dotted"))
    plot.add_tools(_hover(plot))
    return plot


def _span(values: list[float]) -> tuple[float, float]:
    return min(values), max(values)


def _draw(plot: figure, section: str, number: int, curve: Curve, look: Look) -> None:
    names = {part: f"{section}-{part}-{number}" for part in PARTS}
    source = ColumnDataSource(_columns(curve, look))
    colour = look.colour
    if any(point.y.half for point in curve.points):
        plot.varea("x", "low", "high", source=source, fill_color=colour, fill_alpha=0.18, name=names["band"])
    plot.line("x", "y", source=source, color=colour, width=1.8, line_dash=dashes(look), name=names["line"])
    dots = {"marker": marker(look), "size": 8, "line_color": colour, "fill_color": "fill"}
    plot.scatter("x", "y", source=source, name=names["points"], **dots)
    last = curve.points[-1]
    ring = {"marker": "circle", "size": 17, "line_color": colour, "fill_color": None}
    plot.scatter([last.x.mean], [last.y.mean], name=names["last"], **ring)


def _columns(curve: Curve, look: Look) -> dict[str, list[object]]:
    least = min(point.y.mean for point in curve.points) / 100  # an interval may reach below 0; a latency cannot
    rows = [_row(curve.system, point, look, least) for point in curve.points]
    return {name: [row[name] for row in rows] for name in rows[0]}


def _row(system: str, point: Point, look: Look, least: float) -> dict[str, object]:
    half = point.y.half or 0.0
    return {
        "system": system,
        "value": value_text(point.value),
        "x": point.x.mean,
        "y": point.y.mean,
        "low": max(point.y.mean - half, least),
        "high": point.y.mean + half,
        "x_text": _text(point.x.mean, point.x.half),
        "y_text": _text(point.y.mean, point.y.half),
        "batch": "–" if point.batch is None else f"{point.batch:.1f}",
        "saturated": "in some seed" if point.saturated else "no",
        "too_short": "in some seed" if point.too_short else "no",
        "fill": "white" if point.hollow else look.colour,
    }


def _text(mean: float, half: float | None) -> str:
    return f"{mean:.4g}" if half is None else f"{mean:.4g} ± {half:.2g}"


def _hover(plot: figure) -> HoverTool:
    points = [renderer for renderer in plot.renderers if "-points-" in (renderer.name or "")]
    rows = [
        ("system", "@system"),
        ("swept value", "@value"),
        ("requests/s", "@x_text"),
        ("latency (ms)", "@y_text"),
        ("mean batch", "@batch"),
        ("saturated", "@saturated"),
        ("burst too short", "@too_short"),
    ]
    return HoverTool(renderers=points, tooltips=rows)
