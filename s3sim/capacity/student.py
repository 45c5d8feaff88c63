"""Student's t at any confidence, without tables."""

from math import atan, cos, pi, sin, sqrt

__all__ = ["student_quantile"]

WIDEST = 1e9  # no t that is looked for is larger: 95% with one degree of freedom is 12.7
HALVINGS = 200  # of the bracket; doubles are exhausted sooner


def student_quantile(confidence: float, freedom: int) -> float:
    """The t with P(|T| ≤ t) = confidence, 0 < confidence < 1, for T of so many degrees of freedom, at least 1."""
    low, high = 0.0, WIDEST
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if _within(middle, freedom) < confidence else (low, middle)
    return high


def _within(t: float, freedom: int) -> float:
    """P(|T| ≤ t), as finite sums: Abramowitz & Stegun (1964), 26.7.3 and 26.7.4."""
    angle = atan(t / sqrt(freedom))
    odd = freedom % 2 == 1
    term = cos(angle) if odd else 1.0
    total = term if freedom > 1 else 0.0
    for k in range(2 if not odd else 3, freedom - 1, 2):
        term *= cos(angle) ** 2 * (k - 1) / k
        total += term
    return 2 / pi * (angle + sin(angle) * total) if odd else sin(angle) * total
