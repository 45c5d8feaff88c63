"""Confidence intervals of a mean over independent replications (seeds)."""

from collections.abc import Sequence
from math import sqrt
from statistics import fmean, stdev, variance
from typing import NamedTuple

__all__ = ["Interval", "half_width", "mean_interval", "student_quantile", "welch_interval"]

CONFIDENCE = 0.95  # unless another is asked for


class Interval(NamedTuple):
    """A mean, and half the width of its two-sided 95% interval; None for one value, which tells no spread."""

    mean: float
    half: float | None


def mean_interval(values: list[float]) -> Interval:
    """Mean ± t·s/√n of at least one value (Student, 1908)."""
    return Interval(fmean(values), half_width(values) if len(values) > 1 else None)


def half_width(values: Sequence[float], *, confidence: float = CONFIDENCE) -> float:
    """t·s/√n of at least two values."""
    return student_quantile(confidence, len(values) - 1) * stdev(values) / sqrt(len(values))


def student_quantile(confidence: float, freedom: float) -> float:
    """The t with P(|T| ≤ t) = confidence, 0 < confidence < 1, for T of so many degrees of freedom: scipy's."""
    from scipy.special import stdtrit  # noqa: PLC0415 - a fifth of a second that `--help` need not wait

    return float(stdtrit(freedom, (1 + confidence) / 2))


def welch_interval(ours: list[float], theirs: list[float]) -> Interval:
    """Mean of theirs less mean of ours, of at least one value each, which are not paired (Welch, 1947).

    Degrees of freedom are Welch's and Satterthwaite's, rounded down, so that the interval is wider rather than
    narrower; with a single value of either, its half is None.
    """
    mean = fmean(theirs) - fmean(ours)
    if len(ours) < 2 or len(theirs) < 2:
        return Interval(mean, None)
    shares = [variance(values) / len(values) for values in (ours, theirs)]
    if not any(shares):
        return Interval(mean, 0.0)
    below = sum(share**2 / (len(values) - 1) for share, values in zip(shares, (ours, theirs), strict=True))
    freedom = int(sum(shares) ** 2 / below + 1e-9) if below else len(ours) + len(theirs) - 2
    return Interval(mean, student_quantile(CONFIDENCE, max(freedom, 1)) * sqrt(sum(shares)))
