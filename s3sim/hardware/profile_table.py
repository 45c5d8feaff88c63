"""Reading a profile: the measured durations of one model on one device by one engine, as CSV.

Header and columns, in any order; further columns are ignored:

    kind,batch,tokens,seconds

| kind    | batch                  | tokens                                    | seconds                |
|---------|------------------------|-------------------------------------------|------------------------|
| decode  | sequences, at least 1  | slots that attention reads, over all rows | one decode step        |
| prefill | sequences, at least 1  | prompt tokens, over all sequences         | one forward pass       |
| mixed   | sequences that decode, at least 1 | prompt tokens of one more sequence | one step of both, at no context |
| copy    | 0                      | slots moved on the device                 | one compaction         |

Counts are whole numbers, tokens at least 0; seconds are finite and above 0. Required: at least two
decode batch sizes and one prefill batch size; `copy` rows only if runs compact; `mixed` rows, of at
least two batch sizes, where a step that prefills and decodes costs more than one prefill of all its
tokens. Every (kind, batch) needs at least two different tokens, each given once: average repeats
before writing. The file is UTF-8. What was measured, on what and when belongs into the experiment
that names the file.
"""

import csv
from collections.abc import Iterator, Sequence
from math import isfinite
from pathlib import Path
from typing import Final, NamedTuple, TextIO

from s3sim.core.errors import InputError, SystemFaultError

__all__ = ["COLUMNS", "KINDS", "ProfileRow", "read_profile"]

COLUMNS: Final = ("kind", "batch", "tokens", "seconds")
KINDS: Final = ("decode", "prefill", "mixed", "copy")


class ProfileRow(NamedTuple):
    """One measured duration: what ran, how large it was, and how long it took."""

    kind: str
    batch: int
    tokens: int
    seconds: float
    place: str = "profile row"  # file:line, for messages


def read_profile(path: Path) -> list[ProfileRow]:
    """Read the rows of a profile in file order.

    Raises InputError with file:line for a missing file or column, or a value that cannot be used;
    SystemFaultError if the file exists but cannot be read.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(_rows(file, str(path)))
    except FileNotFoundError:
        raise InputError(f"{path}: no such profile; give the path of a CSV file") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 ({error.reason}); save the profile as UTF-8 CSV") from None
    except csv.Error as error:
        raise InputError(f"{path}: not CSV ({error}); save the profile as plain CSV") from None
    except OSError as error:
        raise SystemFaultError(f"{path}: cannot read the profile: {error.strerror}") from error


def _rows(file: TextIO, path: str) -> Iterator[ProfileRow]:
    reader = csv.reader(file)
    header: list[str] = next(reader, [])
    missing = [column for column in COLUMNS if column not in header]
    if missing:
        raise InputError(f"{path}:1: missing column {', '.join(missing)}; the header must hold {','.join(COLUMNS)}")
    where = [header.index(column) for column in COLUMNS]
    for cells in reader:
        if cells:
            yield _row(cells, where, f"{path}:{reader.line_num}")


def _row(cells: Sequence[str], where: Sequence[int], place: str) -> ProfileRow:
    if len(cells) <= max(where):
        raise InputError(f"{place}: {len(cells)} cells are too few; each row needs {','.join(COLUMNS)}")
    kind, batch, tokens, seconds = (cells[index].strip() for index in where)
    if kind not in KINDS:
        raise InputError(f"{place}: kind {kind!r} is unknown; give one of {', '.join(KINDS)}")
    size = _whole(batch, f"{place}: batch", least=0 if kind == "copy" else 1)
    if kind == "copy" and size:
        raise InputError(f"{place}: batch {batch!r} is not usable for a copy; give 0")
    return ProfileRow(kind, size, _whole(tokens, f"{place}: tokens", least=0), _seconds(seconds, place), place)


def _whole(text: str, place: str, *, least: int) -> int:
    if text.isascii() and text.isdigit() and int(text) >= least:
        return int(text)
    raise InputError(f"{place} {text!r} is not usable; give a whole number of at least {least}")


def _seconds(text: str, place: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if isfinite(value) and value > 0:
        return value
    raise InputError(f"{place}: seconds {text!r} is not usable; give a finite number above 0")
