"""What a predictor is, and what all predictors share."""

from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from s3sim.core.errors import InputError

__all__ = [
    "MAX_TOKENS",
    "PREDICTION_SECONDS",
    "RETRAIN_SECONDS_PER_ROW",
    "IntArray",
    "Predictor",
    "as_tokens",
    "demand_truth",
]

PREDICTION_SECONDS = 3.7e-3  # s per prompt, DistilBERT; S³ (arXiv 2306.06000) as recalled, not re-read
# 11 ms per iteration as recalled of the same, taken to be of 32 rows (fine-tuning's usual batch), 10 epochs
RETRAIN_SECONDS_PER_ROW = 10 * 11e-3 / 32  # s
MAX_TOKENS = 2**31 - 1  # tokens, the longest prediction

IntArray = NDArray[np.int64]


class Predictor(Protocol):
    """Foresees how many output tokens requests will have.

    A prediction depends on the request and on the predictor's fields, never on the order of the calls
    or on the other requests of a call.
    """

    needs_output_tokens: ClassVar[bool]  # whether it must be handed the true lengths, in the open

    def predict(self, ids: IntArray, prompt_tokens: IntArray, output_tokens: IntArray | None = None) -> IntArray:
        """Predicted output tokens, at least 1, one per request; all arrays have shape (requests,)."""
        ...


def demand_truth(name: str, output_tokens: IntArray | None) -> IntArray:
    """True output lengths, or InputError if this predictor was not handed them."""
    if output_tokens is None:
        raise InputError(f"predictor {name} is made from the true lengths: hand it output_tokens")
    return np.asarray(output_tokens)


def as_tokens(values: ArrayLike) -> NDArray[Any]:
    """Whole numbers of tokens from 1 on, of any finite or infinite ones."""
    return np.clip(np.rint(values), 1, MAX_TOKENS).astype(np.int64)
