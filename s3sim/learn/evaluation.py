"""A predictor judged beside its baselines, on rows that it was not trained on."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from s3sim.core.errors import InputError
from s3sim.learn.baselines import Known, fit_baselines
from s3sim.learn.bootstrap import Difference, paired_bootstrap
from s3sim.learn.encoding import TextCounts
from s3sim.learn.examples import Examples, read_examples
from s3sim.learn.foreseen import Foreseen, certain
from s3sim.learn.metrics import Scores, confusion, scores
from s3sim.learn.model import LengthModel
from s3sim.learn.source import Source
from s3sim.learn.task import label
from s3sim.predictors.buckets import Buckets
from s3sim.predictors.predictor import IntArray

__all__ = ["MODEL", "Evaluation", "evaluate"]

MODEL = "model"  # the name of the predictor that is judged, among its baselines


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What each predictor foresaw of some rows, and its scores; the model's come first."""

    rows: Examples
    buckets: Buckets
    foreseen: dict[str, Foreseen]
    scores: dict[str, Scores]
    counts: TextCounts  # of the model
    seen: int  # rows whose very prompt was trained on
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The model's scores, and those of the others under `baselines`."""
        others = {name: found.to_json() for name, found in self.scores.items() if name != MODEL}
        return {**self.scores[MODEL].to_json(), "baselines": others}

    def confusion(self, name: str = MODEL) -> IntArray:
        """Rows by true bucket (down) and foreseen bucket (across)."""
        return confusion(self.foreseen[name].bucket, self.buckets.index(self.rows.tokens), self.buckets.count)

    def differences(self) -> dict[str, dict[str, Difference]]:
        """Gain of the model over each baseline in accuracy, and in tokens of error, with intervals."""
        truth, tokens = self.buckets.index(self.rows.tokens), self.rows.tokens
        hits = {name: (found.bucket == truth).astype(float) for name, found in self.foreseen.items()}
        errors = {name: np.abs(found.point - tokens) for name, found in self.foreseen.items()}
        return {
            name: {
                "accuracy": paired_bootstrap(hits[MODEL], hits[name]),
                "mae_tokens": paired_bootstrap(errors[MODEL], errors[name]),
            }
            for name in self.foreseen
            if name != MODEL
        }

    def to_frame(self) -> pd.DataFrame:
        """One row per example: id, output_tokens, bucket, and each predictor's bucket and point estimate."""
        columns: dict[str, Any] = {"id": self.rows.ids, "output_tokens": self.rows.tokens}
        columns["bucket"] = self.buckets.index(self.rows.tokens)
        for name, found in self.foreseen.items():
            columns |= {f"{name}_bucket": found.bucket, f"{name}_point": found.point}
        return pd.DataFrame(columns)


def evaluate(model: LengthModel, *, source: Source | None = None, training: Source | None = None) -> Evaluation:
    """Judge a model on all rows of `source`, or on the rows of its training data that were held out.

    `training` is where its training data are now; by default where they were. Without them, which is noted, only the
    baselines majority and median remain, from the model's own counts. Raises InputError where there is nothing to judge
    by, and where the training data are not what they were.
    """
    about = model.about
    try:
        read = _training_data(model, training)
    except InputError as error:
        if source is None or training is not None:
            raise
        judged = read_examples(source).examples
        return _judged(model, judged, None, notes=(f"no fitted baselines: {error}",))
    labels = label(read, about.settings)
    train = read.take(labels.split.train)
    if source is None and not len(labels.split.held_out):
        raise InputError("the model held out no rows (held_out 0): give a file to judge it by")
    judged = read.take(labels.split.held_out) if source is None else read_examples(source).examples
    return _judged(model, judged, train, notes=())


def _training_data(model: LengthModel, training: Source | None) -> Examples:
    source = training or Source.from_json(model.about.source)
    read = read_examples(source)
    then, now = model.about.data["files"], read.facts.files
    if sorted(then.values()) != sorted(now.values()):
        raise InputError(f"{', '.join(now)}: not the data that the model was trained on (digests differ)")
    return read.examples


def _judged(model: LengthModel, rows: Examples, train: Examples | None, *, notes: tuple[str, ...]) -> Evaluation:
    about, buckets = model.about, model.about.buckets
    answer = model.foresee(rows.prompts)
    others = _plain(model, len(rows))
    if train is not None:
        settings = about.settings
        known = Known(
            train=train, buckets=buckets, backbone=settings.backbone, max_prompt_tokens=settings.max_prompt_tokens
        )
        fitted = fit_baselines(known, rows.prompts)
        others, notes = others | fitted.foreseen, (*notes, *fitted.notes)
    majority = int(np.argmax(about.training["bucket_counts"]))
    foreseen = {MODEL: answer.foreseen, **others}
    known_prompts = set() if train is None else set(train.prompts)
    return Evaluation(
        rows=rows,
        buckets=buckets,
        foreseen=foreseen,
        scores={name: scores(found, rows.tokens, buckets, majority=majority) for name, found in foreseen.items()},
        counts=answer.counts,
        seen=sum(prompt in known_prompts for prompt in rows.prompts),
        notes=notes,
    )


def _plain(model: LengthModel, rows: int) -> dict[str, Foreseen]:
    """The most frequent bucket (and its middle), and the median (and its bucket), of the training rows."""
    buckets, training = model.about.buckets, model.about.training
    bucket, median = int(np.argmax(training["bucket_counts"])), float(training["median_tokens"])
    middle = (float(buckets.edges[bucket]) + (float(buckets.edges[bucket - 1]) if bucket else 0.0)) / 2
    own = int(buckets.index(np.array([int(np.ceil(median))]))[0])
    return {"majority": certain(bucket, middle, rows=rows), "median": certain(own, median, rows=rows)}
