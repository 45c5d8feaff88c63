"""Traces from files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from s3sim.core.errors import InputError, UnknownNameError
from s3sim.workload.checks import Columns, broken_rows, demand, length_rules, order_rules
from s3sim.workload.formats import FORMATS, Format
from s3sim.workload.tables import LOADERS, Table
from s3sim.workload.trace import Trace

__all__ = ["INVALID_ROWS", "InvalidRows", "ReadCounts", "ReadTrace", "read_trace"]

InvalidRows = Literal["error", "drop"]
INVALID_ROWS: Sequence[InvalidRows] = ("error", "drop")


@dataclass(frozen=True, slots=True)
class ReadCounts:
    """How many rows a file held, and how many of them were invalid and dropped."""

    rows: int
    dropped: int


class ReadTrace(NamedTuple):
    """A trace from a file, and what it took to read it."""

    trace: Trace
    counts: ReadCounts


def read_trace(
    path: str | Path,
    *,
    format: str = "auto",  # noqa: A002 - the word that users write in YAML
    columns: Mapping[str, str] | None = None,
    invalid_rows: InvalidRows = "error",
) -> ReadTrace:
    """Trace of a file: the project's own .csv or .parquet, or Azure's .csv; .gz is understood for text.

    Own columns: prompt_tokens, output_tokens, and optionally arrival_s (seconds since the start, up to
    12 decimals; 0 without) or arrival_ps, id (the row's number without), max_new_tokens, over_length;
    `columns` maps such a name to the one that the file has for it.
    Azure's timestamps become ps since the first kept row's. `auto` goes by suffix and columns. A row whose
    lengths are no whole numbers from 1, or whose output exceeds its own max_new_tokens, is an error,
    or is dropped and counted with `invalid_rows="drop"`; its number is not given to another.

    Raises InputError with file, line and remedy, also for missing columns, unsorted arrivals, and
    empty, truncated and unreadable files; UnknownNameError for an unknown format or rule.
    """
    if invalid_rows not in INVALID_ROWS:
        raise UnknownNameError("invalid_rows rule", invalid_rows, INVALID_ROWS)
    if format != "auto" and format not in FORMATS:
        raise UnknownNameError("trace format", format, ["auto", *FORMATS])
    suffix = _suffix(Path(path)) if format == "auto" else FORMATS[format].suffix
    table = _renamed(LOADERS[suffix](Path(path)), columns or {})
    chosen = _detect(table, suffix) if format == "auto" else FORMATS[format]
    _demand_columns(table, format, chosen)
    return _checked(table, chosen, invalid_rows)


def _renamed(table: Table, names: Mapping[str, str]) -> Table:
    missing = [name for name in names.values() if name not in table.columns]
    if missing:
        raise InputError(f"{table.path}: no column {', '.join(missing)}; found {', '.join(table.columns)}")
    return replace(table, columns={**table.columns, **{own: table.columns[name] for own, name in names.items()}})


def _suffix(path: Path) -> str:
    name = path.with_suffix("") if path.suffix == ".gz" else path
    if name.suffix not in LOADERS or (path.suffix == ".gz" and name.suffix == ".parquet"):
        raise InputError(f"{path}: no trace has this suffix; {', '.join(LOADERS)} have, or name its format")
    return name.suffix


def _fitting(table: Table) -> list[str]:
    return [name for name, known in FORMATS.items() if set(known.required) <= table.columns.keys()]


def _detect(table: Table, suffix: str) -> Format:
    fitting = [FORMATS[name] for name in _fitting(table) if FORMATS[name].suffix == suffix]
    if fitting:
        return fitting[0]
    names = "; ".join(f"{name}: {', '.join(known.required)}" for name, known in FORMATS.items())
    raise InputError(f"{table.path}: no known format has the columns {', '.join(table.columns)} (known: {names})")


def _demand_columns(table: Table, name: str, chosen: Format) -> None:
    missing = [column for column in chosen.required if column not in table.columns]
    if missing:
        fitting = _fitting(table)
        hint = f"; this looks like format {fitting[0]}" if fitting else ""
        found = ", ".join(table.columns)
        raise InputError(f"{table.path}: format {name} needs {', '.join(missing)}; found {found}{hint}")


def _checked(table: Table, chosen: Format, invalid_rows: InvalidRows) -> ReadTrace:
    columns = chosen.parse(table)
    rules = length_rules(columns)
    if invalid_rows == "error":
        demand(rules, shown={**columns, **_raw(table, chosen, columns)}, place=table.place)
    kept = np.flatnonzero(~broken_rows(rules, len(table)))
    counts = ReadCounts(len(table), len(table) - len(kept))
    if not len(kept):
        raise InputError(f"{table.path}: all {len(table)} rows are invalid; is it the right file and format?")
    if counts.dropped:  # parsed again without them: one unreadable time must not cost the others' precision
        table = table.only(kept)
        columns = chosen.parse(table)
    columns = {"id": kept, "arrival": np.zeros(len(kept), dtype=np.int64), **columns}
    demand(order_rules(columns), shown={**columns, **_raw(table, chosen, columns)}, place=table.place)
    return ReadTrace(Trace(**columns), counts)


def _raw(table: Table, chosen: Format, columns: Columns) -> Columns:
    """Values as the file wrote them, by the names of a Trace's fields."""
    sources = {name: chosen.renamed.get(name, name) for name in columns}
    return {name: table.columns[source] for name, source in sources.items() if source in table.columns}
