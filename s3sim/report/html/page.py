"""The page of a run, written from its directory alone."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from bokeh.embed import json_item
from bokeh.resources import Resources
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from s3sim.core.errors import SystemFaultError
from s3sim.report.cautions import SATURATED, TOO_SHORT, cautions, marks
from s3sim.report.figures.style import looks
from s3sim.report.figures.timeline import PHASE_COLOURS
from s3sim.report.html.about import configuration, provenance
from s3sim.report.html.canvas import dashes
from s3sim.report.html.charts import Chart, curve, distribution_charts, memory_charts, timeline_chart
from s3sim.report.html.curve import PARTS
from s3sim.report.html.encoding import renumbered
from s3sim.report.html.sections import Section, sections
from s3sim.report.html.tables import Table, best_table, full_table
from s3sim.report.html.views import read_views, views_json
from s3sim.report.phases import STATES
from s3sim.report.pictures import LATENCIES
from s3sim.report.rundir import RunFiles, read_run

__all__ = ["NAME", "write_page"]

NAME = "report.html"
NAMED = 20  # points that are not finished, by name


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a legend: what it stands for, and how that is drawn."""

    text: str
    colour: str
    dashes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A section with all that the template shows of it."""

    section: Section
    legend: tuple[Entry, ...]
    best: Table | None
    full: Table
    curve: Chart | str
    latencies: list[Chart]
    memory: list[Chart] | str
    timeline: Chart | str
    data: dict[str, Any]  # for the script

    @property
    def charts(self) -> list[Chart]:
        """All figures, in the order in which they stand on the page."""
        several = [] if isinstance(self.memory, str) else self.memory
        one, last = ([chart] if isinstance(chart, Chart) else [] for chart in (self.curve, self.timeline))
        return [*one, *self.latencies, *several, *last]


def write_page(run_dir: Path) -> Path:
    """Write report.html into a run directory: tables, figures that zoom, configuration and provenance, in one file.

    It needs no network, and holds a bounded part of the data; it says which. The same directory gives the same
    bytes. What cannot be shown, such as KV over time under `log: requests`, is named with the reason. Raises
    InputError for a directory that is not whole or of another version, SystemFaultError where it cannot be written.
    """
    run = read_run(run_dir)
    text = _render(run)
    path = run_dir / NAME
    draft = run_dir / f".{NAME}"
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise SystemFaultError(f"{path}: cannot be written: {error.strerror or error}") from error
    return path


def _render(run: RunFiles) -> str:
    found, left_out = sections(run)
    parts = [_part(run, section) for section in found]
    items = [json_item(chart.plot, _place(chart)) for part in parts for chart in part.charts]
    summary = pd.concat([one.rows for one in run.scenarios], ignore_index=True)
    script = Resources(mode="inline", components=["bokeh"])
    return _template().render(
        run=run,
        parts=parts,
        left_out=left_out,
        cautions=list(cautions(summary, run.rejections)),
        signs=[text for text in (SATURATED, TOO_SHORT) if text[0] in marks(summary)],
        named=NAMED,
        states=[Entry(state, PHASE_COLOURS[state]) for state in STATES],
        configuration=configuration(run, found),
        provenance=provenance(run),
        library=[Markup(text) for text in script.js_raw],
        figures=renumbered(items),
        names={"parts": PARTS, "latencies": LATENCIES, "states": STATES},
        place=_place,
    )


def _part(run: RunFiles, section: Section) -> Part:
    views, look = read_views(run, section), looks(section.systems)
    return Part(
        section=section,
        legend=tuple(Entry(name, look[name].colour, tuple(dashes(look[name]))) for name in section.systems),
        best=best_table(section),
        full=full_table(section),
        curve=curve(section),
        latencies=distribution_charts(section, views),
        memory=memory_charts(section, views),
        timeline=timeline_chart(section, views),
        data=views_json(section, views),
    )


def _place(chart: Chart) -> str:
    """The id of the element that a figure is drawn into."""
    return f"{chart.plot.name}-place"


def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("s3sim.report.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    return environment.get_template("page.html")
