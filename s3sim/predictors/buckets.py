"""Buckets of output lengths: the classes among which a predictor chooses."""

from dataclasses import dataclass

import numpy as np

from s3sim.core.errors import InputError
from s3sim.predictors.predictor import MAX_TOKENS, IntArray

__all__ = ["Buckets"]


@dataclass(frozen=True, slots=True)
class Buckets:
    """`count` equal ranges of lengths up to `max_tokens`, numbered from 0.

    The upper edge of bucket i is ceil((i + 1)·max_tokens / count); the bucket of a length is the least
    whose edge is not below it. S³ (arXiv 2306.06000) uses 10 over the maximum sequence length.
    """

    count: int
    max_tokens: int

    def __post_init__(self) -> None:
        if not 1 <= self.max_tokens <= MAX_TOKENS:
            raise InputError(f"max_tokens is {self.max_tokens}: 1 to {MAX_TOKENS} is needed")
        if not 1 <= self.count <= self.max_tokens:
            raise InputError(f"count is {self.count}: 1 to max_tokens ({self.max_tokens}) buckets are needed")

    @property
    def edges(self) -> IntArray:
        """Upper edges in tokens, rising, shape (count,); the last is max_tokens."""
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
