"""How much longer than the likeliest bucket a length is said to be, so that fewer outputs outgrow it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s3sim.core.errors import InputError
from s3sim.predictors.buckets import Buckets
from s3sim.predictors.predictor import IntArray

__all__ = ["EDGE", "Margin"]


@dataclass(frozen=True, slots=True)
class Margin:
    """A safety margin: so many `buckets` above the likeliest one, or the bucket that holds a `quantile`.

    Always an upper edge is said. S³ (arXiv 2306.06000) says the likeliest bucket's: no margin. Raises InputError
    for fewer than 0 buckets, for a quantile that is not between 0 and 1, and for both at once.
    """

    buckets: int = 0
    quantile: float | None = None  # of the foreseen distribution

    def __post_init__(self) -> None:
        if self.buckets < 0:
            raise InputError(f"margin_buckets is {self.buckets}: at least 0 is needed")
        if self.quantile is not None and not 0 < self.quantile < 1:
            raise InputError(f"quantile is {self.quantile}: a chance between 0 and 1 is needed")
        if self.quantile is not None and self.buckets:
            raise InputError(f"margin_buckets is {self.buckets} and quantile {self.quantile}: give one of them")

    def tokens(self, index: IntArray, chances: NDArray[Any], buckets: Buckets) -> IntArray:
        """Tokens to reserve for the likeliest buckets `index`, by `chances` of shape (rows, buckets)."""
        if self.quantile is None:
            return buckets.upper(np.minimum(index + self.buckets, buckets.count - 1))
        below = np.cumsum(chances, axis=1)
        return buckets.upper((below >= self.quantile * below[:, -1:]).argmax(axis=1))


EDGE = Margin()
