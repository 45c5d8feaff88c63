"""Fits: the constants whose foretold values lie closest to measured ones."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from scipy.optimize import least_squares

from s3sim.calibration.cases import Case, case_of
from s3sim.calibration.parameters import OWN, Layout, Vector, layout_of
from s3sim.calibration.predict import Constants, foretell, roofline
from s3sim.calibration.rows import read_rows
from s3sim.calibration.skips import Reason, Skip
from s3sim.core.errors import InputError
from s3sim.hardware import Roofline

__all__ = ["Fit", "fit", "log_errors", "usable_cases"]

LOSS_SCALE: Final = 0.05  # beyond 5%, near the labels' own noise, an error counts linearly
STEP: Final = 1e-4  # relative; durations are whole picoseconds, finer steps drown in rounding
FEWEST_ROWS_PER_CONSTANT: Final = 2
_FITTED: Final = frozenset(
    {
        "e2e_latency",
        "first_token_latency",
        "first_token_latency_min",
        "token_interval_p50",
        "output_throughput",
        "output_throughput_per_gpu",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """Constants that were fitted, the rows they were fitted to, and how the rows bind them."""

    layout: Layout
    vector: Vector
    cases: tuple[Case, ...]
    jacobian: Vector  # of the log errors and the expectations, a row each

    @property
    def constants(self) -> Constants:
        """What was found."""
        return self.layout.constants(self.vector)

    @property
    def errors(self) -> Vector:
        """ln(foretold / measured) of each row."""
        return log_errors(self.cases, self.constants)


def usable_cases(paths: Sequence[Path]) -> tuple[list[Case], list[Skip]]:
    """The cases of all files that a fit can use, and the rows that it cannot; raises InputError for bad files."""
    found = [case_of(row) for path in paths for row in read_rows(path)]
    skips = [entry for entry in found if isinstance(entry, Skip)]
    cases = [entry for entry in found if isinstance(entry, Case)]
    others = [case for case in cases if case.row.metric not in _FITTED]
    skips += [Skip(row=case.row, reason=Reason.NOT_FITTED, detail=case.row.metric) for case in others]
    sized = [_sized(case) for case in cases if case.row.metric in _FITTED]
    skips += [entry for entry in sized if isinstance(entry, Skip)]
    return _enough([entry for entry in sized if isinstance(entry, Case)], skips, paths)


def _sized(case: Case) -> Case | Skip:
    """The case, unless its model leaves no room for what the metric needs."""
    shipped = Constants()
    try:
        foretell(case, shipped, roofline(case, shipped))
    except InputError as error:
        return Skip(row=case.row, reason=Reason.DOES_NOT_FIT, detail=str(error))
    return case


def _enough(cases: list[Case], skips: list[Skip], paths: Sequence[Path]) -> tuple[list[Case], list[Skip]]:
    """Leave out engines of which too few rows are there, and demand that some remain."""
    counts = Counter(case.family.engine for case in cases)
    least = FEWEST_ROWS_PER_CONSTANT * len(OWN)
    few = {engine for engine, rows in counts.items() if rows < least}
    skips += [
        Skip(row=case.row, reason=Reason.TOO_FEW_ROWS, detail=f"{counts[case.family.engine]} of {case.family.name}")
        for case in cases
        if case.family.engine in few
    ]
    kept = [case for case in cases if case.family.engine not in few]
    constants = len(layout_of({case.family.engine for case in kept}, kept).parameters)
    if not kept or len(kept) < FEWEST_ROWS_PER_CONSTANT * constants:
        reasons = Counter(str(skip.reason) for skip in skips)
        told = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items())) or "none"
        raise InputError(
            f"{', '.join(map(str, paths))}: {len(kept)} usable rows for {constants} constants; a fit needs"
            f" {least} rows of an engine, and {FEWEST_ROWS_PER_CONSTANT} for each constant (skipped: {told});"
            " give more rows, or use --check"
        )
    return kept, skips


def fit(cases: Sequence[Case], *, layout: Layout | None = None, start: Vector | None = None) -> Fit:
    """Minimise the soft-L1 loss of log errors, expectations of the constants included, within their bounds.

    `layout` and `start` go on from another fit's; by default the rows decide, and the search starts at what
    is typical.
    """
    layout = layout or layout_of({case.family.engine for case in cases}, cases)
    typical = layout.start
    least, most = layout.bounds
    begin = typical if start is None else start
    inside = np.clip(begin, least + 1e-6 * (most - least), most - 1e-6 * (most - least))
    found = least_squares(
        lambda vector: _residuals(layout, cases, vector * typical),
        inside / typical,
        jac=lambda vector: _jacobian(layout, cases, vector * typical) * typical,
        bounds=(least / typical, most / typical),
        loss="soft_l1",
        f_scale=LOSS_SCALE,
    )
    vector = found.x * typical
    return Fit(layout=layout, vector=vector, cases=tuple(cases), jacobian=_jacobian(layout, cases, vector))


def log_errors(cases: Sequence[Case], constants: Constants) -> Vector:
    """ln(foretold / measured), a row each."""
    latencies: dict[object, Roofline] = {}
    errors = np.empty(len(cases))
    for index, case in enumerate(cases):
        key = (case.family.engine, case.model, case.device.name, case.parallel.tensor)
        latency = latencies.get(key)
        if latency is None:
            latency = latencies[key] = roofline(case, constants)
        errors[index] = np.log(foretell(case, constants, latency) / case.row.measured)
    return errors


def _expectations(layout: Layout, vector: Vector) -> Vector:
    """Distance of each constant from what is typical, in spreads, as if it were an error."""
    return np.array(
        [
            LOSS_SCALE * (value - entry.typical) / entry.spread
            for entry, value in zip(layout.parameters, vector, strict=True)
            if entry.spread is not None
        ]
    )


def _residuals(layout: Layout, cases: Sequence[Case], vector: Vector) -> Vector:
    return np.concatenate([log_errors(cases, layout.constants(vector)), _expectations(layout, vector)])


def _jacobian(layout: Layout, cases: Sequence[Case], vector: Vector) -> Vector:
    """Forward differences, each only over the rows that its constant touches."""
    base = log_errors(cases, layout.constants(vector))
    known = _expectations(layout, vector)
    result = np.zeros((len(base) + len(known), len(vector)))
    _, most = layout.bounds
    for column, entry in enumerate(layout.parameters):
        step = STEP * max(abs(vector[column]), entry.typical)
        moved = vector.copy()
        moved[column] += step if vector[column] + step <= most[column] else -step
        width = moved[column] - vector[column]
        rows = [index for index, case in enumerate(cases) if entry.touches(case)]
        constants = layout.constants(moved)
        result[rows, column] = (log_errors([cases[row] for row in rows], constants) - base[rows]) / width
        result[len(base) :, column] = (_expectations(layout, moved) - known) / width
    return result
