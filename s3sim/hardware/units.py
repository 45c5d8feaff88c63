"""Units that latency models share: integer picoseconds, and the longest promise of an affine piece."""

from typing import Final

__all__ = ["PICOSECONDS_PER_SECOND", "UNLIMITED_STEPS", "picoseconds"]

PICOSECONDS_PER_SECOND: Final = 10**12
UNLIMITED_STEPS: Final = 1 << 40  # steps; more than any run takes, small enough for 64-bit sums of steps


def picoseconds(seconds: float) -> int:
    """Integer picoseconds nearest to `seconds`, the simulator's inner time."""
    return round(seconds * PICOSECONDS_PER_SECOND)
