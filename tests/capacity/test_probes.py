"""A probe takes as many runs as it needs, and judges only the measured window."""

from collections.abc import Sequence

import pandas as pd
import pytest

from s3sim.capacity.probes import Observed, Probe, measured, probe
from s3sim.capacity.question import Question
from s3sim.capacity.slo import Objective
from s3sim.capacity.verdicts import Verdict
from s3sim.core.errors import InputError
from s3sim.experiment.resolved import Point
from s3sim.experiment.schema import load_experiment
from tests.capacity.questions import fixed

POINT = load_experiment(fixed()).points[0]


def judged(values: Sequence[float], *, saturated: Sequence[int] = (), level: float = 5.0) -> Probe:
    """A probe whose runs, by seed, have these TTFTs, against a limit of 100 ms; those of some seeds are saturated."""

    def observe(points: Sequence[Point]) -> list[Observed]:
        assert all(point.arrivals["rate"] == level for point in points)
        return [
            Observed(
                requests=pd.DataFrame({"status": ["finished"], "ttft_ms": [values[point.seed]]}),
                saturated=point.seed in saturated,
            )
            for point in points
        ]

    objective = Objective(metric="ttft", percentile=None, limit_ms=100.0)
    question = Question(find="rate", objectives=(objective,), seeds=(0, 1, 2), max_seeds=12)
    return probe(POINT, level, question, observe)


def test_a_clear_level_takes_the_first_seeds() -> None:
    """Three of one kind are enough."""
    found = judged([50.0, 51.0, 49.0])
    assert (found.verdict, len(found.points)) == (Verdict.MET, 3)


def test_a_doubtful_level_takes_more_until_it_is_clear() -> None:
    """Three that differ leave it open; three more that agree settle it."""
    found = judged([60.0, 90.0, 75.0, 70.0, 72.0, 74.0])
    assert (found.verdict, len(found.points)) == (Verdict.MET, 6)


def test_a_level_at_the_limit_stays_undecided_and_says_so() -> None:
    """After the most seeds nothing is pretended."""
    found = judged([99.0, 102.0] * 6)
    assert (found.verdict, len(found.points)) == (Verdict.UNDECIDED, 12)


def test_a_saturated_level_is_not_met_whatever_it_measured() -> None:
    """Two of three runs saturated settle it; one of three asks for more seeds, and never ends in "met"."""
    assert judged([5.0] * 3, saturated=[0, 2]).verdict is Verdict.NOT_MET
    found = judged([5.0] * 12, saturated=[1])
    assert (found.verdict, found.saturated, len(found.points)) == (Verdict.UNDECIDED, 1, 12)


def test_a_level_that_cannot_be_run_says_why() -> None:
    """Not met, with the reason and no readings."""

    def refuse(points: Sequence[Point]) -> list[Observed]:
        raise InputError("does not fit")

    objective = Objective(metric="ttft", percentile=None, limit_ms=100.0)
    question = Question(find="rate", objectives=(objective,), seeds=(0, 1), max_seeds=2)
    found = probe(POINT, 3.0, question, refuse)
    assert (found.verdict, found.readings, found.remark) == (Verdict.NOT_MET, (), "does not fit")


@pytest.mark.parametrize(
    ("summary", "left"),
    [
        ({}, [0, 1, 2, 3]),
        ({"window_start_s": None, "window_end_s": None}, [0, 1, 2, 3]),
        ({"window_start_s": 0.0, "window_end_s": 9.0}, [0, 1, 2, 3]),
        ({"window_start_s": 1.0, "window_end_s": 3.0}, [1, 2]),
    ],
)
def test_only_arrivals_in_the_measured_window_count(summary: dict[str, float | None], left: list[int]) -> None:
    """begin ≤ arrival < end, as the summary has it."""
    requests = pd.DataFrame({"id": range(4), "arrival_s": [0.0, 1.0, 2.0, 3.0]})
    assert measured(requests, summary)["id"].tolist() == left
