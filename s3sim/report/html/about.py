"""What a page says of where its numbers come from: experiment, overrides, resolved points, versions."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from s3sim.report.html.sections import Section
from s3sim.report.rundir import RunFiles, read_json

__all__ = ["Configuration", "Provenance", "configuration", "provenance"]

CHARACTERS = 60_000  # of a text on the page, at most
OWN = ("experiment", "scenario", "sweep", "seed", "system", "label")  # that tell points apart anyhow
Plain = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """The experiment as given, and as it was resolved; None for what the run directory does not hold."""

    experiment: str | None  # YAML
    overrides: str | None  # JSON of what --set changed
    common: str  # JSON of what the points on the page share
    own: tuple[tuple[str, str], ...]  # a point in words, and JSON of what it alone says


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Rows of name and value: seeds, versions, machine, commands."""

    rows: tuple[tuple[str, str], ...]


def configuration(run: RunFiles, sections: Iterable[Section]) -> Configuration:
    """The configuration of a run, of each system at the highest value; raises InputError for a broken file."""
    places = [
        (", ".join(filter(None, (section.title, section.levels[-1].text, system))), chosen.point)
        for section in sections
        for system, chosen in section.levels[-1].points.items()
    ]
    points = [(name, run.about(point)) for name, point in places]
    first = points[0][1] if points else {}
    common = {key: value for key, value in first.items() if all(_same(about, key, value) for _, about in points)}
    return Configuration(
        experiment=_text(run.path / "experiment.yaml"),
        overrides=_text(run.path / "overrides.json"),
        common=_json(common),
        own=tuple((name, _json({k: v for k, v in about.items() if k not in common})) for name, about in points),
    )


def provenance(run: RunFiles) -> Provenance:
    """Where a run's numbers come from, as far as its directory says."""
    place = run.path / "environment.json"
    told = read_json(place) if place.is_file() else {}
    seeds = sorted({int(seed) for scenario in run.scenarios for seed in scenario.rows["seed"]})
    packages = told.get("packages") if isinstance(told.get("packages"), Mapping) else {}
    known = {
        "Seeds": ", ".join(map(str, seeds)),
        "Points": f"{sum(len(scenario.rows) for scenario in run.scenarios)} finished, {len(run.missing)} not",
        "Command": " ".join(map(str, told.get("command") or [])),
        "Versions": ", ".join(f"{name} {number}" for name, number in (packages or {}).items()),
        "Python": str(told.get("python", "")),
        "Platform": str(told.get("platform", "")),
        "Processors": str(told.get("processors", "")),
        "This page": f"s3sim {version('s3sim')}, Bokeh {version('bokeh')}, matplotlib {version('matplotlib')}",
        "Redraws it": "s3sim report .   (in this page's folder)",
    }
    return Provenance(rows=tuple((name, value or "not kept in this run directory") for name, value in known.items()))


def _text(path: Path) -> str | None:
    return _cut(path.read_text(encoding="utf-8", errors="replace").strip()) if path.is_file() else None


def _same(about: Plain, key: str, value: object) -> bool:
    return key not in OWN and key in about and bool(about[key] == value)


def _json(plain: object) -> str:
    return _cut(json.dumps(plain, indent=1, ensure_ascii=False))


def _cut(text: str) -> str:
    if len(text) <= CHARACTERS:
        return text
    return f"{text[:CHARACTERS]}\n… {len(text) - CHARACTERS:,} more characters are in the run directory"
