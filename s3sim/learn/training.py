"""Fine-tuning that may be interrupted at any time, and goes on as if it had not been."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from s3sim.learn.backbone import load_backbone
from s3sim.learn.checkpoint import Checkpoint, Progress, restore, save_checkpoint
from s3sim.learn.encoding import batches
from s3sim.learn.examples import Examples
from s3sim.learn.heads import head_of
from s3sim.learn.settings import Settings
from s3sim.learn.task import Labels, Task, task_of
from s3sim.predictors.predictor import IntArray

__all__ = ["OnStep", "Report", "Trained", "fine_tune", "validation_loss"]

CLIP = 1.0  # largest norm of a step's gradient: BERT's, Devlin et al. 2019
CHECKPOINT_STEPS = 500  # between two checkpoints within an epoch


class Report(NamedTuple):
    """Where a training stands, for who watches it."""

    progress: Progress
    steps: int  # of all epochs, if none is saved by stopping early
    loss: float  # of the last batch


OnStep = Callable[[Report], None]


class Trained(NamedTuple):
    """The network after its best epoch, and how it got there."""

    network: Any
    tokenizer: Any
    task: Task
    progress: Progress


@dataclass(slots=True, kw_only=True)
class Run:
    """A training in progress: what it changes, and where it keeps itself."""

    settings: Settings
    labels: Labels
    task: Task
    network: Any
    tokenizer: Any
    optimizer: Any
    path: Path
    data: Mapping[str, str]
    on_step: OnStep | None
    progress: Progress
    best: dict[str, Any]

    @property
    def steps(self) -> int:
        """Of all epochs."""
        return self.settings.epochs * -(-len(self.labels.split.train) // self.settings.batch_size)

    def save(self) -> None:
        """Keep where it stands."""
        save_checkpoint(
            self.path,
            settings=self.settings,
            data=self.data,
            progress=self.progress,
            network=self.network,
            optimizer=self.optimizer,
            best=self.best,
        )


def fine_tune(
    examples: Examples,
    labels: Labels,
    settings: Settings,
    *,
    path: Path,
    data: Mapping[str, str],
    begun: Checkpoint | None = None,
    on_step: OnStep | None = None,
) -> Trained:
    """Train until the epochs are over, or `patience` of them have not lowered the validation loss.

    `path` is the checkpoint, `data` the digests that it must be resumed with, `begun` one to go on from. Equal
    settings, examples and device give equal weights, interrupted or not.
    """
    run = _start(examples, labels, settings, path=path, data=data, begun=begun, on_step=on_step)
    while run.progress.epoch < settings.epochs and not run.progress.stale(settings.patience):
        _epoch(run)
    run.network.load_state_dict(run.best)
    return Trained(run.network, run.tokenizer, run.task, run.progress)


def _start(
    examples: Examples,
    labels: Labels,
    settings: Settings,
    *,
    path: Path,
    data: Mapping[str, str],
    begun: Checkpoint | None,
    on_step: OnStep | None,
) -> Run:
    torch.manual_seed(settings.seed)
    prompts = examples.take(labels.split.train).prompts
    outputs = head_of(settings.head).outputs(labels.buckets)
    network, tokenizer = load_backbone(settings.backbone, outputs=outputs, prompts=prompts)
    network.to("cuda" if torch.cuda.is_available() else "cpu")
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
    )
    if begun is not None:
        restore(begun, network=network, optimizer=optimizer, path=path)
    return Run(
        settings=settings,
        labels=labels,
        task=task_of(examples, labels, settings, tokenizer),
        network=network,
        tokenizer=tokenizer,
        optimizer=optimizer,
        path=path,
        data=data,
        on_step=on_step,
        progress=Progress() if begun is None else begun.progress,
        best={} if begun is None else begun.best,
    )


def _epoch(run: Run) -> None:
    """The batches of the epoch that are left, then the validation rows."""
    rows = run.labels.split.train
    order = np.random.default_rng([run.settings.seed, run.progress.epoch])
    made = list(batches(run.task.encoded.lengths[rows], run.settings.batch_size, shuffle=order))
    run.network.train()
    for number in range(run.progress.batch, len(made)):
        loss = _step(run, rows[made[number]])
        run.progress = replace(run.progress, batch=number + 1, step=run.progress.step + 1)
        if run.on_step is not None:
            run.on_step(Report(run.progress, run.steps, loss))
        if run.progress.step % CHECKPOINT_STEPS == 0:
            run.save()
    _close_epoch(run)
    run.save()


def _step(run: Run, rows: IntArray) -> float:
    for group in run.optimizer.param_groups:
        group["lr"] = run.settings.learning_rate * _pace(run.progress.step, run.steps, run.settings.warmup)
    loss = run.task.loss(run.network, rows)
    run.optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(run.network.parameters(), CLIP)
    run.optimizer.step()
    return float(loss.detach())


def _pace(step: int, steps: int, warmup: float) -> float:
    """Share of the learning rate: a straight rise over `warmup`, then a straight fall to 0 (Devlin et al. 2019)."""
    rise = warmup * steps
    return (step + 1) / (rise + 1) if step < rise else (steps - step) / max(steps - rise, 1)


def _close_epoch(run: Run) -> None:
    loss = validation_loss(run.network, run.task, run.labels.split.validation, run.settings.batch_size)
    losses = (*run.progress.validation_losses, loss)
    lowest = run.progress.best_epoch is None or loss < min(run.progress.validation_losses)
    if lowest:
        run.best = {name: values.detach().cpu().clone() for name, values in run.network.state_dict().items()}
    best = run.progress.epoch if lowest else run.progress.best_epoch
    run.progress = replace(
        run.progress, epoch=run.progress.epoch + 1, batch=0, validation_losses=losses, best_epoch=best
    )


def validation_loss(network: Any, task: Task, rows: IntArray, batch_size: int) -> float:
    """Mean loss of rows that are not trained on."""
    network.eval()
    total = 0.0
    with torch.inference_mode():
        for some in batches(task.encoded.lengths[rows], batch_size):
            total += float(task.loss(network, rows[some])) * len(some)
    return total / len(rows)
