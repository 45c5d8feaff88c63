"""Predictors that state what they predict, or compute it from the true length."""

from dataclasses import dataclass
from statistics import NormalDist
from typing import ClassVar, Literal

import numpy as np

from s3sim.core.errors import InputError
from s3sim.predictors.buckets import Buckets
from s3sim.predictors.hashing import normals
from s3sim.predictors.margin import EDGE, Margin
from s3sim.predictors.predictor import MAX_TOKENS, IntArray, as_tokens, demand_truth

__all__ = ["ConstantPredictor", "Noisy", "Oracle", "Recorded"]


@dataclass(frozen=True, slots=True)
class Oracle:
    """The true length, or the upper edge of its bucket where buckets are given."""

    needs_output_tokens: ClassVar[bool] = True

    buckets: Buckets | None = None

    def predict(self, ids: IntArray, prompt_tokens: IntArray, output_tokens: IntArray | None = None) -> IntArray:
        """Predicted output tokens, one per request."""
        return _bucketed(as_tokens(demand_truth("oracle", output_tokens)), self.buckets)


@dataclass(frozen=True, slots=True)
class ConstantPredictor:
    """The same length for every request."""

    needs_output_tokens: ClassVar[bool] = False

    tokens: int

    def __post_init__(self) -> None:
        if not 1 <= self.tokens <= MAX_TOKENS:
            raise InputError(f"tokens is {self.tokens}: 1 to {MAX_TOKENS} is needed")

    def predict(self, ids: IntArray, prompt_tokens: IntArray, output_tokens: IntArray | None = None) -> IntArray:
        """Predicted output tokens, one per request."""
        return np.full(len(ids), self.tokens, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Noisy:
    """The true length with a random error, then the upper edge of its bucket where buckets are given.

    `multiplicative`: length · exp(σ·z), whose median is the length. `additive`: length + σ·z, σ in
    tokens. z is standard normal and depends on the seed and the request's id alone. A margin's quantile adds
    σ·Φ⁻¹(quantile) to the error: what such a predictor knows of its own errors; without buckets it has no margin
    in buckets.
    """

    needs_output_tokens: ClassVar[bool] = True

    sigma: float
    buckets: Buckets | None = None
    error: Literal["multiplicative", "additive"] = "multiplicative"
    seed: int = 0
    margin: Margin = EDGE

    def __post_init__(self) -> None:
        if self.margin.buckets and self.buckets is None:
            raise InputError(f"margin_buckets is {self.margin.buckets}, and there are no buckets: give them")
        if not 0 <= self.sigma < float("inf"):
            raise InputError(f"sigma is {self.sigma}: a finite number of at least 0 is needed")
        if self.error not in ("multiplicative", "additive"):
            raise InputError(f"error is {self.error!r}: multiplicative or additive is needed")

    def predict(self, ids: IntArray, prompt_tokens: IntArray, output_tokens: IntArray | None = None) -> IntArray:
        """Predicted output tokens, one per request."""
        truth = demand_truth("noisy", output_tokens)
        quantile = self.margin.quantile
        above = 0.0 if quantile is None else NormalDist().inv_cdf(quantile)
        error = self.sigma * (normals(self.seed, ids) + above)
        if self.error == "additive":
            return self._said(as_tokens(truth + error))
        log_tokens = np.log(np.maximum(truth, 1)) + error
        return self._said(as_tokens(np.exp(np.minimum(log_tokens, np.log(MAX_TOKENS)))))

    def _said(self, tokens: IntArray) -> IntArray:
        if self.buckets is None:
            return tokens
        return self.buckets.upper(np.minimum(self.buckets.index(tokens) + self.margin.buckets, self.buckets.count - 1))


@dataclass(frozen=True, slots=True, eq=False)
class Recorded:
    """Predictions that were made elsewhere: `values` in tokens, for `ids` (row numbers if not given).

    Raises InputError for a value below 1, repeated ids, and a request whose id was not recorded.
    """

    needs_output_tokens: ClassVar[bool] = False

    values: IntArray
    ids: IntArray | None = None

    def __post_init__(self) -> None:
        values = np.asarray(self.values)
        ids = np.arange(len(values)) if self.ids is None else np.asarray(self.ids)
        if not len(values) or len(ids) != len(values) or len(np.unique(ids)) != len(ids):
            raise InputError(f"{len(values)} recorded predictions for {len(ids)} ids: one for each id, each once")
        wrong = np.flatnonzero(~(values >= 1))
        if len(wrong):
            row = int(wrong[0])
            raise InputError(f"recorded prediction of request {ids[row]} is {values[row]}: at least 1 token is needed")
        order = np.argsort(ids, kind="stable")
        object.__setattr__(self, "ids", ids[order].astype(np.int64))
        object.__setattr__(self, "values", as_tokens(values[order]))

    def predict(self, ids: IntArray, prompt_tokens: IntArray, output_tokens: IntArray | None = None) -> IntArray:
        """Predicted output tokens, one per request."""
        known = np.asarray(self.ids)
        found = np.minimum(np.searchsorted(known, ids), len(known) - 1)
        missing = np.flatnonzero(known[found] != ids)
        if len(missing):
            raise InputError(f"no prediction was recorded for request {ids[missing[0]]}; record one for every request")
        return self.values[found]


def _bucketed(tokens: IntArray, buckets: Buckets | None) -> IntArray:
    return tokens if buckets is None else buckets.upper(buckets.index(tokens))
