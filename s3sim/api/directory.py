"""A run directory as the API fills it: points at once, whole or not at all, resumed where they were stopped."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pandas as pd

from s3sim.api.simulating import result_of
from s3sim.core.errors import InputError, SystemFaultError
from s3sim.experiment.build import Systems
from s3sim.experiment.resolved import Point
from s3sim.experiment.rundir import RunDirectory, environment, manifest
from s3sim.experiment.schema import LoadedExperiment
from s3sim.experiment.sweep import Done, run_points
from s3sim.report.paired import comparisons
from s3sim.report.selection import swept_keys

__all__ = ["GOES_ON", "keep_point", "run_files", "run_into"]

GOES_ON = "resume=True goes on (--resume on the command line)"


def run_into(
    directory: RunDirectory, points: Sequence[Point], systems: Systems, *, workers: int, tell: Callable[[Point], None]
) -> None:
    """Run the points that are not finished, `tell` of each as it is, and write the summary of all that are.

    Raises InputError and SystemFaultError as a point meets them, and SystemFaultError where the run is interrupted:
    what is finished stays, with its summary.
    """
    missing = [point for point in points if not directory.finished(point)]
    try:
        for done in run_points(missing, partial(keep_point, directory, systems), workers=workers):
            _raise(done)
            tell(done.point)
    except KeyboardInterrupt:
        finished = sum(map(directory.finished, points))
        raise SystemFaultError(
            f"interrupted; {finished} of {len(points)} points are finished in {directory.path}; {GOES_ON}"
        ) from None
    finally:
        directory.drop_drafts()
        directory.summarize(points)
        _compare(directory)


def run_files(loaded: LoadedExperiment, name: str, points: Sequence[Point], *, planned: bool) -> dict[str, Any]:
    """The files of a run directory that tell what was run, the manifest first.

    It names `planned` points, so that a report can say which of them are missing.
    """
    experiment = loaded.experiment
    names = {"points": [point.directory for point in points]} if planned else {}
    return {
        "manifest.json": manifest(name, experiment.description, points) | names,
        "experiment.yaml": loaded.text,
        "overrides.json": list(loaded.overrides),
        "environment.json": environment(),
    }


def keep_point(directory: RunDirectory, systems: Systems, point: Point) -> None:
    """Simulate a point, and write it into a run directory."""
    result = result_of(point, systems)
    tables = {"requests": result.requests}
    if point.log == "full":
        tables |= {"events": result.events, "steps": result.steps}
    directory.keep(point, about=result.about, tables=tables, summary=result.summary)


def _compare(directory: RunDirectory) -> None:
    """Write comparisons.csv beside the summary, where there is something to compare."""
    path = directory.path / "summary.csv"
    if not path.is_file():
        return
    summary = pd.read_csv(path)
    found = comparisons(summary, keys=swept_keys(summary))
    if len(found):
        directory.write("comparisons.csv", found.to_csv(index=False))


def _raise(done: Done) -> None:
    if done.error is None:
        return
    if done.exit_code == InputError.exit_code:
        raise InputError(done.error)
    remedy = "" if done.error.endswith("--resume continues") else "; --resume continues"
    raise SystemFaultError(done.error + remedy)
