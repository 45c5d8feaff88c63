"""From settings and a source to a model folder."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from s3sim.core.errors import InputError, SystemFaultError
from s3sim.learn.card import model_card
from s3sim.learn.checkpoint import CHECKPOINT, load_checkpoint
from s3sim.learn.examples import Examples, ReadExamples, read_examples
from s3sim.learn.heads import LogScale
from s3sim.learn.metrics import Scores, scores
from s3sim.learn.model import ABOUT, About, LengthModel, load_model, outputs_of, save_model
from s3sim.learn.settings import Settings
from s3sim.learn.source import Source
from s3sim.learn.task import Labels, label
from s3sim.learn.training import OnStep, Trained, fine_tune
from s3sim.predictors.predictor import IntArray

__all__ = ["majority_of", "train"]


def train(
    source: Source,
    settings: Settings,
    *,
    out: Path,
    resume: bool = False,
    overwrite: bool = False,
    on_step: OnStep | None = None,
) -> LengthModel:
    """Train a predictor and write its folder: weights, tokenizer, README.md as card, and what is known of it.

    An interrupted training leaves a checkpoint there, from which `resume` goes on; a finished one is loaded. Raises
    InputError for unusable data and settings, for a folder that is taken, and for a checkpoint of another training;
    SystemFaultError where the machine fails or it is interrupted.
    """
    checkpoint = out / CHECKPOINT
    _demand_free(out, checkpoint, resume=resume, overwrite=overwrite)
    read = read_examples(source)
    labels = label(read.examples, settings)
    if resume and not checkpoint.exists() and (out / ABOUT).exists():
        return _finished(out, settings)
    begun = (
        load_checkpoint(checkpoint, settings=settings, data=read.facts.files)
        if resume and checkpoint.exists()
        else None
    )
    (out / ABOUT).unlink(missing_ok=True)
    try:
        trained = fine_tune(
            read.examples, labels, settings, path=checkpoint, data=read.facts.files, begun=begun, on_step=on_step
        )
    except KeyboardInterrupt:
        again = "--resume goes on from its last checkpoint" if checkpoint.exists() else "no checkpoint was written yet"
        raise SystemFaultError(f"{out}: the training was interrupted; {again}") from None
    model = _described(trained, read, labels, source, settings)
    kept = save_model(model, out, card=model_card(model.about))
    checkpoint.unlink(missing_ok=True)
    return kept


def _demand_free(out: Path, checkpoint: Path, *, resume: bool, overwrite: bool) -> None:
    if resume and overwrite:
        raise InputError("--resume keeps what is there, --overwrite replaces it: give one of them")
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file; a folder is needed")
    taken = [path.name for path in (out / ABOUT, checkpoint) if path.exists()]
    if taken and not (resume or overwrite):
        raise InputError(f"{out}: holds {taken[0]}: --resume goes on, --overwrite trains anew, or name another folder")
    known = out.exists() and any(out.iterdir())
    if known and not taken and not (resume or overwrite):
        raise InputError(f"{out}: is not empty, and holds no predictor; name another folder, or --overwrite")


def _finished(out: Path, settings: Settings) -> LengthModel:
    model = load_model(out)
    if changed := settings.differences(model.about.settings):
        raise InputError(
            f"{out}: is a finished training of other settings: {'; '.join(changed)}; --overwrite, or another folder"
        )
    return model


def majority_of(counts: IntArray) -> int:
    """The most frequent bucket; the lowest of equals."""
    return int(np.argmax(counts))


def _described(trained: Trained, read: ReadExamples, labels: Labels, source: Source, settings: Settings) -> LengthModel:
    examples, parts = read.examples, labels.split
    tokens = examples.tokens[parts.train]
    counts = np.bincount(labels.buckets.index(tokens), minlength=labels.buckets.count)
    about = About(
        settings=settings,
        edges=labels.buckets.edges.tolist(),
        scale=labels.scale,
        source=source.to_json(),
        data=read.facts.to_json(),
        split={name: len(rows) for name, rows in parts._asdict().items()},
        training=_facts(trained, counts, float(np.median(tokens))),
        scores={},
    )
    model = LengthModel(trained.network, trained.tokenizer, about)
    if settings.head == "regression":
        scale = _with_error(model, examples.take(parts.validation), labels.scale)
        model = LengthModel(trained.network, trained.tokenizer, replace(about, scale=scale))
    judged = {"validation": parts.validation, "held_out": parts.held_out}
    found = {name: _scores(model, examples, rows, counts) for name, rows in judged.items() if len(rows)}
    plain = {name: value.to_json() for name, value in found.items()}
    return LengthModel(model.network, model.tokenizer, replace(model.about, scores=plain))


def _facts(trained: Trained, counts: IntArray, median: float) -> dict[str, object]:
    fitted = trained.task.encoded.counts
    return {
        "bucket_counts": counts.tolist(),
        "median_tokens": median,
        "epochs": trained.progress.epoch,
        "best_epoch": trained.progress.best_epoch,
        "validation_losses": list(trained.progress.validation_losses),
        "truncated": fitted.truncated,
        "unknown": fitted.unknown,
        "encoder_tokens": fitted.tokens,
    }


def _with_error(model: LengthModel, validation: Examples, scale: LogScale) -> LogScale:
    """The scale with the spread of a regression's errors on rows that it was not fitted to."""
    outputs = outputs_of(model, validation.prompts)[0]
    truth = (np.log(validation.tokens) - scale.mean) / scale.deviation
    return replace(scale, error=max(float(np.sqrt(np.mean((outputs[:, 0] - truth) ** 2))), 1e-3))


def _scores(model: LengthModel, examples: Examples, rows: IntArray, counts: IntArray) -> Scores:
    some = examples.take(rows)
    return scores(model.foresee(some.prompts).foreseen, some.tokens, model.about.buckets, majority=majority_of(counts))
