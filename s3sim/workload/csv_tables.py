"""CSV and Parquet files as tables."""

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from io import TextIOWrapper
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from s3sim.core.errors import InputError
from s3sim.workload.files import open_binary, read_faults
from s3sim.workload.tables import Chunk, Table

__all__ = ["open_csv", "open_parquet"]

BLOCK = 4 << 20  # bytes of text parsed at a time
ROWS = 1 << 17  # of a Parquet file, read at a time


def open_csv(path: Path) -> Table:
    """Table of a CSV file with a header line, every value as text; blank lines are skipped."""
    line, names = _header(path)

    def chunks(wanted: Sequence[str]) -> Iterator[Chunk]:
        options = {
            "read_options": pa_csv.ReadOptions(column_names=names, skip_rows=line, block_size=BLOCK, use_threads=False),
            "convert_options": pa_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), include_columns=list(dict.fromkeys(wanted))
            ),
        }
        if next(_records(path, after=1), None) is None:
            return  # no rows: the parser would take that for a fault
        try:
            with open_binary(path) as file, pa_csv.open_csv(file, **options) as reader:
                for batch in reader:
                    yield {name: batch.column(name) for name in wanted}
        except pa.ArrowInvalid as error:
            raise InputError(_ragged(path) or f"{path}: cannot be read as CSV: {error}") from error

    def place(row: int) -> str:
        return f"{path}:{_record(path, row)[0]}"

    def value(row: int, name: str) -> object:
        return _record(path, row)[1][names.index(name)]

    return Table(path, tuple(names), chunks, place, value)


def open_parquet(path: Path) -> Table:
    """Table of a Parquet file; numbers keep their types, and a missing one is null."""
    try:
        with read_faults(path):
            names = pa_parquet.read_schema(path).names
    except pa.ArrowInvalid as error:
        raise InputError(f"{path}: is not a whole Parquet file (truncated?): {error}") from error

    def chunks(wanted: Sequence[str]) -> Iterator[Chunk]:
        with read_faults(path), pa_parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(ROWS, columns=list(dict.fromkeys(wanted))):
                yield {name: batch.column(name) for name in wanted}

    def value(row: int, name: str) -> object:
        return pa_parquet.read_table(path, columns=[name])[name][row].as_py()

    return Table(path, tuple(names), chunks, lambda row: f"{path}: row {row}", value)


def _records(path: Path, *, after: int = 0) -> Iterator[tuple[int, list[str]]]:
    """Line numbers (from 1) and values of a CSV file's records that are not blank, less the first `after`."""
    with open_binary(path) as file:
        reader = csv.reader(TextIOWrapper(file, encoding="utf-8-sig", newline=""))
        try:
            for record in reader:
                if record and (after := after - 1) < 0:
                    yield reader.line_num, record
        except (UnicodeDecodeError, csv.Error) as error:
            raise InputError(f"{path}: is no CSV text in UTF-8 after line {reader.line_num}: {error}") from error


def _record(path: Path, row: int) -> tuple[int, list[str]]:
    return next(_records(path, after=row + 1))


def _header(path: Path) -> tuple[int, list[str]]:
    """Line number of the header, and its names, stripped and all different."""
    line, record = next(_records(path), (0, []))
    if not record:
        raise InputError(f"{path}: is empty; a header line and rows are needed")
    names = [name.strip() for name in record]
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise InputError(f"{path}:{line}: column {repeated[0]!r} appears more than once; name every column once")
    return line, names


def _ragged(path: Path) -> str | None:
    """Message on the first record that has more or fewer values than the header."""
    records = _records(path)
    wanted = len(next(records)[1])
    for line, record in records:
        if len(record) != wanted:
            hint = " (is the file truncated?)" if len(record) < wanted and next(records, None) is None else ""
            return f"{path}:{line}: {len(record)} values where the header names {wanted} columns{hint}"
    return None
