"""The run directory of a replay: the simulator's own, with what was measured of each step beside the log.

    manifest.json      as the simulator's, and under `replay` how it was run and whether it is whole
    points/<point>/    point.json, events, steps, steps_time, replay.json; requests and summary.json where
                       pandas is at hand, or once `gpu-validate summarize` has been run where it is

Tables are Parquet, or CSV where pyarrow is absent.
"""

import json
import os
import platform
import shutil
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gpu_validate.command_line import told_command
from gpu_validate.points import Experiment
from gpu_validate.summary import summarize_point
from gpu_validate.tables import Columns, write_table
from s3sim.core.errors import InputError
from s3sim.experiment.resolved import Plain, Point
from s3sim.experiment.rundir import RunDirectory, disk_faults, manifest

__all__ = ["ReplayDirectory"]

PACKAGES = ("s3sim", "torch", "transformers", "safetensors", "numpy", "aiohttp", "tokenizers")
MARKER = "replay.json"  # of a point that is whole
BROKEN = "failures.json"  # of a point that is not, and will be replayed anew


class ReplayDirectory:
    """One replayed experiment's folder on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._run = RunDirectory(path)

    def prepare(self, experiment: Experiment, settings: Plain, *, resume: bool, overwrite: bool) -> None:
        """Make the folder; raises InputError where it holds other results, or was replayed with other settings."""
        if resume and not overwrite:
            self._demand_same(settings)
        files = experiment.files | {
            "environment.json": _environment(),
            "manifest.json": self._manifest(experiment, settings, "partial", ""),
        }
        self._run.prepare(files=files, resume=resume, overwrite=overwrite, points=experiment.points)

    def finished(self, point: Point) -> bool:
        """Whether the point's results are there, whole."""
        return (self._run.points / point.directory / MARKER).is_file()

    def broken(self, point: Point) -> Plain | None:
        """What is known of the last try at a point that failed; None where it did not."""
        path = self._run.points / point.directory / BROKEN
        found: Plain | None = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
        return found

    def keep(
        self,
        point: Point,
        *,
        about: Plain,
        tables: Mapping[str, Columns],
        replay: Plain,
        counts: Plain,
        whole: bool = True,
    ) -> None:
        """Write a point, in place of what a failed try left; its folder appears only when it is written.

        Of one that is not `whole` there are the tables and what went wrong, and no metrics.
        """
        draft = self._run.points / f".{point.directory}.{os.getpid()}"
        with disk_faults(draft):
            draft.mkdir()
            for name, columns in tables.items():
                write_table(draft, name, columns)
            _write(draft / "point.json", about)
            _write(draft / "counts.json", counts)
            if whole and find_spec("pandas") is not None:
                summarize_point(draft)
            _write(draft / (MARKER if whole else BROKEN), replay)
            if self.broken(point):
                shutil.rmtree(self._run.points / point.directory)
            draft.rename(self._run.points / point.directory)

    def close(self, experiment: Experiment, settings: Plain, message: str = "") -> None:
        """Write summary.csv, and say in the manifest whether all is there; `message` is why it is not."""
        whole = all(self.finished(point) for point in experiment.points)
        status = "finished" if whole else "partial"
        self._run.write("manifest.json", self._manifest(experiment, settings, status, message))
        if find_spec("pandas") is not None and any(map(self.finished, experiment.points)):
            self._run.summarize(experiment.points)

    def summarize(self) -> None:
        """Add what was left out where pandas was absent; raises InputError where there is no finished point."""
        folders = sorted(marker.parent for marker in self._run.points.glob(f"*/{MARKER}"))
        if not folders:
            raise InputError(f"{self.path}: holds no finished point of a replay")
        for folder in folders:
            if not (folder / "summary.json").is_file():
                summarize_point(folder)
        self._run.summarize(map(_point, folders))

    def _manifest(self, experiment: Experiment, settings: Plain, status: str, message: str) -> Plain:
        base: Plain = manifest(experiment.name, experiment.description, experiment.points)
        return base | {"replay": settings | {"status": status, "message": message}}

    def _demand_same(self, settings: Plain) -> None:
        try:
            before = json.loads((self.path / "manifest.json").read_text(encoding="utf-8")).get("replay", {})
        except (OSError, ValueError):
            return  # prepare says what is wrong with the folder
        for key, value in settings.items():
            if before.get(key) != value:
                raise InputError(
                    f"{self.path}: was replayed with {key} {before.get(key)!r}, not {value!r}; choose another --out,"
                    " or --overwrite it"
                )


def _write(path: Path, plain: Any) -> None:
    path.write_text(json.dumps(plain, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def _environment() -> Plain:
    return {
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processors": os.cpu_count(),
        "command": told_command(),
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _point(folder: Path) -> Point:
    place = folder / "point.json"
    about = json.loads(place.read_text(encoding="utf-8"))
    return Point.from_json({key: value for key, value in about.items() if key != "facts"}, place=str(place))
