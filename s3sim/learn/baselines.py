"""What a predictor must beat: models of the prompt's length, of its words, and of a frozen encoder."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from s3sim.core.errors import InputError
from s3sim.learn.embedding import frozen_encoder
from s3sim.learn.examples import Examples
from s3sim.learn.foreseen import Foreseen, of_points
from s3sim.predictors.buckets import Buckets

__all__ = ["BASELINES", "Fitted", "Known", "fit_baselines"]

MAX_ITERATIONS = 2000  # of the logistic regressions; they converge within some hundreds


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What baselines are fitted to: examples, buckets, and the encoder to freeze."""

    train: Examples
    buckets: Buckets
    backbone: str
    max_prompt_tokens: int


Rule = Callable[[tuple[str, ...]], Foreseen]  # prompts → what is foreseen


def _prompt_length(known: Known) -> Rule:
    """Logistic regression on the logarithm of the prompt's characters, and its square."""

    def features(prompts: tuple[str, ...]) -> Any:
        logs = np.log1p([len(prompt) for prompt in prompts])
        return np.column_stack([logs, logs**2])

    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=MAX_ITERATIONS))
    return _classifier(known, model, features)


def _tfidf_logistic(known: Known) -> Rule:
    """Logistic regression on TF-IDF of words, both as scikit-learn has them by default."""
    vectors = TfidfVectorizer().fit(known.train.prompts)
    return _classifier(known, LogisticRegression(max_iter=MAX_ITERATIONS), vectors.transform)


def _words(known: Known) -> Any:
    """TF-IDF of words and pairs of words; tuned to nothing."""
    vectors = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    return vectors.fit(known.train.prompts)


def _tfidf_logistic_tuned(known: Known) -> Rule:
    """Logistic regression on TF-IDF; C was chosen on validation rows of Alpaca × Vicuna-7B."""
    vectors = _words(known)
    return _classifier(known, LogisticRegression(max_iter=MAX_ITERATIONS, C=3.0), vectors.transform)


def _tfidf_ridge(known: Known) -> Rule:
    """Ridge regression of the logarithm of the length on TF-IDF."""
    return _regression(known, Ridge(alpha=1.0), _words(known).transform)


def _frozen_ridge(known: Known) -> Rule:
    """Ridge regression of the logarithm of the length on the mean of a frozen encoder's last layer."""
    embed = frozen_encoder(known.backbone, prompts=known.train.prompts, limit=known.max_prompt_tokens)
    return _regression(known, make_pipeline(StandardScaler(), Ridge(alpha=100.0)), embed)


def _classifier(known: Known, model: Any, features: Callable[[tuple[str, ...]], Any]) -> Rule:
    model.fit(features(known.train.prompts), known.buckets.index(known.train.tokens))

    def foresee(prompts: tuple[str, ...]) -> Foreseen:
        chances = np.zeros((len(prompts), known.buckets.count))
        chances[:, model.classes_] = model.predict_proba(features(prompts))
        return Foreseen.of_chances(chances, known.buckets)

    return foresee


def _regression(known: Known, model: Any, features: Callable[[tuple[str, ...]], Any]) -> Rule:
    logs = np.log(known.train.tokens)
    model.fit(features(known.train.prompts), logs)

    def foresee(prompts: tuple[str, ...]) -> Foreseen:
        points = np.exp(np.clip(model.predict(features(prompts)), 0, logs.max()))
        return of_points(np.asarray(points), known.buckets)

    return foresee


BASELINES: Mapping[str, Callable[[Known], Rule]] = {
    "prompt_length": _prompt_length,
    "tfidf_logistic": _tfidf_logistic,
    "tfidf_logistic_tuned": _tfidf_logistic_tuned,
    "tfidf_ridge": _tfidf_ridge,
    "frozen_ridge": _frozen_ridge,
}


class Fitted(NamedTuple):
    """What each baseline foresees, and why one could not be fitted."""

    foreseen: dict[str, Foreseen]
    notes: tuple[str, ...]


def fit_baselines(known: Known, prompts: tuple[str, ...]) -> Fitted:
    """What each baseline, fitted to the training rows, foresees of some prompts.

    One whose encoder is no longer to be had is left out, and noted.
    """
    foreseen, notes = {}, []
    for name, make in BASELINES.items():
        try:
            foreseen[name] = make(known)(prompts)
        except InputError as error:
            notes.append(f"no baseline {name}: {error}")
    return Fitted(foreseen, tuple(notes))
