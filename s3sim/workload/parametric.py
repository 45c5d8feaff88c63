"""Length distributions with a formula. Each maps standard normal scores to its quantiles."""

from dataclasses import dataclass
from math import erfc, log, log1p, sqrt

import numpy as np
from numpy.typing import NDArray

from s3sim.core.errors import InputError
from s3sim.workload.checks import MAX_TOKENS, IntArray

MAX_SIGMA = 100.0  # of a logarithm; real lengths have about 1, and its square must not overflow

__all__ = [
    "ConstantLength",
    "FloatArray",
    "GeometricLength",
    "LognormalLength",
    "UniformLength",
    "probability",
    "whole_tokens",
]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ConstantLength:
    """Always the same number of tokens."""

    value: int  # tokens

    def __post_init__(self) -> None:
        _demand_count(value=self.value)

    def tokens(self, scores: FloatArray) -> IntArray:
        """The value, once for each score."""
        return np.full(len(scores), self.value, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class UniformLength:
    """Every whole number from low to high, both included, with equal chances."""

    low: int  # tokens
    high: int  # tokens

    def __post_init__(self) -> None:
        _demand_count(low=self.low, high=self.high)
        if self.low > self.high:
            raise InputError(f"low is {self.low}, above high, {self.high}: low ≤ high is needed")

    def tokens(self, scores: FloatArray) -> IntArray:
        """Quantiles at the scores' probabilities."""
        steps = np.floor(probability(scores) * (self.high - self.low + 1)).astype(np.int64)
        return np.minimum(self.low + steps, self.high)


@dataclass(frozen=True, slots=True)
class LognormalLength:
    """Lognormal tokens with this mean, before they are rounded to whole numbers of at least 1."""

    mean: float  # tokens
    sigma: float  # standard deviation of the logarithm

    def __post_init__(self) -> None:
        _demand_mean(self.mean)
        if not 0 <= self.sigma <= MAX_SIGMA:
            raise InputError(f"sigma is {self.sigma}: a number from 0 to {MAX_SIGMA} is needed")

    def tokens(self, scores: FloatArray) -> IntArray:
        """Quantiles at the scores' probabilities: exp(ln mean − σ²/2 + σ·score), rounded."""
        exponent = log(self.mean) - self.sigma**2 / 2 + self.sigma * scores
        return whole_tokens(np.exp(np.minimum(exponent, log(MAX_TOKENS))))


@dataclass(frozen=True, slots=True)
class GeometricLength:
    """Tokens until an end that each token is with chance 1/mean: P(n) = (1 − 1/mean)^(n−1) / mean."""

    mean: float  # tokens

    def __post_init__(self) -> None:
        _demand_mean(self.mean)

    def tokens(self, scores: FloatArray) -> IntArray:
        """Quantiles at the scores' probabilities."""
        if self.mean == 1:
            return np.ones(len(scores), dtype=np.int64)
        survival = probability(-scores)
        return whole_tokens(1 + np.floor(np.log(survival) / log1p(-1 / self.mean)))


def probability(scores: FloatArray) -> FloatArray:
    """Standard normal distribution function; accurate in the lower tail, never 0 for a drawn score."""
    return np.fromiter(map(erfc, (scores / -sqrt(2)).tolist()), dtype=np.float64, count=len(scores)) / 2


def whole_tokens(tokens: FloatArray) -> IntArray:
    """Nearest whole numbers of tokens from 1 on."""
    return np.clip(np.rint(tokens), 1, MAX_TOKENS).astype(np.int64)


def _demand_count(**values: int) -> None:
    for name, value in values.items():
        if not (isinstance(value, int) and 1 <= value <= MAX_TOKENS):
            raise InputError(f"{name} is {value}: a whole number of tokens from 1 to {MAX_TOKENS} is needed")


def _demand_mean(mean: float) -> None:
    if not 1 <= mean <= MAX_TOKENS:
        raise InputError(f"mean is {mean}: 1 token to {MAX_TOKENS} is needed")
