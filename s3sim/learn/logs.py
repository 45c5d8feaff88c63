"""Learning on from the event log of a run: each version foresees what finished next, and then learns it."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from s3sim.core.errors import InputError
from s3sim.core.events import Event
from s3sim.experiment.texts import prompts_by_id
from s3sim.learn.continual import Encoder
from s3sim.learn.model import LengthModel
from s3sim.predictors.learner import Prompts
from s3sim.predictors.predictor import IntArray

__all__ = ["Learnt", "LogRule", "Version", "accuracy_text", "learn_from_log"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRule:
    """When and from what it learns."""

    collect: str  # mispredicted, or all
    every: int  # rows collected between two retrainings
    window: int  # the latest rows collected, which a retraining learns
    seed: int


class Version(NamedTuple):
    """How one version did on the requests that finished while it was the latest."""

    version: int
    requests: int
    accuracy: float | None  # share whose bucket was the likeliest; None: of no request
    learnt: int  # rows of the retraining that ended it; 0: none did


@dataclass(frozen=True, slots=True)
class Learnt:
    """A predictor that learnt on, and how its versions did."""

    model: LengthModel
    versions: tuple[Version, ...]

    def card(self, origin: Path) -> str:
        """What there is to say of it, as Markdown."""
        lines = [f"# A length predictor, learnt on from `{origin.name}`", ""]
        lines += ["| version | requests | accuracy |", "|---|---|---|"]
        lines += [f"| {row.version} | {row.requests} | {accuracy_text(row)} |" for row in self.versions]
        return "\n".join([*lines, "", "Each version was judged on what finished before the next one was trained.", ""])


def accuracy_text(row: Version) -> str:
    """The accuracy, for people."""
    return "–" if row.accuracy is None else f"{row.accuracy:.3f}"


def learn_from_log(model: LengthModel, events: pd.DataFrame, texts: Path, rule: LogRule) -> Learnt:
    """Foresee and then learn what finished, in its order: no version is judged on what it learnt.

    Raises InputError where nothing finished, and for a request whose prompt `texts` does not hold.
    """
    done = events[(events["event"] == Event.FINISHED).to_numpy()]
    if done.empty:
        raise InputError("the log tells of no request that finished: nothing to learn")
    tokens, ids = (done[name].to_numpy(np.int64) for name in ("tokens", "id"))
    prompts = Prompts(
        tokens=np.ones_like(tokens),  # of prompts: an encoder reads texts instead
        texts=prompts_by_id(texts, ids),
        buckets=model.about.buckets,
        seed=rule.seed,
    )
    return _learn(Encoder.begin(model, prompts), prompts.buckets.index(tokens), rule)


def _learn(learner: Encoder, index: IntArray, rule: LogRule) -> Learnt:
    versions: list[Version] = []
    collected: list[int] = []
    hits: list[bool] = []
    since = 0
    for row, bucket in enumerate(index.tolist()):
        hits.append(int(learner.chances(row).argmax()) == bucket)
        if rule.collect == "all" or not hits[-1]:
            collected, since = [*collected, row][-rule.window :], since + 1
        if since == rule.every:
            versions.append(_version(len(versions), hits, len(collected)))
            rows = np.array(collected, dtype=np.int64)
            learner, hits, since = learner.learn(rows, index[rows]), [], 0
    return Learnt(learner.model, (*versions, _version(len(versions), hits, 0)))


def _version(number: int, hits: list[bool], learnt: int) -> Version:
    return Version(number, len(hits), float(np.mean(hits)) if hits else None, learnt)
