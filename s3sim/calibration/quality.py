"""How far a fit can be trusted: errors on rows left out, intervals by resampling, constants that trade off."""

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

from s3sim.calibration.cases import Case
from s3sim.calibration.fit import FEWEST_ROWS_PER_CONSTANT, Fit, fit, log_errors
from s3sim.calibration.parameters import OWN, Layout, Parameter, Vector

__all__ = [
    "Fold",
    "Pair",
    "absolute_errors",
    "bootstrap",
    "by_model",
    "by_shape",
    "correlations",
    "leave_one_out",
    "percentiles",
    "trade_offs",
]

STRONG: Final = 0.7  # correlation from which two constants are told to trade off


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """The rows of one model, or of one shape of batch, foretold by a fit to all others."""

    name: str
    cases: tuple[Case, ...]
    errors: Vector  # ln(foretold / measured)
    not_evaluable: int  # rows whose engine has too few other rows


class Pair(NamedTuple):
    """Two constants that the rows cannot tell apart well."""

    first: str
    second: str
    correlation: float


def absolute_errors(errors: Vector) -> Vector:
    """|foretold / measured − 1| of log errors."""
    return np.asarray(np.abs(np.expm1(errors)))


def percentiles(errors: Vector) -> tuple[float, float]:
    """Median and 90th percentile of the absolute errors, as fractions; not a number for no rows."""
    if not len(errors):
        return float("nan"), float("nan")
    median, p90 = np.percentile(absolute_errors(errors), [50, 90])
    return float(median), float(p90)


def by_model(case: Case) -> Hashable:
    """The architecture: models of equal shape are left out together, whatever they are called."""
    return case.shape


def by_shape(case: Case) -> Hashable:
    """Prompt and output length under one engine."""
    return case.family.engine, case.prompt, case.output


def leave_one_out(
    found: Fit, key: Callable[[Case], Hashable], *, only: Collection[Hashable] | None = None
) -> Iterator[Fold]:
    """Foretell the rows of each group, or of some, by a fit to the others.

    Rows whose engine then has too few others are not evaluable.
    """
    groups: dict[Hashable, list[Case]] = {}
    for case in found.cases:
        groups.setdefault(key(case), []).append(case)
    for group, held in groups.items():
        if only is not None and group not in only:
            continue
        rest = _with_enough_rows([case for case in found.cases if key(case) != group])
        engines = {case.family.engine for case in rest}
        known = [case for case in held if case.family.engine in engines]
        errors = log_errors(known, fit(rest).constants) if known and rest else np.empty(0)
        yield Fold(name=_name(held, key), cases=tuple(known), errors=errors, not_evaluable=len(held) - len(known))


def _name(held: Sequence[Case], key: Callable[[Case], Hashable]) -> str:
    if key is by_model:
        return " = ".join(dict.fromkeys(case.model.name for case in held))
    return f"{held[0].family.engine} {held[0].prompt} + {held[0].output}"


def _with_enough_rows(cases: Sequence[Case]) -> list[Case]:
    counts = Counter(case.family.engine for case in cases)
    return [case for case in cases if counts[case.family.engine] >= FEWEST_ROWS_PER_CONSTANT * len(OWN)]


def bootstrap(found: Fit, *, draws: int, seed: int) -> list[Fit]:
    """Fits to rows drawn anew with replacement, a curve over batch sizes at a time: its errors go together.

    Expectations are drawn anew too, each about what is typical by its spread, so that the intervals do not owe
    their width to what was assumed.
    """
    curves: dict[Hashable, list[Case]] = {}
    for case in found.cases:
        curve = (case.family.engine, case.shape, case.device.name, case.parallel.tensor, case.prompt, case.output)
        curves.setdefault(curve, []).append(case)
    blocks = list(curves.values())
    random = np.random.default_rng(seed)
    fits: list[Fit] = []
    while len(fits) < draws:
        drawn = [case for index in random.integers(len(blocks), size=len(blocks)) for case in blocks[index]]
        expected = Layout(parameters=tuple(_redrawn(entry, random) for entry in found.layout.parameters))
        if {case.family.engine for case in _with_enough_rows(drawn)} == {e.family.engine for e in found.cases}:
            fits.append(fit(drawn, start=found.vector, layout=expected))
    return fits


def _redrawn(entry: Parameter, random: np.random.Generator) -> Parameter:
    """The constant, expected elsewhere; never at its bounds, so that it keeps a scale."""
    if entry.spread is None:
        return entry
    margin = 0.01 * (entry.most - entry.least)
    typical = random.normal(entry.typical, entry.spread)
    return replace(entry, typical=float(np.clip(typical, entry.least + margin, entry.most - margin)))


def correlations(found: Fit) -> Vector:
    """Correlation matrix of the constants near the optimum, by the rows alone: neither expectations nor bounds."""
    scaled = found.jacobian[: len(found.cases)] * np.array([entry.typical for entry in found.layout.parameters])
    covariance = np.linalg.pinv(scaled.T @ scaled)
    deviation = np.sqrt(np.clip(np.diag(covariance), 1e-300, None))
    return np.asarray(covariance / np.outer(deviation, deviation))


def trade_offs(found: Fit) -> list[Pair]:
    """Pairs of constants with a strong correlation, the strongest first."""
    matrix = correlations(found)
    names = [entry.name for entry in found.layout.parameters]
    pairs = (
        Pair(names[row], names[column], float(matrix[row, column]))
        for row in range(len(names))
        for column in range(row)
    )
    return sorted((pair for pair in pairs if abs(pair.correlation) >= STRONG), key=lambda pair: -abs(pair.correlation))
