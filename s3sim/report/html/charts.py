"""Which figures a section has, each with its words; instead of a figure the reason why there is none."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bokeh.plotting import figure

from s3sim.report.figures.axes import label, limit_for
from s3sim.report.figures.distributions import WIDE
from s3sim.report.figures.points import curves
from s3sim.report.figures.style import looks
from s3sim.report.html.curve import draw_curves
from s3sim.report.html.panels import draw_distribution, draw_memory, draw_timeline
from s3sim.report.html.sections import Section
from s3sim.report.html.shapes import Bars, Memory
from s3sim.report.html.views import View, Views
from s3sim.report.pages import OFFLINE_Y, ONLINE_Y
from s3sim.report.pictures import LATENCIES, NOTHING, X, curve_rows

__all__ = ["Chart", "curve", "distribution_charts", "memory_charts", "timeline_chart"]


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure, what it shows in words, and whose it is where it is one system's."""

    plot: figure
    text: str
    system: int | None = None


def curve(section: Section) -> Chart | str:
    """Throughput against latency over the swept number."""
    if section.key is None:
        return "no number was swept"
    y = OFFLINE_Y if section.scenario.arrivals == "offline" else ONLINE_Y
    known, note = curve_rows(section.rows, y)
    if known.empty:
        return NOTHING
    limit = limit_for(y, section.scenario.slo)
    found = curves(known, x=X, y=y, swept_over=section.key)
    words = [
        f"{label(y)} against {label(X).lower()}, swept over {section.key}.",
        "Bands: 95% interval of the mean over seeds." if section.rows["seed"].nunique() > 1 else "",
        "Ringed: the last value. Hollow: saturated in some seed, or a burst too short.",
        f"Dotted: SLO, {limit:g} ms." if limit is not None else "",
        f"{note[:1].upper()}{note[1:]}." if note else "",
    ]
    plot = draw_curves(section.ident, found, list(section.systems), x=X, y=y, limit=limit)
    return Chart(plot, " ".join(filter(None, words)))


def distribution_charts(section: Section, views: Views) -> list[Chart]:
    """The distribution of each latency that any point has."""
    charts = []
    for metric in LATENCIES:
        values = [view.latencies[metric].value for view in _all(views) if metric in view.latencies]
        if values:
            low, high = min(cells[0] for cells in values), max(cells[-1] for cells in values)
            limit = limit_for(metric, section.scenario.slo)
            decades = (float(low), float(high)) if 0 < WIDE * low < high else None
            plot = draw_distribution(section.ident, metric, list(section.systems), decades=decades, limit=limit)
            charts.append(Chart(plot, _limited(label(metric), limit)))
    return charts


def _limited(text: str, limit: float | None) -> str:
    return text if limit is None else f"{text}; dotted: SLO, {limit:g} ms"


def memory_charts(section: Section, views: Views) -> list[Chart] | str:
    """KV over time, a figure a system, all on one scale of slots."""
    slots = [view.memory.capacity for view in _all(views) if isinstance(view.memory, Memory)]
    if not slots:
        return _reason(view.memory for view in _all(views))
    look = looks(section.systems)
    return [
        Chart(draw_memory(section.ident, number, look[system].colour, top=max(slots)), system, number)
        for number, system in enumerate(section.systems)
    ]


def timeline_chart(section: Section, views: Views) -> Chart | str:
    """Sequences over time, of one system at a time."""
    if not any(isinstance(view.bars, Bars) for view in _all(views)):
        return _reason(view.bars for view in _all(views))
    return Chart(draw_timeline(section.ident), "A row per sequence, cut into its states.")


def _all(views: Views) -> Iterator[View]:
    return (view for level in views for view in level.values())


def _reason(told: Iterable[object]) -> str:
    return next((text for text in told if isinstance(text, str)), NOTHING)
