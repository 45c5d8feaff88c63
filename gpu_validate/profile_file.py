"""The file of a measured profile."""

import csv
from collections.abc import Sequence
from pathlib import Path

from s3sim.core.errors import InputError
from s3sim.hardware.profile_table import ProfileRow

__all__ = ["write_rows"]


def write_rows(path: Path, rows: Sequence[ProfileRow], *, spread: Sequence[float] | None = None) -> None:
    """Write a table that s3sim's latency model `profile` reads; raises InputError for an unwritable path."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["kind", "batch", "tokens", "seconds", *(["spread"] if spread else [])])
            for number, row in enumerate(rows):
                extra = [f"{spread[number]:.4f}"] if spread else []
                writer.writerow([row.kind, row.batch, row.tokens, f"{row.seconds:.9g}", *extra])
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}; choose another --out") from None
