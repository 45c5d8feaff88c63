"""Lengths as classes: the buckets that settings ask for, and how much each class counts."""

import numpy as np
from numpy.typing import NDArray

from s3sim.core.errors import InputError
from s3sim.learn.settings import Settings
from s3sim.predictors.buckets import Buckets
from s3sim.predictors.predictor import IntArray

__all__ = ["buckets_of", "class_weights", "demand_classes"]


def buckets_of(settings: Settings, tokens: IntArray) -> Buckets:
    """Buckets of the settings; quantile edges are those of `tokens`, the training rows' lengths.

    Quantiles that coincide make fewer buckets. Raises InputError for edges that do not rise, and for fewer than 2.
    """
    if settings.edges == "equal":
        buckets = Buckets(settings.buckets, settings.max_tokens)
    elif settings.edges == "quantile":
        buckets = _quantiles(settings, tokens)
    else:
        buckets = Buckets.of_edges(_explicit(settings.edges))
    if buckets.count < 2:
        raise InputError(f"edges {buckets.edges.tolist()}: one bucket leaves nothing to learn; at least 2 are needed")
    return buckets


def _quantiles(settings: Settings, tokens: IntArray) -> Buckets:
    levels = np.arange(1, settings.buckets) / settings.buckets
    inner = np.unique(np.quantile(tokens, levels, method="higher"))
    return Buckets.of_edges([*inner[inner < settings.max_tokens].tolist(), settings.max_tokens])


def _explicit(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise InputError(f"edges are {text!r}: equal, quantile, or upper edges such as 32,64,512 are needed") from None


def demand_classes(tokens: IntArray, buckets: Buckets) -> None:
    """Raise InputError where all training rows are in one bucket."""
    filled = np.unique(buckets.index(tokens))
    if len(filled) < 2:
        raise InputError(
            f"all {len(tokens)} training rows are in bucket {filled[0]} of {buckets.count} (upper edges"
            f" {', '.join(map(str, buckets.edges))}): nothing to learn; use quantile edges, or a lower max_tokens"
        )


def class_weights(index: IntArray, buckets: Buckets, rule: str) -> NDArray[np.float32]:
    """Weight of each bucket's rows: 1, or rows ÷ (filled buckets · its rows), as scikit-learn's `balanced`."""
    counts = np.bincount(index, minlength=buckets.count)
    if rule == "none":
        return np.ones(buckets.count, dtype=np.float32)
    weights = len(index) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    return np.asarray(np.where(counts > 0, weights, 1.0).astype(np.float32))
