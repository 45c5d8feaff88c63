"""Raw cells as whole numbers, and as times that are exact to the picosecond."""

from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from s3sim.workload.checks import BoolArray, IntArray
from s3sim.workload.tables import Cells, as_array
from s3sim.workload.units import PICOSECONDS

__all__ = ["NO_ZONE", "UNITS", "Instants", "Whole", "flags", "instants", "whole_numbers"]

UNITS = {"s": 0, "ms": 3, "us": 6, "ns": 9, "ps": 12}  # decimal places of a second
DIGITS = 12  # of a second's fraction, in ps
NO_ZONE = -(2**15)  # minutes; a time that names no zone
FARTHEST = 2.0**53  # seconds, and whole numbers, that a float holds exactly


class Whole(NamedTuple):
    """Whole numbers; where a cell is none, `valid` is false and the number 0."""

    values: IntArray
    valid: BoolArray


class Instants(NamedTuple):
    """Points in time: whole seconds and picoseconds beyond them, in the zone so many minutes east of UTC."""

    seconds: IntArray
    picoseconds: IntArray
    valid: BoolArray
    zone: NDArray[np.int16]


def whole_numbers(cells: Cells) -> Whole:
    """The cells as whole numbers: integers, floats and text that are whole."""
    array = as_array(cells)
    kind = array.type
    if pa.types.is_integer(kind):
        return Whole(_ints(array.cast(pa.int64(), safe=False)), _there(array))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        try:
            return Whole(_ints(array.cast(pa.int64())), _there(array))
        except pa.ArrowInvalid:
            text = pd.Series(array.to_pylist(), dtype=object)
            return _whole(np.asarray(pd.to_numeric(text, errors="coerce")))
    return _whole(_floats(array))


def _whole(values: NDArray[Any]) -> Whole:
    if values.dtype.kind in "iu":
        return Whole(values.astype(np.int64), np.ones(len(values), dtype=np.bool_))
    valid = np.isfinite(values) & (np.floor(values) == values) & (np.abs(values) < FARTHEST)
    return Whole(np.where(valid, values, 0).astype(np.int64), np.asarray(valid))


def flags(cells: Cells) -> tuple[BoolArray, BoolArray]:
    """The cells as true and false, and which of them are either: true, false, 1, 0."""
    text = np.array([str(value).strip().lower() for value in as_array(cells).to_pylist()])
    return np.isin(text, ["true", "1"]), np.isin(text, ["true", "1", "false", "0"])


def instants(cells: Cells, unit: str) -> Instants:
    """The cells as times in one of UNITS, or, where the unit is `timestamp`, as ISO 8601 timestamps."""
    array = as_array(cells)
    if pa.types.is_timestamp(array.type):
        array = pc.cast(array, pa.string())
        unit = "timestamp"
    if unit == "timestamp":
        return _timestamps(array) if pa.types.is_string(array.type) else _none(len(array))
    places, kind = UNITS[unit], array.type
    if pa.types.is_integer(kind):
        return _of_whole(_ints(array.cast(pa.int64(), safe=False)), _there(array), places)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _of_text(array, places)
    return _of_floats(_floats(array), places)


def _none(rows: int) -> Instants:
    zeros = np.zeros(rows, dtype=np.int64)
    return Instants(zeros, zeros, np.zeros(rows, dtype=np.bool_), _no_zone(rows))


def _of_whole(values: IntArray, valid: BoolArray, places: int) -> Instants:
    whole, rest = np.divmod(values, 10**places)
    return Instants(whole, rest * 10 ** (DIGITS - places), valid, _no_zone(len(values)))


def _of_floats(values: NDArray[np.float64], places: int) -> Instants:
    seconds = values / 10**places
    valid = np.isfinite(seconds) & (np.abs(seconds) < FARTHEST)
    seconds = np.where(valid, seconds, 0.0)
    near = np.abs(seconds) < 1e6  # where all of it fits in ps; beyond, whole seconds are set apart first
    whole = np.where(near, 0.0, np.floor(seconds))
    picoseconds = np.rint((seconds - whole) * PICOSECONDS).astype(np.int64)
    more, rest = np.divmod(picoseconds, PICOSECONDS)
    return Instants(whole.astype(np.int64) + more, rest, np.asarray(valid), _no_zone(len(values)))


def _of_text(array: pa.Array, places: int) -> Instants:
    """Decimal text: at once where it is plain, one by one where it has an exponent, a sign or many digits."""
    whole_digits, most = DIGITS + places, DIGITS - places
    found = pc.extract_regex(array, rf"^(?P<whole>\d{{1,{min(whole_digits, 18)}}})(?:\.(?P<rest>\d{{0,{most}}}))?$")
    plain = _there(found)
    whole = _ints(_field(found, "whole").cast(pa.int64()))
    rest = _ints(pc.utf8_rpad(_field(found, "rest"), most, padding="0").cast(pa.int64())) if most else whole * 0
    seconds, units = np.divmod(whole, 10**places)
    picoseconds, valid = units * 10**most + rest, plain.copy()
    for row in np.flatnonzero(~plain).tolist():
        exact = _exact(array[row].as_py(), places)
        if exact is not None:
            (seconds[row], picoseconds[row]), valid[row] = divmod(exact, PICOSECONDS), True
    return Instants(seconds, picoseconds, valid, _no_zone(len(array)))


def _field(found: pa.Array, name: str) -> pa.Array:
    """A group of a regular expression's matches, 0 where there is none."""
    values = pc.fill_null(pc.struct_field(found, name), "0")
    return pc.if_else(pc.equal(values, ""), "0", values)


def _exact(text: str | None, places: int) -> int | None:
    """Picoseconds of decimal text, rounded to the nearest; None where it is no time."""
    try:
        number = Decimal(str(text).strip())
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number) > FARTHEST:
        return None
    return round(number.scaleb(DIGITS - places))


TIMESTAMP = (
    r"^\s*(?P<head>\d{4}-\d{2}-\d{2}(?:[ Tt]\d{2}:\d{2}(?::\d{2})?)?)"
    r"(?:[.,](?P<rest>\d+))?\s?(?P<zone>[Zz]|[+-]\d{2}(?::?\d{2})?)?\s*$"
)


def _timestamps(array: pa.Array) -> Instants:
    """ISO 8601 timestamps, whose fractions of a second may have any number of digits."""
    found = pc.extract_regex(array, TIMESTAMP)
    head = pc.struct_field(found, "head").to_numpy(zero_copy_only=False)
    parsed = pd.DatetimeIndex(pd.to_datetime(head, format="ISO8601", errors="coerce"))
    valid = _there(found) & ~np.asarray(parsed.isna())
    zone = _zones(found)
    seconds = np.where(valid, parsed.as_unit("s").asi8, 0)
    more, picoseconds = np.divmod(_fraction(found), PICOSECONDS)
    return Instants(seconds + more, picoseconds, valid, zone)


def _fraction(found: pa.Array) -> IntArray:
    """Picoseconds of the digits after the point, rounded to the nearest."""
    rest = pc.fill_null(pc.struct_field(found, "rest"), "")
    kept = pc.utf8_rpad(pc.utf8_slice_codeunits(rest, 0, DIGITS), DIGITS, padding="0")
    next_digit = pc.fill_null(pc.utf8_slice_codeunits(rest, DIGITS, DIGITS + 1), "")
    up = pc.greater_equal(next_digit, "5").to_numpy(zero_copy_only=False)
    return np.asarray(_ints(kept.cast(pa.int64())) + up)


def _zones(found: pa.Array) -> NDArray[np.int16]:
    code = pc.dictionary_encode(pc.fill_null(pc.struct_field(found, "zone"), ""))
    minutes = np.array([_minutes(zone) for zone in code.dictionary.to_pylist()], dtype=np.int16)
    return np.asarray(minutes[code.indices.to_numpy(zero_copy_only=False)])


def _minutes(zone: str) -> int:
    if not zone:
        return NO_ZONE
    if zone in "Zz":
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    east = int(digits[:2]) * 60 + int(digits[2:])
    return -east if zone[0] == "-" else east


def _ints(array: pa.Array) -> IntArray:
    return np.asarray(pc.fill_null(array, 0).to_numpy(zero_copy_only=False)).astype(np.int64)


def _floats(array: pa.Array) -> NDArray[np.float64]:
    if not pa.types.is_floating(array.type):
        return np.full(len(array), np.nan)
    return np.asarray(array.to_numpy(zero_copy_only=False), dtype=np.float64)


def _there(array: pa.Array) -> BoolArray:
    return np.asarray(array.is_valid().to_numpy(zero_copy_only=False))


def _no_zone(rows: int) -> NDArray[np.int16]:
    return np.full(rows, NO_ZONE, dtype=np.int16)
