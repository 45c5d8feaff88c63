"""Files as columns of raw values, with the place of every row."""

import csv
import gzip
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet
from numpy.typing import NDArray

from s3sim.core.errors import InputError
from s3sim.workload.checks import Place

__all__ = ["LOADERS", "Table", "open_binary"]


@dataclass(frozen=True, slots=True)
class Table:
    """A file's columns, as it wrote them, and where each row stands in it."""

    path: Path
    columns: Mapping[str, NDArray[Any]]  # text where the file is text
    place: Place

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def only(self, rows: NDArray[np.intp]) -> "Table":
        """Table of these rows, by number; each keeps its place in the file."""
        columns = {name: values[rows] for name, values in self.columns.items()}
        return Table(self.path, columns, lambda row: self.place(int(rows[row])))


def open_binary(path: Path) -> BinaryIO:
    """A file opened for reading, decompressed if its name ends in .gz; InputError if it cannot be."""
    try:
        return cast("BinaryIO", gzip.open(path)) if path.suffix == ".gz" else path.open("rb")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error


def load_csv(path: Path) -> Table:
    """Table of a CSV file with a header line, every value as text; blank lines are skipped."""
    with open_binary(path) as file:
        text = _read(path, file)
    line, names = _header(path)
    try:
        table = pa_csv.read_csv(
            pa.BufferReader(text),
            read_options=pa_csv.ReadOptions(column_names=names, skip_rows=line),
            convert_options=pa_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
        )
    except pa.ArrowInvalid as error:
        raise InputError(_ragged(path) or f"{path}: cannot be read as CSV: {error}") from error
    return _table(path, table, lambda row: f"{path}:{_line_of(path, row)}")


def load_parquet(path: Path) -> Table:
    """Table of a Parquet file; numbers keep their types, and a missing one is NaN."""
    try:
        table = pa_parquet.read_table(path)
    except pa.ArrowInvalid as error:
        raise InputError(f"{path}: is not a whole Parquet file (truncated?): {error}") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    return _table(path, table, lambda row: f"{path}: row {row}")


def _table(path: Path, table: pa.Table, place: Place) -> Table:
    if table.num_rows == 0:
        raise InputError(f"{path}: holds no rows, only the columns {', '.join(table.column_names) or '(none)'}")
    columns = {name: np.asarray(table[name].to_numpy()) for name in table.column_names}
    return Table(path, columns, place)


def _read(path: Path, file: BinaryIO) -> bytes:
    try:
        return file.read()
    except EOFError as error:
        raise InputError(f"{path}: the gzip stream ends early; the file is truncated, fetch it again") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error


def _records(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line numbers (from 1) and values of a CSV file's records that are not blank."""
    with open_binary(path) as file:
        reader = csv.reader(TextIOWrapper(file, encoding="utf-8-sig", newline=""))
        try:
            yield from ((reader.line_num, record) for record in reader if record)
        except (UnicodeDecodeError, csv.Error) as error:
            raise InputError(f"{path}: is no CSV text in UTF-8 after line {reader.line_num}: {error}") from error


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


def _line_of(path: Path, row: int) -> int:
    return next(line for number, (line, _) in enumerate(_records(path), start=-1) if number == row)


def _ragged(path: Path) -> str | None:
    """Message on the first record that has more or fewer values than the header."""
    records = _records(path)
    wanted = len(next(records)[1])
    for line, record in records:
        if len(record) != wanted:
            hint = " (is the file truncated?)" if len(record) < wanted and next(records, None) is None else ""
            return f"{path}:{line}: {len(record)} values where the header names {wanted} columns{hint}"
    return None


LOADERS: Mapping[str, Callable[[Path], Table]] = {".csv": load_csv, ".parquet": load_parquet}  # by suffix
