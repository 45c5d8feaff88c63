"""Units that latency models share: integer picoseconds, and the longest promise of an affine piece."""

from typing import Final

from s3sim.core.errors import InputError

__all__ = ["PICOSECONDS_PER_SECOND", "UNLIMITED_STEPS", "picoseconds"]

PICOSECONDS_PER_SECOND: Final = 10**12
UNLIMITED_STEPS: Final = 1 << 40  # steps; more than any run takes, small enough for 64-bit sums of steps


def picoseconds(seconds: float) -> int:
    """Integer picoseconds nearest to `seconds`, the simulator's inner time; InputError beyond 64 bits of them."""
    if not abs(seconds) * PICOSECONDS_PER_SECOND < 2**63:
        raise InputError(
            f"a duration of {seconds:.3g} s follows from the figures given, and times end at 9.2e+06 s (106 days);"
            " correct the model, device, engine, latency or link"
        )
    return round(seconds * PICOSECONDS_PER_SECOND)
