"""The run directory: everything that one experiment's results can be traced to.

    experiment.yaml    the YAML as given, and overrides.json, what --set changed
    manifest.json      schema version, name, points, and per scenario what was swept, the SLO, the arrivals
    environment.json   versions, platform, and the command
    summary.csv        one row per point: scenario, swept keys, system, seed, point, metrics
    comparisons.csv    systems less the baseline, paired by seed, by setting and metric
    points/<point>/    point.json (resolved), requests.parquet, events.parquet, steps.parquet, summary.json
    figures/
    report.html        the same as one page, to be opened in a browser
    capacity.json      what `s3sim capacity` found; the points are those of its probes

A point's folder is written beside its place and moved there when it is whole, so that a killed run
leaves finished points and at most a hidden draft, which the next run removes.
"""

import errno
import json
import os
import platform
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from s3sim.core.errors import InputError, SystemFaultError
from s3sim.experiment.resolved import SCHEMA_VERSION, Point

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RunDirectory", "disk_faults", "environment", "manifest"]

OWN = (
    "points",
    "figures",
    "report.html",
    "capacity.json",
    "summary.csv",
    "comparisons.csv",
    "experiment.yaml",
    "overrides.json",
    "environment.json",
    "manifest.json",
)
PACKAGES = ("s3sim", "simpy", "numpy", "pandas", "pyarrow", "pydantic", "matplotlib", "bokeh")
Plain = dict[str, Any]


@contextmanager
def disk_faults(path: Path) -> Iterator[None]:
    """Say a full or unwritable disk in one sentence, as a SystemFaultError."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        reason = "the disk is full; free some room" if full else error.strerror or str(error)
        raise SystemFaultError(
            f"{path}: cannot be written: {reason}, or choose another --out; --resume continues"
        ) from None


class RunDirectory:
    """One experiment's folder on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.points = path / "points"

    def prepare(
        self, *, files: Mapping[str, Any], resume: bool, overwrite: bool, points: Sequence[Point] | None
    ) -> None:
        """Make the folder and write its `files`, the manifest first; raises InputError where it holds other results.

        `resume` keeps finished points, which are reused where their digest is the same; those that are none of
        `points` go, unless that is None: a search does not know beforehand which points it needs. `overwrite`
        removes what a run directory holds, and nothing else.
        """
        if self._is_used():
            self._demand_own(files["manifest.json"], resume=resume, overwrite=overwrite)
        with disk_faults(self.path):
            if overwrite:
                self._clear()
            self.path.mkdir(parents=True, exist_ok=True)
            for name, content in files.items():
                self.write(name, content)
            self.points.mkdir(exist_ok=True)
            self.drop_drafts()
            if points is not None:
                self._forget_others({point.directory for point in points})

    def _is_used(self) -> bool:
        if self.path.exists() and not self.path.is_dir():
            raise InputError(f"{self.path}: is a file, not a folder; choose another --out")
        return self.path.is_dir() and any(self.path.iterdir())

    def _demand_own(self, manifest: Plain, *, resume: bool, overwrite: bool) -> None:
        """Raise InputError unless the folder is a run directory that may be continued or replaced."""
        found = self._manifest()
        if found is None:
            raise InputError(f"{self.path}: holds files, but no results of s3sim; choose another --out")
        if not (resume or overwrite):
            raise InputError(
                f"{self.path}: holds results already; --resume continues them, --overwrite replaces them,"
                " --out DIR writes elsewhere"
            )
        for key in ("name", "schema_version"):
            if not overwrite and found[key] != manifest[key]:
                raise InputError(
                    f"{self.path}: cannot be continued: its {key} is {found[key]!r}, and not {manifest[key]!r};"
                    " choose another --out, or --overwrite the results"
                )

    def _manifest(self) -> Plain | None:
        """The manifest that is there; None where it is none of s3sim's."""
        try:
            found = json.loads((self.path / "manifest.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) and {"schema_version", "name", "scenarios"} <= found.keys() else None

    def _clear(self) -> None:
        for name in OWN:  # the manifest last: until then the folder is known for a run directory
            _remove(self.path / name)

    def _forget_others(self, names: set[str]) -> None:
        """Drafts, and points of an earlier version of the YAML, are no part of this experiment."""
        for folder in self.points.iterdir():
            if folder.name not in names:
                _remove(folder)

    def write(self, name: str, content: Any) -> None:
        """Write a text, or anything else as JSON, whole or not at all."""
        draft = self.path / f".{name}.{uuid4().hex}"
        with _whole(draft):
            draft.write_text(content if isinstance(content, str) else _json(content), encoding="utf-8")
            draft.replace(self.path / name)

    def finished(self, point: Point) -> bool:
        """Whether the point's results are there, whole."""
        return (self.points / point.directory / "summary.json").is_file()

    def keep(self, point: Point, *, about: Plain, tables: "Mapping[str, pd.DataFrame]", summary: Plain) -> None:
        """Write a finished point; its folder appears only when it is whole."""
        draft = self.points / f".{point.directory}.{os.getpid()}"
        with disk_faults(draft), _whole(draft):
            draft.mkdir()
            for name, table in tables.items():
                table.to_parquet(draft / f"{name}.parquet", index=False, compression="zstd")
            (draft / "point.json").write_text(_json(about), encoding="utf-8")
            (draft / "summary.json").write_text(_json(summary), encoding="utf-8")
            if not self.finished(point):  # a run that was killed may have left a worker that went on
                draft.rename(self.points / point.directory)
            else:
                _remove(draft)

    def drop_drafts(self) -> None:
        """Remove what workers were writing when they were stopped."""
        for draft in self.points.glob(".*"):
            _remove(draft)

    def summarize(self, points: Iterable[Point]) -> None:
        """Write summary.csv from the finished ones of these points, in their order; nothing where none is."""
        finished = [point for point in points if self.finished(point)]
        if not finished:
            return
        import pandas as pd  # noqa: PLC0415  a GPU machine, which keeps its results here too, may lack it

        swept = dict.fromkeys(key for point in finished for key in point.sweep)
        frame = pd.DataFrame([self._row(point, swept) for point in finished])
        with disk_faults(self.path):
            self.write("summary.csv", frame.to_csv(index=False))

    def _row(self, point: Point, swept: Iterable[str]) -> Plain:
        text = (self.points / point.directory / "summary.json").read_text(encoding="utf-8")
        return {
            "scenario": point.scenario,
            **{key: point.sweep.get(key) for key in swept},
            "system": point.label or point.system,
            "seed": point.seed,
            "point": point.directory,
            **json.loads(text),
        }


def _json(content: Any) -> str:
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


@contextmanager
def _whole(draft: Path) -> Iterator[None]:
    """Leave no draft behind where its writing fails or is interrupted."""
    try:
        yield
    except BaseException:
        _remove(draft)
        raise


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def environment() -> Plain:
    """What the results may depend on besides the experiment."""
    return {
        "packages": {name: version(name) for name in PACKAGES},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processors": os.cpu_count(),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
    }


def manifest(name: str, description: str, points: Sequence[Point]) -> Plain:
    """What a report needs to know of the experiment as a whole."""
    scenarios: Plain = {}
    for point in points:
        entry = scenarios.setdefault(
            point.scenario, {"swept_over": list(point.sweep), "slo": point.slo, "arrivals": point.arrivals["kind"]}
        )
        entry["slo"] = point.slo or entry["slo"]
    return {"schema_version": SCHEMA_VERSION, "name": name, "description": description, "scenarios": scenarios}
