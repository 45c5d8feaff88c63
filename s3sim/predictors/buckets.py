"""Buckets of output lengths: the classes among which a predictor chooses."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from s3sim.core.errors import InputError
from s3sim.predictors.predictor import MAX_TOKENS, IntArray

__all__ = ["Buckets"]


@dataclass(frozen=True, slots=True)
class Buckets:
    """`count` ranges of lengths up to `max_tokens`, numbered from 0; equal ones unless `bounds` are given.

    The upper edge of bucket i is ceil((i + 1)·max_tokens / count), or bounds[i]; the bucket of a length is
    the least whose edge is not below it. S³ (arXiv 2306.06000) uses 10 over the maximum sequence length.
    """

    count: int
    max_tokens: int
    bounds: tuple[int, ...] | None = None  # upper edges in tokens, rising, the last max_tokens

    def __post_init__(self) -> None:
        if not 1 <= self.max_tokens <= MAX_TOKENS:
            raise InputError(f"max_tokens is {self.max_tokens}: 1 to {MAX_TOKENS} is needed")
        if not 1 <= self.count <= self.max_tokens:
            raise InputError(f"count is {self.count}: 1 to max_tokens ({self.max_tokens}) buckets are needed")
        if self.bounds is not None and not _rise(self.bounds, self.count, self.max_tokens):
            raise InputError(
                f"bounds are {list(self.bounds)}: {self.count} numbers rising from 1 to {self.max_tokens} are needed"
            )

    @classmethod
    def of_edges(cls, edges: Sequence[int]) -> Self:
        """Buckets with these upper edges in tokens, rising; plain ones where they are equal ranges."""
        if not len(edges):
            raise InputError("edges are empty: at least 1 bucket is needed")
        bounds = tuple(int(edge) for edge in edges)
        equal = cls(len(bounds), bounds[-1]) if len(bounds) <= bounds[-1] else None
        same = equal is not None and equal.edges.tolist() == list(bounds)
        return cls(len(bounds), bounds[-1], None if same else bounds)

    @property
    def edges(self) -> IntArray:
        """Upper edges in tokens, rising, shape (count,); the last is max_tokens."""
        if self.bounds is not None:
            return np.array(self.bounds, dtype=np.int64)
        numbers = np.arange(1, self.count + 1, dtype=np.int64)
        return -(-numbers * self.max_tokens // self.count)

    def index(self, lengths: IntArray) -> IntArray:
        """Buckets of lengths in tokens; a length above max_tokens falls into the last one."""
        return np.minimum(np.searchsorted(self.edges, lengths, side="left"), self.count - 1).astype(np.int64)

    def upper(self, index: IntArray) -> IntArray:
        """Upper edges, in tokens, of buckets by number."""
        index = np.asarray(index)
        if index.size and not (index.min() >= 0 and index.max() < self.count):
            raise InputError(f"bucket {index.max()} or {index.min()} is none of 0 to {self.count - 1}")
        return self.edges[index]


def _rise(bounds: tuple[int, ...], count: int, last: int) -> bool:
    rising = all(low < high for low, high in zip((0, *bounds), bounds, strict=False))
    return rising and len(bounds) == count and bounds[-1] == last
