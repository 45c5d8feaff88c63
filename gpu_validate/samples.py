"""Samples: what a step computed, and how long it took; from a profile's grid, or from the steps of a replay."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from s3sim.core.errors import InputError

__all__ = ["Sample", "read_samples", "write_samples"]


class Sample(NamedTuple):
    """One step, or one copy within the device: then all counts but `copied` are 0."""

    rows: int  # that decode
    slots: int  # that their attention reads: Σ context when packed, rows · longest when padded
    chunks: int  # prompts, or parts of them
    prefill_tokens: int  # padding included
    copied: int  # slots
    seconds: float


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
