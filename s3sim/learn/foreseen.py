"""What a predictor foresees: a distribution over buckets for each prompt."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from s3sim.predictors.buckets import Buckets
from s3sim.predictors.predictor import IntArray

__all__ = ["FloatArray", "Foreseen", "certain", "of_points", "quantile"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Foreseen:
    """The most likely bucket and a point estimate in tokens for each row; `chances` of shape (rows, buckets).

    `chances` is None for rules that give a length and no distribution.
    """

    bucket: IntArray
    point: FloatArray  # tokens: the distribution's median, never the bucket's upper edge
    chances: FloatArray | None = None

    @classmethod
    def of_chances(cls, chances: FloatArray, buckets: Buckets) -> "Foreseen":
        """The likeliest bucket, and the median."""
        return cls(chances.argmax(axis=1).astype(np.int64), quantile(chances, buckets, 0.5), chances)

    def reserved(self, buckets: Buckets) -> IntArray:
        """Tokens that S³ reserves for it: the likeliest bucket's upper edge."""
        return buckets.upper(self.bucket)


def quantile(chances: FloatArray, buckets: Buckets, level: float) -> FloatArray:
    """Tokens that the length stays below with this chance, straight lines within a bucket; shape (rows,)."""
    above = np.cumsum(chances, axis=1)
    above /= above[:, -1:]
    place = (above >= level).argmax(axis=1)
    rows = np.arange(len(chances))
    own = chances[rows, place] / chances.sum(axis=1)
    before = above[rows, place] - own
    low = np.concatenate([[0], buckets.edges[:-1]])[place]
    share = np.clip((level - before) / np.maximum(own, 1e-12), 0, 1)
    return np.asarray(low + share * (buckets.edges[place] - low))


def certain(bucket: int, point: float, *, rows: int) -> Foreseen:
    """The same bucket and point for every row."""
    return Foreseen(np.full(rows, bucket, dtype=np.int64), np.full(rows, float(point)))


def of_points(points: FloatArray, buckets: Buckets) -> Foreseen:
    """Lengths in tokens, and the buckets in which they lie."""
    return Foreseen(buckets.index(np.ceil(points).astype(np.int64)), points)
