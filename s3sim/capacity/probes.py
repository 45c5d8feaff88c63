"""A probe: the runs of one system at one level, as many as it takes to judge it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from s3sim.capacity.question import Question
from s3sim.capacity.verdicts import Reading, Verdict, combined, read, with_saturation
from s3sim.core.errors import InputError
from s3sim.experiment.resolved import Point

__all__ = ["Observe", "Observed", "Probe", "measured", "probe"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What one run, a point's, came to: its requests in the measured window, and whether its queue kept growing."""

    requests: pd.DataFrame
    saturated: bool


Observe = Callable[[Sequence[Point]], Sequence[Observed]]  # runs what has not been run; InputError where none can


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """The verdict on one level, and all that it rests on."""

    level: float
    verdict: Verdict
    readings: tuple[Reading, ...]  # one per objective; none where the level cannot be run
    saturated: int  # of the runs
    points: tuple[str, ...]  # the runs' folders under points/, one a seed
    remark: str = ""  # why the level cannot be run

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "level": self.level,
            "verdict": self.verdict.value,
            "readings": [reading.to_json() for reading in self.readings],
            "saturated_runs": self.saturated,
            "points": list(self.points),
            "remark": self.remark,
        }


def measured(requests: pd.DataFrame, summary: Mapping[str, Any]) -> pd.DataFrame:
    """The requests that arrived in a run's measured window; all of them where its summary names none."""
    begin, end = summary.get("window_start_s"), summary.get("window_end_s")
    if begin is None or end is None:
        return requests
    inside: pd.DataFrame = requests[(requests["arrival_s"] >= begin) & (requests["arrival_s"] < end)]
    return inside


def probe(point: Point, level: float, question: Question, observe: Observe) -> Probe:
    """Judge a level, with more and more seeds while it is undecided.

    Seed by seed, systems and levels are given the same requests, whose arrivals are only drawn apart or
    together: common random numbers. A level at which the system cannot be run at all is not met.
    """
    found: Probe | None = None
    for count in question.looks:
        base = question.axis.at(point, level)
        points = [replace(base, seed=seed) for seed in question.seeds_of(count)]
        try:
            runs = observe(points)
        except InputError as error:
            return _impossible(level, str(error))
        found = _judged(level, question, points, runs)
        if found.verdict is not Verdict.UNDECIDED:
            break
    assert found is not None, "a question has a look at least"
    return found


def _judged(level: float, question: Question, points: Sequence[Point], runs: Sequence[Observed]) -> Probe:
    confidence = question.confidence_of_a_look
    readings = tuple(
        read(objective, [objective.attained_ms(run.requests) for run in runs], confidence=confidence)
        for objective in question.objectives
    )
    saturated = sum(run.saturated for run in runs)
    verdict = combined(reading.verdict for reading in readings)
    return Probe(
        level=level,
        verdict=with_saturation(verdict, saturated=saturated, seeds=len(runs)),
        readings=readings,
        saturated=saturated,
        points=tuple(point.directory for point in points),
    )


def _impossible(level: float, why: str) -> Probe:
    return Probe(level=level, verdict=Verdict.NOT_MET, readings=(), saturated=0, points=(), remark=why)
