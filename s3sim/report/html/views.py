"""What the page's script draws of each point: read from the run, shaped, packed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from s3sim.report.html.encoding import packed
from s3sim.report.html.sections import Chosen, Section
from s3sim.report.html.shapes import Bars, Distribution, Memory, bars, distributions, memory
from s3sim.report.html.thinning import Reals
from s3sim.report.pictures import LATENCIES, NO_LOG, NOTHING
from s3sim.report.rundir import RunFiles

__all__ = ["View", "Views", "read_views", "views_json"]

ALIKE = 5  # ratio of the longest run to the shortest up to which memory panels share an axis of time
ROOM = 1.04  # beside the curves of a distribution
UNFINISHED = "this point is not finished"
Plain = dict[str, Any]


@dataclass(frozen=True, slots=True)
class View:
    """One point as the page shows it; a reason stands for what cannot be shown."""

    latencies: Mapping[str, Distribution]
    memory: Memory | str
    bars: Bars | str


Views = tuple[Mapping[str, View], ...]  # of each level of a section, by system


def read_views(run: RunFiles, section: Section) -> Views:
    """The views of a section's points, from their files; raises InputError where one cannot be read."""
    return tuple({system: _view(run, chosen) for system, chosen in level.points.items()} for level in section.levels)


def _view(run: RunFiles, chosen: Chosen) -> View:
    latencies = distributions(run.requests(chosen.point, ["status", *LATENCIES]), LATENCIES)
    log = run.log(chosen.point)
    if log is None:
        return View(latencies, NO_LOG, NO_LOG)
    slots = memory(*log, capacity=run.facts(chosen.point).kv_capacity_tokens)
    shown = bars(log[0], window_s=chosen.window_s)
    return View(latencies, NOTHING if slots is None else slots, "nothing ran" if shown is None else shown)


def views_json(section: Section, views: Views) -> Plain:
    """All that the script needs of a section: of each level the systems' views, and what axes of latency show."""
    levels = []
    for found in views:
        ends = [view.memory.end_s for view in found.values() if isinstance(view.memory, Memory)]
        shared = max(ends) if ends and max(ends) <= ALIKE * min(ends) else None
        shown = [_view_json(found.get(system), shared) for system in section.systems]
        levels.append({"views": shown, "ranges": _ranges(list(found.values()))})
    return {"id": section.ident, "levels": levels}


def _ranges(views: list[View]) -> dict[str, list[float]]:
    """Of each latency, the least and the greatest of any system, with a little room."""
    ranges = {}
    for metric in LATENCIES:
        values = [view.latencies[metric].value for view in views if metric in view.latencies]
        if values:
            low, high = min(float(cells[0]) for cells in values), max(float(cells[-1]) for cells in values)
            ranges[metric] = [low / ROOM, high * ROOM] if high else [0.0, 1.0]
    return ranges


def _view_json(view: View | None, end_s: float | None) -> Plain:
    """`end_s` is where the axis of time ends, unless each system's own end is meant."""
    if view is None:
        return {"latencies": {}, "memory": {"note": UNFINISHED}, "bars": {"note": UNFINISHED}}
    return {
        "latencies": {
            name: {"value": _short(found.value), "share": _short(found.share)} for name, found in view.latencies.items()
        },
        "memory": {"note": view.memory} if isinstance(view.memory, str) else _memory_json(view.memory, end_s),
        "bars": {"note": view.bars} if isinstance(view.bars, str) else _bars_json(view.bars),
    }


def _memory_json(found: Memory, end_s: float | None) -> Plain:
    columns = {"time": _short(found.time_s), "used": _short(found.used), "held": _short(found.held)}
    return {"note": found.note, "end": end_s or found.end_s, "capacity": found.capacity, "columns": columns}


def _bars_json(found: Bars) -> Plain:
    columns = {"row": packed(found.row), "state": packed(found.state)}
    times = {"begin": packed(found.begin_s), "end": packed(found.end_s)}
    return {"note": found.note, "ids": list(found.ids), "columns": columns | times}


def _short(values: Reals) -> dict[str, str]:
    """In single precision, which is finer than any screen."""
    return packed(values.astype(np.float32))
