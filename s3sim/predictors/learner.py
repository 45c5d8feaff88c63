"""What learns output lengths while it is used, and one such that needs numpy alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from s3sim.predictors.buckets import Buckets
from s3sim.predictors.predictor import IntArray

__all__ = ["LEARNERS", "Frequencies", "Learner", "Prompts"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Prompts:
    """What a learner may know of requests before they are answered: never a length of an output."""

    tokens: IntArray  # of each prompt
    texts: tuple[str, ...] | None  # None: nobody told
    buckets: Buckets
    seed: int
    model: Path | None = None  # a trained predictor to begin with


class Learner(Protocol):
    """One version of a predictor: it foresees rows of `Prompts` by number, and never changes.

    Equal calls give equal answers; a row's answer depends on its own prompt and on what was learnt, alone.
    """

    def chances(self, row: int) -> FloatArray | None:
        """Chance of each bucket, of shape (buckets,); None where it has learnt nothing yet."""
        ...

    def learn(self, rows: IntArray, index: IntArray) -> "Learner":
        """The next version, which has learnt that these rows' lengths were in the buckets `index`."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Frequencies:
    """How often each bucket came, of late, among prompts of about the same length (by powers of 2).

    A kind of prompt that came seldom leans on all the others: `LEAN` rows' worth of theirs are added.
    """

    kinds: IntArray  # of each prompt
    count: int  # buckets
    table: FloatArray | None = None  # shape (kinds, buckets)

    @classmethod
    def of(cls, prompts: Prompts) -> Self:
        """One that has learnt nothing."""
        return cls(np.log2(prompts.tokens).astype(np.int64), prompts.buckets.count)

    def chances(self, row: int) -> FloatArray | None:
        """Shares of the rows that it learnt."""
        return None if self.table is None else self.table[self.kinds[row]]

    def learn(self, rows: IntArray, index: IntArray) -> "Frequencies":
        """A version that knows these rows and no others."""
        counts = np.zeros((int(self.kinds.max()) + 1, self.count))
        np.add.at(counts, (self.kinds[rows], index), 1.0)
        counts += LEAN * counts.sum(axis=0) / counts.sum()
        return Frequencies(self.kinds, self.count, counts / counts.sum(axis=1, keepdims=True))


LEAN = 8.0  # rows; few enough for a hundred rows of a kind to speak for themselves

LEARNERS: Mapping[str, Callable[[Prompts], Learner]] = {"frequencies": Frequencies.of}
