"""How well lengths were foreseen: the same eight numbers for every predictor."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau

from s3sim.learn.foreseen import Foreseen
from s3sim.predictors.buckets import Buckets
from s3sim.predictors.predictor import IntArray

__all__ = ["Scores", "confusion", "macro_f1", "scores"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """What a predictor is worth on some rows; shares are of these rows."""

    accuracy: float  # share whose bucket is the foreseen one
    majority_accuracy: float  # the same, of always saying the training rows' most frequent bucket
    macro_f1: float  # mean over the buckets that occur, or were foreseen
    within_one: float  # share at most one bucket off
    mae_tokens: float  # mean |point estimate − length|
    kendall_tau: float | None  # tau-b of point estimates and lengths; None where either never varies
    under_predicted: float  # share longer than the foreseen bucket's upper edge: it overruns
    rows: int

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)


def scores(foreseen: Foreseen, tokens: IntArray, buckets: Buckets, *, majority: int) -> Scores:
    """Scores against the true lengths; `majority` is the training rows' most frequent bucket."""
    truth = buckets.index(tokens)
    off = np.abs(foreseen.bucket - truth)
    return Scores(
        accuracy=float((off == 0).mean()),
        majority_accuracy=float((truth == majority).mean()),
        macro_f1=macro_f1(confusion(foreseen.bucket, truth, buckets.count)),
        within_one=float((off <= 1).mean()),
        mae_tokens=float(np.abs(foreseen.point - tokens).mean()),
        kendall_tau=_tau(foreseen.point, tokens),
        under_predicted=float((tokens > foreseen.reserved(buckets)).mean()),
        rows=len(tokens),
    )


def confusion(foreseen: IntArray, truth: IntArray, count: int) -> IntArray:
    """Rows by true bucket (down) and foreseen bucket (across), of shape (count, count)."""
    return np.bincount(truth * count + foreseen, minlength=count * count).reshape(count, count).astype(np.int64)


def macro_f1(matrix: NDArray[Any]) -> float:
    """Mean over buckets of 2·hits ÷ (true + foreseen), of those with either."""
    either = matrix.sum(axis=0) + matrix.sum(axis=1)
    return float((2 * np.diag(matrix)[either > 0] / either[either > 0]).mean())


def _tau(points: NDArray[np.float64], tokens: IntArray) -> float | None:
    if len(np.unique(points)) < 2 or len(np.unique(tokens)) < 2:
        return None
    return float(kendalltau(points, tokens).statistic)
