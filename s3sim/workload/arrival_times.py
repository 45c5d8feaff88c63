"""What arrival processes share: checks, sums and picoseconds."""

from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s3sim.core.errors import InputError
from s3sim.workload.checks import IntArray
from s3sim.workload.units import MAX_PICOSECONDS, PICOSECONDS

__all__ = ["demand_positive", "picoseconds", "sums"]


def demand_positive(**values: float) -> None:
    """Raise InputError for a value that is no finite number above 0."""
    for name, value in values.items():
        if not (value > 0 and isfinite(value)):
            raise InputError(f"{name} is {value}: a finite number above 0 is needed")


def sums(gaps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Times from 0 on, one more than there are gaps."""
    return np.concatenate([[0.0], np.cumsum(gaps)])


def picoseconds(seconds: NDArray[Any]) -> IntArray:
    """Ascending times in ps; InputError where the last one is more than 64 bits hold."""
    if seconds[-1] >= MAX_PICOSECONDS / PICOSECONDS:
        days = seconds[-1] / 86400
        raise InputError(f"the last request would arrive after {days:.0f} days: 106 is the most; raise the rate")
    return np.asarray(np.rint(seconds * PICOSECONDS), dtype=np.int64)
