"""Percentiles of values that are known by how often they occur."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from s3sim.report.frames import Column

__all__ = ["weighted_mean", "weighted_percentile", "weighted_percentiles"]


def weighted_percentile(values: Column, weights: Column, q: float) -> float:
    """numpy's linear percentile, 0 <= q <= 100, of the list that holds each value `weight` times; NaN if it is empty.

    Equal to `np.percentile(np.repeat(values, weights), q)` to the last bit.
    """
    return float(weighted_percentiles(values, weights, [q])[0])


def weighted_percentiles(values: Column, weights: Column, qs: Sequence[float]) -> NDArray[np.float64]:
    """Several percentiles, for one sort; see `weighted_percentile`."""
    order = np.argsort(values)
    values, ends = values[order], np.cumsum(weights[order])
    if not len(ends) or not ends[-1]:
        return np.full(len(qs), np.nan)
    place = (ends[-1] - 1) * (np.asarray(qs, np.float64) / 100)  # numpy's virtual index, method "linear"
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, ends[-1] - 1)
    low, high = (values[np.searchsorted(ends, rank, side="right")] for rank in (below, above))
    return _between(low, high, place - below)


def weighted_mean(values: Column, weights: Column) -> float:
    """Mean of the list that holds each value `weight` times; NaN if it is empty."""
    count = int(weights.sum())
    return float(np.dot(values.astype(np.float64), weights)) / count if count else float("nan")


def _between(low: Column, high: Column, share: NDArray[np.float64]) -> NDArray[np.float64]:
    """numpy's own interpolation: from the nearer end, so that it is exact at both."""
    return np.where(share >= 0.5, high - (high - low) * (1 - share), low + (high - low) * share)
