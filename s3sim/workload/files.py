"""Files opened for reading, compressed or not, and what can be wrong with them."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from s3sim.core.errors import InputError

__all__ = ["bare_suffix", "open_binary", "read_faults"]


def bare_suffix(path: Path) -> str:
    """Suffix of a file's name, that of its content where it is compressed: .csv of both a.csv and a.csv.gz."""
    return (path.with_suffix("") if path.suffix == ".gz" else path).suffix


@contextmanager
def open_binary(path: Path) -> Iterator[BinaryIO]:
    """A file opened for reading, decompressed if its name ends in .gz; InputError if it cannot be read."""
    with read_faults(path), gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        yield cast("BinaryIO", file)


@contextmanager
def read_faults(path: Path) -> Iterator[None]:
    """Say as an InputError what the system, or a truncated stream, says while a file is read."""
    try:
        yield
    except EOFError as error:
        lines = _whole_lines(path)
        raise InputError(
            f"{path}: the gzip stream ends early, after line {lines}; the file is truncated, fetch it again"
        ) from error
    except (OSError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _whole_lines(path: Path) -> int:
    """Lines that a truncated gzip file still gives."""
    count = 0
    try:
        with gzip.open(path) as file:
            while chunk := file.read1():
                count += chunk.count(b"\n")
    except EOFError:
        return count
    return count
