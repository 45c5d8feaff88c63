"""Means of independent replications, and the interval that they allow."""

from collections.abc import Callable, Sequence
from math import sqrt
from statistics import mean, stdev
from typing import NamedTuple

__all__ = ["REPLICATIONS", "Interval", "replicate"]

REPLICATIONS = 10
T_99 = 3.2498  # Student's t, 9 degrees of freedom, two-sided 99%


class Interval(NamedTuple):
    """A mean and the half-width of its 99% interval."""

    mean: float
    half_width: float

    def agrees(self, value: float, *, precision: float) -> bool:
        """Whether the interval covers the value and is narrow enough, relative to it, to say anything."""
        return abs(self.mean - value) <= self.half_width <= precision * abs(value)


def replicate(run: Callable[[int], float]) -> Interval:
    """The interval from one value per seed."""
    values: Sequence[float] = [run(seed) for seed in range(REPLICATIONS)]
    return Interval(mean(values), T_99 * stdev(values) / sqrt(REPLICATIONS))
