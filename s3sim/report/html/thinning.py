"""Fewer points of a curve, and of those whose extremes show."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from s3sim.report.frames import Column

__all__ = ["Reals", "spread", "thinned"]

Reals = NDArray[np.float64]


def spread(count: int, most: int) -> list[int]:
    """Up to `most` of the indices 0 … count - 1, evenly, the last and (for most > 1) the first among them."""
    if count <= most:
        return list(range(count))
    return [count - 1] if most == 1 else np.linspace(0, count - 1, most).round().astype(int).tolist()


def thinned(columns: Sequence[Reals], *, most: int) -> Column:
    """Ascending indices of at most `most` rows: of each of equal slices the first, the last, and where a column peaks.

    A slice keeps each column's least and greatest value, so that a thinned curve draws like the whole one (M4;
    Jugel et al., VLDB 2014). All columns have one length; all rows are kept where they are no more than `most`,
    which is at least 2 + 2 · columns.
    """
    size = len(columns[0])
    if size <= most:
        return np.arange(size)
    edges = np.linspace(0, size, most // (2 + 2 * len(columns)) + 1).astype(np.int64)
    kept = [edges[:-1], edges[1:] - 1]
    for values in columns:
        for begin, end in pairwise(edges.tolist()):
            part = values[begin:end]
            kept.append(begin + np.array([np.argmin(part), np.argmax(part)]))
    return np.unique(np.concatenate(kept))
