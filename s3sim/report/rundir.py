"""A run directory as the report reads it: manifest, summary and the tables of each point."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pandas as pd
import pyarrow as pa

from s3sim.core.errors import InputError
from s3sim.core.events import Event
from s3sim.report.facts import RunFacts, ServiceLevel

__all__ = ["SCHEMA_VERSION", "RunFiles", "Scenario", "Tables", "read_json", "read_run"]

SCHEMA_VERSION = 1  # of run directories; the same as that of the room that writes them
COLUMNS = (
    "scenario",
    "system",
    "seed",
    "point",
    "request_throughput",
    "normalized_latency_ms",
    "mean_tpot_ms",
)  # that all runs have
REMEDY = "run the experiment again, or --resume it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A part of an experiment that is drawn for itself."""

    name: str
    swept_over: tuple[str, ...]  # dotted keys: columns of the summary
    slo: ServiceLevel
    arrivals: str  # their kind
    rows: pd.DataFrame  # of the summary


class Tables(Protocol):
    """The tables of points, wherever they are kept."""

    def requests(self, point: str, columns: list[str]) -> pd.DataFrame:
        """Columns of a point's table of requests."""
        ...

    def log(self, point: str, *kinds: Event) -> tuple[pd.DataFrame, pd.DataFrame] | None:
        """A point's events, of some kinds if named, and its steps; None where neither is kept."""
        ...

    def facts(self, point: str) -> RunFacts:
        """The constants that a point's metrics refer to."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFiles:
    """One run directory: its scenarios, and the files of its points."""

    path: Path
    name: str
    scenarios: tuple[Scenario, ...]  # those of which a point is finished
    description: str = ""
    replayed: bool = False  # on a device, not simulated
    missing: tuple[str, ...] = ()  # points that were to be run and are not finished, as far as the manifest knows

    def requests(self, point: str, columns: list[str]) -> pd.DataFrame:
        """Columns of a point's table of requests; raises InputError where it cannot be read."""
        return _parquet(self._file(point, "requests.parquet"), columns)

    def rejections(self, point: str) -> dict[str, int]:
        """How many of a point's requests were rejected, by the reason."""
        counts = self.requests(point, ["reason"])["reason"].dropna().astype(str).value_counts()
        return {str(reason): int(count) for reason, count in counts.items()}

    def log(self, point: str, *kinds: Event) -> tuple[pd.DataFrame, pd.DataFrame] | None:
        """A point's events, of some kinds if named, and its steps; None under `log: requests`, which keeps neither."""
        events, steps = (self.path / "points" / point / f"{name}.parquet" for name in ("events", "steps"))
        if not (events.exists() or steps.exists()):
            return None
        wanted = [("event", "in", [int(kind) for kind in kinds])] if kinds else None
        return _parquet(_existing(events), None, wanted), _parquet(_existing(steps), None)

    def facts(self, point: str) -> RunFacts:
        """The constants that a point's metrics refer to."""
        path, plain = self._file(point, "point.json"), self.about(point)
        if "facts" not in plain:
            raise InputError(f"{path}: holds no 'facts'; {REMEDY}")
        return RunFacts.from_json(plain["facts"], place=f"{path}: facts")

    def about(self, point: str) -> dict[str, Any]:
        """A resolved point with its facts, as JSON."""
        return read_json(self._file(point, "point.json"))

    def environment(self) -> dict[str, Any]:
        """What the results may depend on besides the experiment: versions of packages, the platform, the command."""
        return read_json(_existing(self.path / "environment.json"))

    def metrics(self, point: str) -> dict[str, Any]:
        """A point's metrics, as its row of the summary has them."""
        return read_json(self._file(point, "summary.json"))

    def _file(self, point: str, name: str) -> Path:
        return _existing(self.path / "points" / point / name)


def read_run(path: Path) -> RunFiles:
    """The run in a directory; raises InputError that names what is missing, broken, or of another version."""
    if not path.is_dir():
        raise InputError(f"{path}: is no folder; give the run directory of an experiment")
    place = _existing(path / "manifest.json")
    manifest = read_json(place)
    version = manifest.get("schema_version")
    if version != SCHEMA_VERSION:
        raise InputError(f"{place}: schema_version is {version!r}; this s3sim reads {SCHEMA_VERSION}")
    scenarios = manifest.get("scenarios")
    if not isinstance(scenarios, Mapping) or not scenarios:
        raise InputError(f"{place}: names no scenarios; {REMEDY}")
    summary = _summary(_existing(path / "summary.csv"))
    _demand_points(path, summary)
    missing = _missing(manifest, summary, place)
    begun = scenarios if not missing else {n: about for n, about in scenarios.items() if n in set(summary["scenario"])}
    return RunFiles(
        path=path,
        name=str(manifest.get("name", path.name)),
        scenarios=tuple(_scenario(name, about, summary, place) for name, about in begun.items()),
        description=str(manifest.get("description", "")),
        replayed="replay" in manifest,
        missing=missing,
    )


def _missing(manifest: Mapping[str, Any], summary: pd.DataFrame, place: Path) -> tuple[str, ...]:
    """The points that the manifest names and the summary lacks; a manifest of an older s3sim names none."""
    planned = manifest.get("points", [])
    if not isinstance(planned, list):
        raise InputError(f"{place}: points is {planned!r}, and no list; {REMEDY}")
    finished = set(summary["point"])
    return tuple(str(point) for point in planned if point not in finished)


def _scenario(name: str, about: Mapping[str, Any], summary: pd.DataFrame, place: Path) -> Scenario:
    rows = summary[summary["scenario"] == name].reset_index(drop=True)
    if rows.empty:
        raise InputError(f"{place.parent / 'summary.csv'}: has no row of scenario {name!r}; {REMEDY}")
    keys = tuple(about.get("swept_over", ()))
    missing = [key for key in keys if key not in summary.columns]
    if missing:
        raise InputError(f"{place.parent / 'summary.csv'}: has no column {missing[0]!r}, over which {name!r} was swept")
    slo = ServiceLevel.from_json(about.get("slo") or {}, place=f"{place}: scenarios.{name}.slo")
    return Scenario(name=name, swept_over=keys, slo=slo, arrivals=str(about.get("arrivals", "")), rows=rows)


def _summary(path: Path) -> pd.DataFrame:
    texts = {"scenario": str, "system": str, "point": str}
    try:
        frame = pd.read_csv(path, dtype=texts, keep_default_na=False, na_values=[""])
    except (ValueError, OSError) as error:  # pandas' parser errors are ValueErrors
        raise InputError(f"{path}: cannot be read as CSV: {error}; {REMEDY}") from None
    missing = [name for name in COLUMNS if name not in frame.columns]
    if missing:
        raise InputError(f"{path}: has no column {', '.join(missing)}; {REMEDY}")
    return frame


def _demand_points(path: Path, summary: pd.DataFrame) -> None:
    missing = [point for point in summary["point"] if not (path / "points" / point).is_dir()]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise InputError(f"{path / 'points' / missing[0]}: is missing{more}, though summary.csv lists it; {REMEDY}")


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise InputError(f"{path}: is missing, so this is no whole run directory; {REMEDY}")
    return path


def read_json(path: Path) -> dict[str, Any]:
    """A file's JSON object; raises InputError where it holds none."""
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise InputError(f"{path}: cannot be read as JSON: {error}; {REMEDY}") from None
    if not isinstance(plain, dict):
        raise InputError(f"{path}: holds no JSON object; {REMEDY}")
    return plain


def _parquet(path: Path, columns: list[str] | None, filters: list[tuple[str, str, Any]] | None = None) -> pd.DataFrame:
    try:
        return pd.read_parquet(path, columns=columns, filters=filters)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: cannot be read as Parquet: {error}; {REMEDY}") from None
