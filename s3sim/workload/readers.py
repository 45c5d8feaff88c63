"""Traces from files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from s3sim.core.errors import InputError, UnknownNameError
from s3sim.workload.cells import UNITS
from s3sim.workload.checks import COUNTED, BoolArray, Rule, broken_rows, demand, order_rules
from s3sim.workload.clocks import arrivals, clock_rules
from s3sim.workload.detection import open_as
from s3sim.workload.formats import FORMATS, Format
from s3sim.workload.parsing import Clock, clock_of, parse, row_rules
from s3sim.workload.pruning import Pruning
from s3sim.workload.tables import Table
from s3sim.workload.tokenizer import Tokenizer
from s3sim.workload.trace import Trace

__all__ = ["INVALID_ROWS", "InvalidRows", "ReadCounts", "ReadTrace", "read_trace"]

InvalidRows = Literal["error", "drop"]
INVALID_ROWS: Sequence[InvalidRows] = ("error", "drop")
Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class ReadCounts:
    """How many rows a file held, and what became of those that are not in the trace."""

    rows: int
    dropped: int  # invalid
    pruned: Mapping[str, int] = field(default_factory=dict)  # by the first limit that took the row
    sorted: int = 0  # rows that stood before an earlier one, and were moved
    unknown_tokens: int = 0  # of its texts


class ReadTrace(NamedTuple):
    """A trace from a file, and what it took to read it."""

    trace: Trace
    counts: ReadCounts


def read_trace(
    path: str | Path,
    *,
    format: str = "auto",  # noqa: A002 - the word that users write in YAML
    columns: Mapping[str, str] | None = None,
    constants: Mapping[str, int] | None = None,
    invalid_rows: InvalidRows = "error",
    time_unit: str | None = None,
    sort: bool = False,
    tokenizer: Tokenizer | None = None,
    prune: Pruning | None = None,
) -> ReadTrace:
    """Trace of a file in one of FORMATS; .gz is understood for text. `auto` goes by suffix and columns.

    s3sim's own columns: prompt_tokens, output_tokens, and optionally arrival_s (seconds since the start, up to
    12 decimals; 0 without) or arrival_ps, id (the row's number without), max_new_tokens, over_length; and, as in
    every format, predicted_tokens.
    `columns` maps a column of the format to the name that the file has for it, in JSON also to a path such as
    choices.0.text; `constants` gives one that the file lacks a value. `time_unit` (s, ms, us, ns, ps) overrides
    the format's. `sort` puts rows in order of arrival, and counts those that were not. Texts are counted by
    `tokenizer`, and never kept. `prune` leaves out rows by their lengths. A row whose lengths are no whole
    numbers from 1, whose output exceeds its own max_new_tokens, or whose total is not their sum, is an error, or
    is dropped and counted with `invalid_rows="drop"`; its number is not given to another.

    Timestamps, and times of a clock that ran before, become ps since the first kept row's. The file is read in
    chunks and is never in memory as text, but for a JSON object of arrays.

    Raises InputError with file, line and remedy, also for missing columns, unsorted arrivals, mixed time zones,
    units that do not match, and empty, truncated and unreadable files; UnknownNameError for unknown names.
    """
    _demand_known(invalid_rows, time_unit)
    columns = columns or {}
    table, name, form = open_as(Path(path), format, columns=columns, constants=constants or {})
    if form.texts is not None and tokenizer is None:
        raise InputError(f"{path}: format {name} holds texts: give the tokenizer that counts them{_if_counts(form)}")
    if form.texts is None and tokenizer is not None:
        raise InputError(f"{path}: format {name} holds token counts: a tokenizer has nothing to count; leave it out")
    clock = clock_of(table, form, columns=columns, time_unit=time_unit)
    parsed = parse(table, form, clock, tokenizer)
    pruned = (prune or Pruning()).apply(parsed.columns["prompt_tokens"], parsed.columns["output_tokens"])
    source = _Source(table, form, clock)
    kept, dropped = _kept(source, parsed.columns, pruned.rows, invalid_rows)
    chosen = {column: values[kept] for column, values in parsed.columns.items()}
    trace, moved = _trace(source, chosen, kept, sort=sort)
    return ReadTrace(trace, ReadCounts(len(pruned.rows), dropped, pruned.counts, moved, parsed.unknown_tokens))


def _demand_known(invalid_rows: str, time_unit: str | None) -> None:
    if invalid_rows not in INVALID_ROWS:
        raise UnknownNameError("invalid_rows rule", invalid_rows, INVALID_ROWS)
    if time_unit is not None and time_unit not in UNITS:
        raise UnknownNameError("time_unit", time_unit, UNITS)


def _if_counts(form: Format) -> str:
    names = f"{{prompt_tokens: {form.prompt}, output_tokens: {form.output}}}"
    return f" (if they are token counts: columns {names})" if form is FORMATS["text"] else ""


class _Source(NamedTuple):
    """Where a row's values stand."""

    table: Table
    form: Format
    clock: Clock

    def demand(self, rules: Sequence[Rule], rows: NDArray[np.intp]) -> None:
        """Demand rules of the rows with these numbers in the file."""
        demand(
            rules,
            value=lambda row, column: self._value(int(rows[row]), column),
            place=lambda row: self.table.place(int(rows[row])),
        )

    def _value(self, row: int, column: str) -> object:
        names = {"arrival": self.clock.column, "total": self.form.total, "single": self.form.single}
        name = names.get(column) or self.form.source(column)
        return self.table.value(row, name) if self.table.has(name) else row


def _kept(source: _Source, columns: Columns, pruned: BoolArray, invalid_rows: str) -> tuple[NDArray[np.intp], int]:
    """Numbers of the rows that make the trace, and how many invalid ones were dropped."""
    rules = [Rule(rule.column, rule.broken & ~pruned, rule.law) for rule in row_rules(columns)]
    if invalid_rows == "error":
        source.demand(rules, np.arange(len(pruned)))
    broken = broken_rows(rules, len(pruned))
    kept = np.flatnonzero(~broken & ~pruned)
    if not len(kept):
        why = "pruned" if pruned.all() else "invalid" if not pruned.any() else "invalid or pruned"
        raise InputError(f"{source.table.path}: all {len(pruned)} rows are {why}; is it the right file and format?")
    return kept, int(broken.sum())


def _trace(source: _Source, columns: Columns, kept: NDArray[np.intp], *, sort: bool) -> tuple[Trace, int]:
    """The trace of the rows that were kept, and how many of them had to be moved."""
    timed = "seconds" in columns
    if timed:
        whole_ms = source.form.whole and source.clock.unit == "ms"
        source.demand(clock_rules(columns, source.table, whole_ms=whole_ms), kept)
    arrival = arrivals(columns, source.form, sort=sort) if timed else np.zeros(len(kept), dtype=np.int64)
    moved = int((np.maximum.accumulate(arrival) > arrival).sum()) if sort else 0
    names = [name for name in (*COUNTED, "over_length") if name in columns]
    fields: dict[str, Any] = {"id": _ids(columns, kept), "arrival": arrival} | {name: columns[name] for name in names}
    if moved:
        order = np.argsort(arrival, kind="stable")
        fields, kept = {name: values[order] for name, values in fields.items()}, kept[order]
    source.demand(order_rules(fields), kept)
    return Trace(**fields), moved


def _ids(columns: Columns, kept: NDArray[np.intp]) -> NDArray[Any]:
    """The rows' ids, or their numbers in the file; NaN where an id is no number."""
    if "id" not in columns:
        return kept.astype(np.int64)
    valid = columns["id_valid"]
    return columns["id"] if valid.all() else np.where(valid, columns["id"], np.nan)
