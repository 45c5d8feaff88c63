"""Whether one predictor is better than another on the same rows, or only luckier."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from s3sim.core.errors import InputError

__all__ = ["Difference", "paired_bootstrap"]

DRAWS = 10_000
LEVEL = 0.95  # of the interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Mean difference of two predictors' values on the same rows, and its percentile interval."""

    mean: float
    low: float
    high: float


def paired_bootstrap(one: NDArray[np.float64], other: NDArray[np.float64], *, seed: int = 0) -> Difference:
    """Mean of one − other with its 95% percentile interval over resampled rows (Efron and Tibshirani 1993, §13.3).

    Arrays have shape (rows,), or (seeds, rows): then seeds are drawn too. Raises InputError for unequal shapes.
    """
    if one.shape != other.shape or not one.size:
        raise InputError(f"paired values of shapes {one.shape} and {other.shape}: the same rows are needed, at least 1")
    gains = np.atleast_2d(one - other)
    draw = np.random.default_rng(seed)
    means = np.empty(DRAWS)
    for number in range(DRAWS):
        rows = draw.integers(gains.shape[1], size=gains.shape[1])
        means[number] = gains[draw.integers(len(gains), size=len(gains))][:, rows].mean()
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Difference(mean=float(gains.mean()), low=float(low), high=float(high))
