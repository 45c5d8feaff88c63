"""The fit: durations of steps as a function of what they compute, and the table that it fills.

seconds = base by kind of step (decode, prefill, mixed)
          + rows, with hinges at 1, 2, 4 ... 64 (one row is a matrix-vector product: a kink)
          + slots read by attention: Σ context when packed, rows · longest when padded
          + chunks + prompt tokens, with hinges at 16, 64, 256.
Copies are linear in slots, by themselves. Least squares of relative errors, weighted by what is foretold:
weights by what was measured would bias the fit low, by the square of the noise.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gpu_validate.samples import Sample
from s3sim.core.errors import InputError
from s3sim.hardware.profile_table import ProfileRow

__all__ = ["Fit", "Held", "fit_samples", "held_out", "profile_rows"]

Array = NDArray[np.float64]
ROW_HINGES = (1, 2, 4, 8, 16, 32, 64)
TOKEN_HINGES = (16, 64, 256)
LEAST_SIDE = 6  # different samples on either side of a hinge, or it is left out
LEAST = 8  # different samples of steps
PASSES = 4  # of reweighting
SPIKE = 3.0  # a sample this many times over the fit is a fault of the machine, and counts as so many times
RIDGE = 1e-6  # of the mean square of each column: what the samples do not tell stays small
FLOOR = 0.1  # of the least sample: no step is foretold to take less
FOLDS = 5  # every fifth sample is held out


@dataclass(frozen=True, slots=True)
class Held:
    """Errors on samples that were not used for the fit, as shares of what was measured."""

    samples: int
    median: float  # of the absolute errors
    p95: float
    bias: float  # of the sum of all durations


@dataclass(frozen=True, slots=True)
class Fit:
    """Coefficients of the features, and those of copies."""

    row_hinges: tuple[int, ...]
    token_hinges: tuple[int, ...]
    coefficients: tuple[float, ...]  # s
    copy: tuple[float, float] | None  # s, and s per slot; None where nothing was copied
    floor: float  # s
    most_rows: int
    most_slots: int
    most_tokens: int
    most_chunks: int

    def seconds(self, samples: Sequence[Sample]) -> Array:
        """Foretold durations of steps."""
        found: Array = _features(samples, self.row_hinges, self.token_hinges) @ np.array(self.coefficients)
        return np.maximum(found, self.floor)

    def one(self, *, rows: int = 0, slots: int = 0, chunks: int = 0, tokens: int = 0) -> float:
        """The foretold duration of one step."""
        return float(self.seconds([Sample(rows, slots, chunks, tokens, 0, 1.0)])[0])

    def attention_share(self, rows: int, slots: int) -> float:
        """Share of a decode step's duration that is for reading slots."""
        whole = self.one(rows=rows, slots=slots)
        return (whole - self.one(rows=rows)) / whole


def fit_samples(samples: Sequence[Sample]) -> Fit:
    """Fit steps and copies; raises InputError for too few samples, or where no step decodes."""
    steps = _merged([sample for sample in samples if not sample.copied])
    if len(steps) < LEAST or not any(sample.rows for sample in steps):
        raise InputError(f"{len(steps)} different steps are too few to fit; measure at least {LEAST}, some that decode")
    rows = _hinges(ROW_HINGES, [sample.rows for sample in steps])
    tokens = _hinges(TOKEN_HINGES, [sample.prefill_tokens for sample in steps if sample.chunks])
    measured = np.array([sample.seconds for sample in steps])
    return Fit(
        row_hinges=rows,
        token_hinges=tokens,
        coefficients=tuple(_solve(_features(steps, rows, tokens), measured).tolist()),
        copy=_copies([sample for sample in samples if sample.copied]),
        floor=FLOOR * float(measured.min()),
        most_rows=max(sample.rows for sample in steps),
        most_slots=max(sample.slots for sample in steps),
        most_tokens=max(sample.prefill_tokens for sample in steps),
        most_chunks=max(sample.chunks for sample in steps),
    )


def held_out(samples: Sequence[Sample]) -> Held:
    """Errors of a fit on every fifth different step, which it has not seen."""
    steps = _merged([sample for sample in samples if not sample.copied])
    test = steps[::FOLDS]
    fit = fit_samples([sample for number, sample in enumerate(steps) if number % FOLDS])
    measured, foretold = np.array([sample.seconds for sample in test]), fit.seconds(test)
    errors = np.abs(foretold / measured - 1)
    bias = float(foretold.sum() / measured.sum() - 1)
    return Held(len(test), float(np.median(errors)), float(np.percentile(errors, 95)), bias)


def profile_rows(fit: Fit) -> list[ProfileRow]:
    """The fit as a table for the latency model `profile`, with a knot at every hinge."""
    knots = sorted({1, *fit.row_hinges, max(2, fit.most_rows)})
    table = [
        ProfileRow("decode", rows, slots, fit.one(rows=rows, slots=slots))
        for rows in knots
        for slots in (0, max(1, fit.most_slots))
    ]
    if not fit.most_chunks:
        return table + _copy_rows(fit)
    lengths = sorted({1, *fit.token_hinges, max(2, fit.most_tokens)})
    for chunks in sorted({1, fit.most_chunks}):
        table += [ProfileRow("prefill", chunks, n, fit.one(chunks=chunks, tokens=n)) for n in lengths]
    for rows in knots:
        table += [ProfileRow("mixed", rows, n, fit.one(rows=rows, chunks=1, tokens=n)) for n in lengths]
    return table + _copy_rows(fit)


def _copy_rows(fit: Fit) -> list[ProfileRow]:
    if fit.copy is None:
        return []
    start, slope = fit.copy
    return [ProfileRow("copy", 0, slots, start + slope * slots) for slots in (1, 1 + max(1, fit.most_slots))]


def _merged(samples: Sequence[Sample]) -> list[Sample]:
    """Samples of the same counts as one, with their median."""
    groups: dict[Sample, list[float]] = defaultdict(list)
    for sample in samples:
        groups[sample._replace(seconds=0.0)].append(sample.seconds)
    return [counts._replace(seconds=float(np.median(times))) for counts, times in sorted(groups.items())]


def _hinges(wanted: Sequence[int], values: Sequence[int]) -> tuple[int, ...]:
    def told(hinge: int) -> bool:
        above = sum(value > hinge for value in values)
        return above >= LEAST_SIDE and sum(0 < value <= hinge for value in values) >= LEAST_SIDE

    return tuple(filter(told, wanted))


def _features(samples: Sequence[Sample], row_hinges: Sequence[int], token_hinges: Sequence[int]) -> Array:
    table = np.array([sample[:5] for sample in samples], dtype=np.float64)
    rows, slots, chunks, tokens, _ = table.T
    decodes, prefills = rows > 0, chunks > 0
    columns = [decodes & ~prefills, prefills & ~decodes, decodes & prefills, rows, slots, chunks, tokens]
    columns += [np.maximum(0, rows - hinge) for hinge in row_hinges]
    columns += [np.maximum(0, tokens - hinge) for hinge in token_hinges]
    return np.column_stack(columns).astype(np.float64)


def _solve(features: Array, measured: Array) -> Array:
    foretold, solution = measured, np.zeros(features.shape[1])
    for _ in range(PASSES):
        clipped = np.minimum(measured, SPIKE * foretold)
        scaled = features / foretold[:, None]
        squares = (scaled**2).mean(0)
        gram = scaled.T @ scaled / len(scaled) + np.diag(np.where(squares > 0, RIDGE * squares, 1.0))
        solution = np.linalg.solve(gram, scaled.T @ (clipped / foretold) / len(scaled))
        foretold = np.maximum(features @ solution, FLOOR * measured.min())
    return solution


def _copies(samples: Sequence[Sample]) -> tuple[float, float] | None:
    """Start and price of a slot, neither below 0: proportional where a line would start below."""
    if not samples:
        return None
    slots = np.array([sample.copied for sample in samples], dtype=np.float64)
    seconds = np.array([sample.seconds for sample in samples])
    start, slope = 0.0, float(seconds.sum() / slots.sum())
    if len(set(slots.tolist())) > 1:
        slope, start = (float(value) for value in np.polyfit(slots, seconds, 1))
    if slope < 0:
        return float(seconds.mean()), 0.0
    return (start, slope) if start > 0 else (0.0, float(seconds.sum() / slots.sum()))
