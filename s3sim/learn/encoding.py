"""Prompts as an encoder's tokens, cut to its limit, and batches of like lengths."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch

from s3sim.predictors.predictor import IntArray

__all__ = ["Encoded", "Padded", "TextCounts", "batches", "encode", "padded"]

AT_ONCE = 50  # batches whose rows are sorted by length together: little padding, and still a random order


@dataclass(frozen=True, slots=True, kw_only=True)
class TextCounts:
    """How texts fitted the encoder."""

    prompts: int
    truncated: int  # prompts longer than the limit, which were cut
    tokens: int  # of the encoder, special ones included, before cutting
    unknown: int  # tokens that it does not know: other scripts, for an English vocabulary


class Encoded(NamedTuple):
    """Token numbers of each prompt, at most the limit."""

    tokens: list[list[int]]
    lengths: IntArray
    counts: TextCounts


class Padded(NamedTuple):
    """A batch for the encoder: tensors of shape (rows, longest)."""

    tokens: Any
    mask: Any


def encode(tokenizer: Any, prompts: Sequence[str], *, limit: int) -> Encoded:
    """Prompts as tokens; one above the limit keeps its beginning and the closing special token."""
    whole: list[list[int]] = tokenizer(list(prompts), truncation=False, padding=False)["input_ids"] if prompts else []
    cut = [tokens if len(tokens) <= limit else [*tokens[: limit - 1], tokens[-1]] for tokens in whole]
    unknown = tokenizer.unk_token_id
    counts = TextCounts(
        prompts=len(whole),
        truncated=sum(len(tokens) > limit for tokens in whole),
        tokens=sum(map(len, whole)),
        unknown=0 if unknown is None else sum(tokens.count(unknown) for tokens in whole),
    )
    return Encoded(cut, np.array([len(tokens) for tokens in cut], dtype=np.int64), counts)


def batches(lengths: IntArray, size: int, *, shuffle: np.random.Generator | None = None) -> Iterator[IntArray]:
    """Row numbers in batches of at most `size`, each of like lengths; in order of length without `shuffle`."""
    rows = np.argsort(lengths, kind="stable") if shuffle is None else shuffle.permutation(len(lengths))
    made = []
    for start in range(0, len(rows), size * AT_ONCE):
        pool = rows[start : start + size * AT_ONCE]
        pool = pool[np.argsort(lengths[pool], kind="stable")]
        made += [pool[at : at + size] for at in range(0, len(pool), size)]
    order = range(len(made)) if shuffle is None else shuffle.permutation(len(made)).tolist()
    return (made[number] for number in order)


def padded(tokens: Sequence[list[int]], *, pad: int, device: Any) -> Padded:
    """Tensors of these rows, padded to the longest of them."""
    longest = max(map(len, tokens))
    numbers = np.full((len(tokens), longest), pad, dtype=np.int64)
    mask = np.zeros((len(tokens), longest), dtype=np.int64)
    for row, values in enumerate(tokens):
        numbers[row, : len(values)] = values
        mask[row, : len(values)] = 1
    return Padded(torch.from_numpy(numbers).to(device), torch.from_numpy(mask).to(device))
