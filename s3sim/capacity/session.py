"""The run directory of a search: points are run when a probe asks for them, and kept."""

import json
from collections.abc import Callable, Iterator, Sequence

import pandas as pd

from s3sim.capacity.probes import Observed, measured
from s3sim.core.errors import InputError, S3SimError, SystemFaultError
from s3sim.experiment.resolved import Point
from s3sim.experiment.rundir import RunDirectory
from s3sim.experiment.sweep import Done

__all__ = ["Session"]

Simulate = Callable[[Sequence[Point]], Iterator[Done]]  # runs points, into the run directory


class Session:
    """The points that a search has asked for so far; each is simulated once, also over several sessions."""

    def __init__(self, directory: RunDirectory, simulate: Simulate) -> None:
        self.directory, self.simulate = directory, simulate
        self.asked: dict[str, Point] = {}

    def observe(self, points: Sequence[Point]) -> list[Observed]:
        """Run what is not there yet, and read what came of all; raises InputError where a point cannot be run."""
        self.asked |= {point.directory: point for point in points}
        missing = [point for point in points if not self.directory.finished(point)]
        for done in self.simulate(missing):
            if done.error is not None:
                raise _error(done)
        return [self._read(point) for point in points]

    def _read(self, point: Point) -> Observed:
        folder = self.directory.points / point.directory
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        requests = pd.read_parquet(folder / "requests.parquet")
        return Observed(requests=measured(requests, summary), saturated=bool(summary.get("saturated")))

    def close(self) -> None:
        """Write the summary of the points that are finished, and remove what was being written."""
        self.directory.drop_drafts()
        self.directory.summarize(self.asked.values())


def _error(done: Done) -> S3SimError:
    """What a point met, without its long name."""
    text = (done.error or "").removeprefix(f"{done.point.directory}: ")
    if done.exit_code == InputError.exit_code:
        return InputError(text)
    return SystemFaultError(text if text.endswith("--resume continues") else f"{text}; --resume continues")
