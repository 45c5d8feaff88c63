"""Seconds of the world outside, picoseconds inside."""

from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["MAX_PICOSECONDS", "PICOSECONDS", "seconds_text", "seconds_to_picoseconds"]

PICOSECONDS = 10**12  # ps in a second
MAX_PICOSECONDS = 2**63 - 1  # ps, the largest 64-bit time: 106 days


def seconds_to_picoseconds(seconds: NDArray[Any]) -> NDArray[Any]:
    """Times in ps of a column of seconds: text and integers exactly, floats to the nearest ps.

    Answers int64 where every value is a finite number that 64 bits hold; otherwise float64, with NaN
    where it is not, so that a check can name the row.
    """
    if seconds.dtype.kind == "f":
        return np.rint(seconds * float(PICOSECONDS))
    times = [_exact(value) for value in seconds.tolist()]
    if None in times:
        return np.array([np.nan if time is None else time for time in times], dtype=np.float64)
    return np.array(times, dtype=np.int64)


def _exact(value: object) -> int | None:
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number) > MAX_PICOSECONDS // PICOSECONDS + 1:
        return None
    time = round(number.scaleb(12))
    return time if abs(time) <= MAX_PICOSECONDS else None


def seconds_text(picoseconds: NDArray[np.int64]) -> list[str]:
    """Decimal seconds that `seconds_to_picoseconds` reads back exactly, without trailing zeros."""
    return [_decimal(time) for time in picoseconds.tolist()]


def _decimal(time: int) -> str:
    whole, rest = divmod(time, PICOSECONDS)
    return f"{whole}.{rest:012d}".rstrip("0").rstrip(".") if rest else str(whole)
