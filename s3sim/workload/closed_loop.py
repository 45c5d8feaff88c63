"""Closed-loop load: users who wait for an answer, think, and ask again."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Literal

import numpy as np

from s3sim.core.errors import InputError, UnknownNameError
from s3sim.workload.units import PICOSECONDS

__all__ = ["THINK_TIMES", "ClosedLoop"]

THINK_TIMES = ("exponential", "constant")
THINKING_STREAM = 3  # of the independent random streams under one seed; 1 and 2 are those of `generate`
AT_ONCE = 64  # think times drawn together
MAX_USERS = 1_000_000
DAY = 86_400.0  # s


@dataclass(frozen=True, slots=True)
class ClosedLoop:
    """So many users, each with at most one request in the system.

    A user thinks, asks, waits until the answer is whole (or refused), and thinks again. All begin by thinking,
    at time 0; with a think time of 0 this is a load of fixed concurrency, as vLLM's `--max-concurrency`.
    """

    users: int
    think_time_s: float = 0.0  # s, mean
    think_time: Literal["exponential", "constant"] = "exponential"

    def __post_init__(self) -> None:
        if not 1 <= self.users <= MAX_USERS:
            raise InputError(f"users is {self.users}: a whole number from 1 to {MAX_USERS} is needed")
        if not (isfinite(self.think_time_s) and 0 <= self.think_time_s <= DAY):
            raise InputError(f"think_time_s is {self.think_time_s}: 0 seconds to a day ({DAY:g}) is needed")
        if self.think_time not in THINK_TIMES:
            raise UnknownNameError("think_time", self.think_time, THINK_TIMES)

    def last_first_ask(self, *, seed: int) -> int:
        """When the last of the users asks for the first time, in ps, if there are rows enough."""
        return max(next(self.thinking(user, seed=seed)) for user in range(self.users))

    def thinking(self, user: int, *, seed: int) -> Iterator[int]:
        """One user's think times in ps, without end.

        Each user has a random stream of its own, so that two systems meet the same users.
        """
        mean = self.think_time_s * PICOSECONDS
        rng = np.random.default_rng([seed, THINKING_STREAM, user])
        while True:
            if self.think_time == "constant" or not mean:
                yield round(mean)
            else:
                yield from np.rint(rng.standard_exponential(AT_ONCE) * mean).astype(np.int64).tolist()
