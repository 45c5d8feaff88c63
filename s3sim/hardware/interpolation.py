"""Piecewise linear functions on integers, exact enough that k single steps equal one stretch."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping

__all__ = ["Line", "Surface"]


class Line:
    """A non-decreasing piecewise linear function of tokens, in whole picoseconds.

    Below its first knot it is constant, beyond its last it keeps the last cell's slope. Where a
    value lies below its left neighbour (noise) it is raised to it: more tokens never take less time.
    A cell's slope is rounded down to whole picoseconds per token, so that steps of equal growth have
    equal increments; the value jumps by less than 1 ps per token at the cell's end.
    """

    __slots__ = ("knots", "slopes", "values")

    def __init__(self, points: Iterable[tuple[int, int]]) -> None:
        """Build from (tokens, picoseconds) pairs with distinct tokens; at least two are needed."""
        self.knots: list[int] = []
        self.values: list[int] = []
        for knot, value in sorted(points):
            self.knots.append(knot)
            self.values.append(max(value, self.values[-1]) if self.values else value)
        if self.knots[0] > 0:
            self.knots.insert(0, 0)
            self.values.insert(0, self.values[0])
        cells = zip(self.knots, self.knots[1:], self.values, self.values[1:], strict=False)
        self.slopes = [(right - left) // (end - start) for start, end, left, right in cells]
        self.slopes.append(self.slopes[-1])

    def at(self, tokens: int) -> int:
        """Picoseconds at `tokens`."""
        cell = bisect_right(self.knots, tokens) - 1
        return self.values[cell] + self.slopes[cell] * (tokens - self.knots[cell])


class Surface:
    """Lines by batch size, linear between neighbouring batch sizes at equal tokens.

    Below the smallest batch size the smallest line holds; beyond the largest the last two are
    continued, never below the largest. Blended lines are built once per batch size.
    """

    __slots__ = ("_lines", "_sizes")

    def __init__(self, lines: Mapping[int, Line]) -> None:
        self._sizes = sorted(lines)
        self._lines = dict(lines)

    def line(self, size: int) -> Line:
        """The line of batch size `size`."""
        line = self._lines.get(size)
        if line is None:
            line = self._lines[size] = self._blend(size)
        return line

    def _blend(self, size: int) -> Line:
        sizes = self._sizes
        if size < sizes[0] or len(sizes) == 1:
            return self._lines[sizes[0]]
        above = min(bisect_right(sizes, size), len(sizes) - 1)
        low, high = sizes[above - 1], sizes[above]
        lower, upper = self._lines[low], self._lines[high]
        points = []
        for knot in sorted({*lower.knots, *upper.knots}):
            left, right = lower.at(knot), upper.at(knot)
            value = left + (right - left) * (size - low) // (high - low)
            points.append((knot, max(value, right) if size > high else value))
        return Line(points)
