"""Heads: what an encoder's outputs mean, how they err, and which buckets they make likely."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch.nn import functional

from s3sim.core.errors import UnknownNameError
from s3sim.learn.foreseen import FloatArray
from s3sim.predictors.buckets import Buckets
from s3sim.predictors.predictor import IntArray

__all__ = ["HEADS", "Head", "LogScale", "head_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogScale:
    """The logarithm of training lengths: mean, spread, and the spread of what was not foreseen of it."""

    mean: float
    deviation: float
    error: float = 1.0  # of a regression, in deviations, on the validation rows

    @classmethod
    def of(cls, tokens: IntArray) -> "LogScale":
        """The scale of lengths in tokens."""
        logs = np.log(tokens)
        return cls(mean=float(logs.mean()), deviation=max(float(logs.std()), 1e-3))


class Head(Protocol):
    """Reads an encoder's outputs of shape (rows, outputs) as a distribution over buckets."""

    def outputs(self, buckets: Buckets) -> int:
        """How many outputs it needs."""
        ...

    def losses(self, outputs: Any, tokens: Any, index: Any, scale: LogScale) -> Any:
        """Loss of each row: a tensor of shape (rows,); `index` are the true buckets."""
        ...

    def chances(self, outputs: FloatArray, buckets: Buckets, scale: LogScale) -> FloatArray:
        """Chance of each bucket, of shape (rows, buckets); rows sum to 1."""
        ...


class Classification:
    """One output per bucket, softmax, cross-entropy: S³'s predictor."""

    def outputs(self, buckets: Buckets) -> int:
        """As many as buckets."""
        return buckets.count

    def losses(self, outputs: Any, tokens: Any, index: Any, scale: LogScale) -> Any:
        """Cross-entropy."""
        return functional.cross_entropy(outputs, index, reduction="none")

    def chances(self, outputs: FloatArray, buckets: Buckets, scale: LogScale) -> FloatArray:
        """Softmax."""
        raised = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        return np.asarray(raised / raised.sum(axis=1, keepdims=True))


class Ordinal:
    """One output per inner edge: is the length above it? (Frank and Hall 2001, with one encoder.)"""

    def outputs(self, buckets: Buckets) -> int:
        """One fewer than buckets."""
        return buckets.count - 1

    def losses(self, outputs: Any, tokens: Any, index: Any, scale: LogScale) -> Any:
        """Binary cross-entropy summed over the edges."""
        above = (index[:, None] > torch.arange(outputs.shape[1], device=outputs.device)).to(outputs.dtype)
        return functional.binary_cross_entropy_with_logits(outputs, above, reduction="none").sum(dim=1)

    def chances(self, outputs: FloatArray, buckets: Buckets, scale: LogScale) -> FloatArray:
        """Differences of the chances to be above each edge, which are made to fall."""
        above = np.minimum.accumulate(1 / (1 + np.exp(-np.clip(outputs, -50, 50))), axis=1)
        ones = np.ones((len(outputs), 1))
        return -np.diff(np.hstack([ones, above, 0 * ones]), axis=1)


class Regression:
    """One output, the scaled logarithm of the length; its errors are taken to be normal."""

    def outputs(self, buckets: Buckets) -> int:
        """One."""
        return 1

    def losses(self, outputs: Any, tokens: Any, index: Any, scale: LogScale) -> Any:
        """Squared error of the scaled logarithm."""
        return (outputs[:, 0] - (torch.log(tokens) - scale.mean) / scale.deviation) ** 2

    def chances(self, outputs: FloatArray, buckets: Buckets, scale: LogScale) -> FloatArray:
        """Normal chances of the logarithm between the edges; the last bucket has all that is longer."""
        inner = (np.log(buckets.edges[:-1] + 0.5) - scale.mean) / scale.deviation
        scores = torch.from_numpy((inner - outputs[:, :1]) / scale.error)
        below = torch.special.ndtr(scores).numpy()
        ones = np.ones((len(outputs), 1))
        return np.asarray(np.diff(np.hstack([0 * ones, below, ones]), axis=1))


HEADS: Mapping[str, Head] = {"classification": Classification(), "ordinal": Ordinal(), "regression": Regression()}


def head_of(name: str) -> Head:
    """Head of that name; UnknownNameError lists the known ones."""
    if name not in HEADS:
        raise UnknownNameError("head", name, HEADS)
    return HEADS[name]
