"""Samples: what a step computed, and how long it took; from a profile's grid, or from the steps of a replay."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gpu_validate.replay import Replayed
from s3sim.core.errors import InputError
from s3sim.core.events import STEP_COLUMNS

__all__ = ["Sample", "read_samples", "samples_of", "write_samples"]

PLACES = {name: place for place, name in enumerate(STEP_COLUMNS)}


class Sample(NamedTuple):
    """One step, or one copy within the device: then all counts but `copied` are 0."""

    rows: int  # that decode
    slots: int  # that their attention reads: Σ context when packed, rows · longest when padded
    chunks: int  # prompts, or parts of them
    prefill_tokens: int  # padding included
    copied: int  # slots
    seconds: float


def samples_of(replayed: Replayed, *, normalised: bool = True) -> list[Sample]:
    """The steps of a replay, and apart from them the copies that compactions made.

    `normalised` divides each time by the slowdown that the canary saw.
    """
    found = []
    for record, row in zip(replayed.steps, replayed.log.step_rows(), strict=True):
        scale = record.slowdown if normalised else 1.0
        rows = row[PLACES["decode_sequences"]] + row[PLACES["padding_rows"]]
        chunks = row[PLACES["prefill_sequences"]]
        tokens = row[PLACES["prefill_tokens"]] + row[PLACES["padding_tokens"]]
        seconds = (record.device_s - record.relocating_s) / scale
        found.append(Sample(rows, record.read_slots, chunks, tokens, 0, seconds))
        if moved := row[PLACES["relocated_tokens"]]:
            found.append(Sample(0, 0, 0, 0, moved, record.relocating_s / scale))
    return found


def write_samples(path: Path, samples: Iterable[Sample]) -> None:
    """Write samples as CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(Sample._fields)
        writer.writerows(samples)


def read_samples(path: Path) -> list[Sample]:
    """Read samples; raises InputError for a file that is absent or holds something else."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read ({error}); give a samples.csv of gpu-validate profile") from None
    if not rows or tuple(rows[0]) != Sample._fields:
        raise InputError(f"{path}:1: the header must be {','.join(Sample._fields)}; give a samples.csv")
    return [_sample(cells, f"{path}:{number}") for number, cells in enumerate(rows[1:], 2)]


def _sample(cells: Sequence[str], place: str) -> Sample:
    try:
        *counts, seconds = cells
        rows, slots, chunks, tokens, copied = map(int, counts)
        sample = Sample(rows, slots, chunks, tokens, copied, float(seconds))
    except (ValueError, TypeError):
        raise InputError(f"{place}: {','.join(cells)} is no sample; give five whole numbers and seconds") from None
    if min(sample[:5]) < 0 or not (np.isfinite(sample.seconds) and sample.seconds > 0):
        raise InputError(f"{place}: {','.join(cells)}: counts are at least 0, seconds above 0")
    return sample
