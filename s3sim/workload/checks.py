"""What makes a row of a trace valid, and how a broken one is reported."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from s3sim.core.errors import InputError
from s3sim.workload.units import MAX_PICOSECONDS

__all__ = [
    "COUNTED",
    "MAX_TOKENS",
    "BoolArray",
    "Columns",
    "IntArray",
    "Place",
    "Rule",
    "Value",
    "broken_rows",
    "demand",
    "length_rules",
    "order_rules",
]

MAX_TOKENS = 2**31 - 1  # tokens; far above any context window, far below any overflow of sums

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Columns = Mapping[str, NDArray[Any]]  # by the names of a Trace's fields, all of one length
Place = Callable[[int], str]  # a row number → where a reader of the message finds that row
Value = Callable[[int, str], object]  # a row number and a column → what stands there
COUNTED = ("prompt_tokens", "output_tokens", "max_new_tokens", "predicted_tokens")
SHOWN = 80  # characters of a value in a message


class Rule(NamedTuple):
    """A demand on one column: the rows that break it, and what would be right."""

    column: str
    broken: BoolArray
    law: str


def length_rules(columns: Columns) -> list[Rule]:
    """Demands on the token columns of each row alone; a reader may drop the rows that break them."""
    counted = [name for name in COUNTED if name in columns]
    rules = [Rule(name, ~_is_count(columns[name]), _COUNT) for name in counted]
    if "max_new_tokens" in columns:
        above = columns["output_tokens"] > columns["max_new_tokens"]
        rules.append(Rule("output_tokens", above & ~_flagged(columns), _ABOVE))
    return rules


_COUNT = f"a whole number of tokens from 1 to {MAX_TOKENS} is needed; correct the row, or drop such rows"
_ABOVE = "it exceeds the row's own max_new_tokens, where any server stops; correct one of them, or drop such rows"


def order_rules(columns: Columns) -> list[Rule]:
    """Demands on the times and ids of the rows together; no row may be dropped to meet them."""
    arrival, ids = columns["arrival"], columns["id"]
    in_range = (arrival >= 0) & (arrival <= MAX_PICOSECONDS)
    before = np.zeros(len(arrival), dtype=np.bool_)
    before[1:] = arrival[1:] < arrival[:-1]
    return [
        Rule("arrival", ~in_range, _TIME),
        Rule("arrival", before, "it lies before the row above; sort the rows by arrival"),
        Rule("id", ~_is_whole(ids), "a whole number is needed; leave the column out to number the rows"),
        Rule("id", _repeated(ids), "an earlier row has the same id; leave the column out to number the rows"),
    ]


_TIME = "a time from the trace's start on is needed, at most 106 days after it; is the unit right?"


def broken_rows(rules: Iterable[Rule], rows: int) -> BoolArray:
    """Mask of the rows that break any of the rules."""
    mask = np.zeros(rows, dtype=np.bool_)
    for rule in rules:
        mask |= rule.broken
    return mask


def demand(rules: Iterable[Rule], *, value: Value, place: Place) -> None:
    """Raise InputError for the first row that breaks a rule, showing the value that stands there."""
    broken = [(int(rule.broken.argmax()), rule) for rule in rules if rule.broken.any()]
    if not broken:
        return
    row, rule = min(broken, key=lambda found: found[0])
    found = value(row, rule.column)
    text = repr(found.item() if isinstance(found, np.generic) else found)
    shown = text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
    raise InputError(f"{place(row)}: {rule.column} is {shown}: {rule.law}")


def _is_count(values: NDArray[Any]) -> BoolArray:
    return (values >= 1) & (values <= MAX_TOKENS) & _is_whole(values)


def _is_whole(values: NDArray[Any]) -> BoolArray:
    if values.dtype.kind != "f":
        return np.ones(len(values), dtype=np.bool_)
    return np.asarray(np.isfinite(values) & (np.floor(values) == values) & (np.abs(values) < 2**53))


def _repeated(values: NDArray[Any]) -> BoolArray:
    repeated = np.zeros(len(values), dtype=np.bool_)
    if not (values[1:] > values[:-1]).all():
        repeated[:] = True
        repeated[np.unique(values, return_index=True)[1]] = False
    return repeated


def _flagged(columns: Columns) -> BoolArray:
    flags = columns.get("over_length")
    return np.zeros(len(columns["output_tokens"]), dtype=np.bool_) if flags is None else flags
