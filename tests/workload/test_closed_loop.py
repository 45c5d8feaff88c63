from itertools import islice

import numpy as np
import pytest

from s3sim.core.errors import InputError
from s3sim.workload.closed_loop import ClosedLoop

SECOND = 10**12  # ps


def test_think_times_have_their_mean() -> None:
    """Exponential think times have the mean and the variation asked for, constant ones are constant."""
    drawn = np.array(list(islice(ClosedLoop(1, 2.0).thinking(0, seed=1), 50_000))) / SECOND
    assert drawn.mean() == pytest.approx(2.0, rel=0.02)
    assert drawn.std() / drawn.mean() == pytest.approx(1.0, rel=0.02)
    assert list(islice(ClosedLoop(1, 2.0, "constant").thinking(0, seed=1), 3)) == [2 * SECOND] * 3
    assert list(islice(ClosedLoop(1).thinking(0, seed=1), 3)) == [0, 0, 0]


def test_every_user_thinks_alone() -> None:
    """A user's think times depend on the seed and the user's number, on nobody else."""

    def first(user: int, seed: int) -> list[int]:
        return list(islice(ClosedLoop(9, 1.0).thinking(user, seed=seed), 4))

    assert first(3, 1) == first(3, 1)
    drawn = [time for user in range(5) for seed in (1, 2) for time in first(user, seed)]
    assert len(set(drawn)) == len(drawn)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"users": 0}, "users is 0"),
        ({"users": 1, "think_time_s": -1.0}, "think_time_s is -1.0"),
        ({"users": 1, "think_time_s": float("nan")}, "think_time_s is nan"),
        ({"users": 1, "think_time": "uniform"}, "unknown think_time 'uniform'"),
    ],
)
def test_loops_that_cannot_be_are_refused(fields: dict[str, object], message: str) -> None:
    """There is a user, and nobody thinks for less than no time."""
    with pytest.raises(InputError, match=message):
        ClosedLoop(**fields)  # type: ignore[arg-type]
