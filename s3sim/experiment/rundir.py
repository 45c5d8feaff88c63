"""The run directory: everything that one experiment's results can be traced to.

    experiment.yaml    the YAML as given, and overrides.json, what --set changed
    manifest.json      schema version, name, and per scenario what was swept, the SLO, the arrivals
    environment.json   versions, platform, and the command
    summary.csv        one row per point: scenario, swept keys, system, seed, point, metrics
    points/<point>/    point.json (resolved), requests.parquet, events.parquet, steps.parquet, summary.json
    figures/

A point's folder is written beside its place and moved there when it is whole, so that a killed run
leaves finished points and nothing else.
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

__all__ = ["RunDirectory", "disk_faults"]

PACKAGES = ("s3sim", "simpy", "numpy", "pandas", "pyarrow", "pydantic", "matplotlib")
Plain = dict[str, Any]


@contextmanager
def disk_faults(path: Path) -> Iterator[None]:
    """Say a full or unwritable disk in one sentence, as a SystemFaultError."""
    try:
        yield
    except OSError as error:
        reason = "the disk is full" if error.errno == errno.ENOSPC else error.strerror or str(error)
        raise SystemFaultError(
            f"{path}: cannot be written: {reason}; free some room, or choose another --out"
        ) from None


class RunDirectory:
    """One experiment's folder on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.points = path / "points"

    def prepare(self, *, files: Mapping[str, Any], resume: bool, overwrite: bool, points: Sequence[Point]) -> None:
        """Make the folder and write its `files`; raises InputError where it holds other results.

        `resume` keeps finished points, which are reused where their digest is the same.
        """
        if self.path.exists() and any(self.path.iterdir()):
            if overwrite:
                self._demand_own()
                shutil.rmtree(self.path)
            elif not resume:
                raise InputError(
                    f"{self.path}: holds results already; --resume continues them, --overwrite replaces them,"
                    " --out DIR writes elsewhere"
                )
            else:
                self._demand_own()
        with disk_faults(self.path):
            self.points.mkdir(parents=True, exist_ok=True)
            for stale in self.points.glob(".*"):
                shutil.rmtree(stale)
            for name, content in files.items():
                self.write(name, content)
            self._forget_others({point.directory for point in points})

    def _demand_own(self) -> None:
        if not (self.path / "manifest.json").is_file():
            raise InputError(f"{self.path}: is no run directory of s3sim (no manifest.json); choose another --out")

    def _forget_others(self, names: set[str]) -> None:
        """Points of an earlier version of the YAML are no part of this experiment."""
        for folder in self.points.iterdir():
            if folder.name not in names:
                shutil.rmtree(folder)

    def write(self, name: str, content: Any) -> None:
        """Write a text, or anything else as JSON, whole or not at all."""
        text = content if isinstance(content, str) else json.dumps(content, indent=1, allow_nan=False) + "\n"
        draft = self.path / f".{name}.{uuid4().hex}"
        draft.write_text(text, encoding="utf-8")
        draft.replace(self.path / name)

    def finished(self, point: Point) -> bool:
        """Whether the point's results are there, whole."""
        return (self.points / point.directory / "summary.json").is_file()

    def keep(self, point: Point, *, about: Plain, tables: "Mapping[str, pd.DataFrame]", summary: Plain) -> None:
        """Write a finished point; its folder appears only when it is whole."""
        draft = self.points / f".{point.directory}.{os.getpid()}"
        with disk_faults(draft):
            draft.mkdir()
            for name, table in tables.items():
                table.to_parquet(draft / f"{name}.parquet", index=False, compression="zstd")
            (draft / "point.json").write_text(json.dumps(about, indent=1, allow_nan=False) + "\n", encoding="utf-8")
            (draft / "summary.json").write_text(json.dumps(summary, indent=1, allow_nan=False) + "\n", encoding="utf-8")
            draft.rename(self.points / point.directory)

    def summarize(self, points: Iterable[Point]) -> "pd.DataFrame":
        """Write summary.csv from the finished ones of these points, in their order, and return it."""
        import pandas as pd  # noqa: PLC0415  a GPU machine, which keeps its results here too, may lack it

        finished = [point for point in points if self.finished(point)]
        swept = dict.fromkeys(key for point in finished for key in point.sweep)
        frame = pd.DataFrame([self._row(point, swept) for point in finished])
        with disk_faults(self.path):
            self.write("summary.csv", frame.to_csv(index=False))
        return frame

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
