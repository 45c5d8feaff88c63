"""What a training learns: encoded prompts, true lengths, the split, buckets and weights of classes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from s3sim.core.errors import InputError
from s3sim.learn.encoding import Encoded, encode
from s3sim.learn.examples import Examples
from s3sim.learn.heads import Head, LogScale, head_of
from s3sim.learn.labels import buckets_of, class_weights, demand_classes
from s3sim.learn.model import forward
from s3sim.learn.settings import Settings
from s3sim.learn.splits import Split, split
from s3sim.predictors.buckets import Buckets
from s3sim.predictors.predictor import IntArray

__all__ = ["Labels", "Task", "label", "task_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """The split of some examples, and the classes of their lengths."""

    split: Split
    buckets: Buckets
    scale: LogScale


def label(examples: Examples, settings: Settings) -> Labels:
    """Split and classes by the settings; raises InputError for too few rows, and for rows of one class."""
    parts = split(
        examples.prompts, held_out=settings.held_out, validation=settings.validation, seed=settings.split_seed
    )
    tokens = examples.tokens[parts.train]
    buckets = buckets_of(settings, tokens)
    demand_classes(tokens, buckets)
    return Labels(split=parts, buckets=buckets, scale=LogScale.of(tokens))


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Rows as an encoder reads them, and the loss of what it makes of them."""

    encoded: Encoded
    tokens: Any  # true lengths, float tensor
    index: Any  # true buckets, integer tensor
    weights: Any  # of each bucket, float tensor
    head: Head
    scale: LogScale
    pad: int

    def loss(self, network: Any, rows: IntArray) -> Any:
        """Mean loss of some rows, weighted by class: a tensor of one number."""
        outputs = forward(network, [self.encoded.tokens[row] for row in rows.tolist()], pad=self.pad)
        index = self.index[rows].to(outputs.device)
        losses = self.head.losses(outputs, self.tokens[rows].to(outputs.device), index, self.scale)
        weights = self.weights.to(outputs.device)[index]
        return (losses * weights).sum() / weights.sum()


def task_of(examples: Examples, labels: Labels, settings: Settings, tokenizer: Any) -> Task:
    """The task of fitting these labels; raises InputError where the encoder's limit is passed."""
    limit = tokenizer.model_max_length
    if settings.max_prompt_tokens > limit:
        raise InputError(f"max_prompt_tokens is {settings.max_prompt_tokens}: the encoder takes at most {limit}")
    index = labels.buckets.index(examples.tokens)
    weights = class_weights(index[labels.split.train], labels.buckets, settings.class_weights)
    return Task(
        encoded=encode(tokenizer, examples.prompts, limit=settings.max_prompt_tokens),
        tokens=torch.from_numpy(examples.tokens.astype(np.float32)),
        index=torch.from_numpy(index),
        weights=torch.from_numpy(weights),
        head=head_of(settings.head),
        scale=labels.scale,
        pad=tokenizer.pad_token_id or 0,
    )
