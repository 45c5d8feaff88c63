"""Confidence intervals of a mean over independent replications (seeds)."""

from math import sqrt
from statistics import fmean, stdev, variance
from typing import NamedTuple

__all__ = ["Interval", "mean_interval", "welch_interval"]

# Student's t, 97.5th percentile, by degrees of freedom from 1; the normal's 1.960 beyond 30.
STUDENT_T = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11, 2.101, 2.093, 2.086),
    *(2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042),
)


class Interval(NamedTuple):
    """A mean, and half the width of its two-sided 95% interval; None for one value, which tells no spread."""

    mean: float
    half: float | None


def mean_interval(values: list[float]) -> Interval:
    """Mean ± t·s/√n of at least one value (Student, 1908)."""
    freedom = len(values) - 1
    if not freedom:
        return Interval(values[0], None)
    return Interval(fmean(values), _student(freedom) * stdev(values) / sqrt(len(values)))


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
    return Interval(mean, _student(max(freedom, 1)) * sqrt(sum(shares)))


def _student(freedom: int) -> float:
    return STUDENT_T[freedom - 1] if freedom <= len(STUDENT_T) else 1.960
