"""The light learner: logistic regression on hashed words, which goes on learning with partial_fit."""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import SGDClassifier

from s3sim.learn.foreseen import FloatArray
from s3sim.predictors.learner import Prompts
from s3sim.predictors.predictor import IntArray

__all__ = ["SGD", "features_of"]

HASHES = 2**14  # columns; a prompt of Alpaca has 14 words
PASSES = 5  # over the rows of a retraining
KINDS = 16  # powers of 2 of a prompt's tokens, one column each


@dataclass(frozen=True, slots=True, eq=False)
class SGD:
    """A logistic regression trained by stochastic gradient descent; a version is its coefficients.

    Features are hashed words and pairs of words, if texts are told, and the power of 2 of the prompt's tokens.
    """

    features: Any  # sparse, shape (rows, columns)
    count: int  # buckets
    seed: int
    model: Any = None  # None: it has learnt nothing

    @classmethod
    def of(cls, prompts: Prompts) -> Self:
        """One that has learnt nothing."""
        return cls(features_of(prompts), prompts.buckets.count, prompts.seed)

    def chances(self, row: int) -> FloatArray | None:
        """Logistic scores of each bucket against the rest, scaled to sum to 1."""
        return None if self.model is None else np.asarray(self.model.predict_proba(self.features[row])[0])

    def learn(self, rows: IntArray, index: IntArray) -> "SGD":
        """The coefficients moved on by some passes over these rows, in an order that the seed draws."""
        model = deepcopy(self.model) if self.model is not None else _new(self.seed)
        order = np.random.default_rng([self.seed, len(rows)])
        for _ in range(PASSES):
            shuffled = order.permutation(len(rows))
            model.partial_fit(self.features[rows[shuffled]], index[shuffled], classes=np.arange(self.count))
        return SGD(self.features, self.count, self.seed, model)


def features_of(prompts: Prompts) -> Any:
    """A row of features for each prompt, by that prompt alone."""
    kinds = np.minimum(np.log2(prompts.tokens).astype(np.int64), KINDS - 1)
    rows = np.arange(len(kinds))
    lengths = csr_matrix((np.ones(len(rows)), (rows, kinds)), shape=(len(rows), KINDS))
    if prompts.texts is None:
        return lengths
    words = HashingVectorizer(n_features=HASHES, ngram_range=(1, 2), alternate_sign=False)
    return hstack([words.transform(prompts.texts), lengths], format="csr")


def _new(seed: int) -> Any:
    return SGDClassifier(loss="log_loss", alpha=1e-5, learning_rate="constant", eta0=0.5, random_state=seed)
