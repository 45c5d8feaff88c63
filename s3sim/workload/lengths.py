"""Length distributions: of prompts, of outputs, and of both together."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import pi, sin, sqrt
from typing import Protocol

import numpy as np

from s3sim.core.errors import InputError
from s3sim.workload.checks import MAX_TOKENS, IntArray
from s3sim.workload.parametric import (
    ConstantLength,
    FloatArray,
    GeometricLength,
    LognormalLength,
    UniformLength,
    probability,
    whole_tokens,
)

__all__ = [
    "LENGTHS",
    "JointLengths",
    "Length",
    "Lengths",
    "QuantileTable",
    "Resampled",
]


class Length(Protocol):
    """A distribution of token counts, as a non-decreasing function of a standard normal score."""

    def tokens(self, scores: FloatArray) -> IntArray:
        """Token counts, at least 1, of standard normal scores: the quantiles at their probabilities."""
        ...


class JointLengths(Protocol):
    """A distribution of prompt and output lengths together."""

    def sample(self, n: int, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
        """Prompt and output tokens of n requests, each of shape (n,); more requests prolong the series."""
        ...


@dataclass(frozen=True, slots=True)
class QuantileTable:
    """A distribution measured somewhere, as quantiles with straight lines between them, rounded.

    Raises InputError unless the levels rise from 0 to 1 and the values never fall and start at 1 or more.
    """

    levels: tuple[float, ...]  # probabilities
    values: tuple[float, ...]  # tokens that this share of the data does not exceed

    def __post_init__(self) -> None:
        if len(self.levels) != len(self.values):
            raise InputError(f"{len(self.values)} quantiles for {len(self.levels)} levels: one each is needed")
        if len(self.levels) < 2 or self.levels[0] != 0 or self.levels[-1] != 1 or not _rises(self.levels):
            raise InputError(f"levels are {self.levels}: they must rise from 0 to 1")
        if not (self.values[0] >= 1 and self.values[-1] <= MAX_TOKENS and (np.diff(self.values) >= 0).all()):
            raise InputError(f"values are {self.values}: they must never fall, from 1 to {MAX_TOKENS} tokens")

    def tokens(self, scores: FloatArray) -> IntArray:
        """Quantiles at the scores' probabilities."""
        return whole_tokens(np.interp(probability(scores), self.levels, self.values))


@dataclass(frozen=True, slots=True)
class Lengths:
    """A joint distribution of prompt and output lengths: two of any kind, tied by a Gaussian copula.

    `spearman` is the rank correlation of the two. The normal scores correlate with 2·sin(π·spearman/6)
    (Kruskal 1958, JASA 53, "Ordinal measures of association").
    """

    prompt: Length
    output: Length
    spearman: float = 0.0

    def __post_init__(self) -> None:
        if not -1 <= self.spearman <= 1:
            raise InputError(f"spearman is {self.spearman}: a rank correlation lies between -1 and 1")

    def sample(self, n: int, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
        """Prompt and output tokens of n requests, each of shape (n,); more requests prolong the series."""
        first, second = rng.standard_normal((n, 2)).T
        pearson = 2 * sin(pi * self.spearman / 6)
        tied = pearson * first + sqrt(max(0.0, 1 - pearson**2)) * second
        return self.prompt.tokens(first), self.output.tokens(tied)


@dataclass(frozen=True, slots=True, eq=False)
class Resampled:
    """The pairs of a recorded trace, drawn with replacement, which keeps the tie between prompt and output.

    The bootstrap (Efron 1979, Annals of Statistics 7, "Bootstrap methods: another look at the jackknife").
    """

    prompt_tokens: IntArray  # of a Trace
    output_tokens: IntArray

    def __post_init__(self) -> None:
        if len(self.prompt_tokens) != len(self.output_tokens) or not len(self.prompt_tokens):
            raise InputError(
                f"{len(self.prompt_tokens)} prompts and {len(self.output_tokens)} outputs: as many of both are needed"
            )

    def sample(self, n: int, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
        """Prompt and output tokens of n requests, each of shape (n,); more requests prolong the series."""
        rows = rng.integers(len(self.prompt_tokens), size=n)
        return self.prompt_tokens[rows], self.output_tokens[rows]


LENGTHS: Mapping[str, type[Length]] = {
    "constant": ConstantLength,
    "geometric": GeometricLength,
    "lognormal": LognormalLength,
    "quantiles": QuantileTable,
    "uniform": UniformLength,
}


def _rises(levels: tuple[float, ...]) -> bool:
    return bool((np.diff(levels) > 0).all())
