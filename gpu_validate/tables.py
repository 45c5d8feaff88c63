"""Tables of a run directory: Parquet where pyarrow is at hand, else CSV."""

import csv
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from s3sim.core.events import EVENT_COLUMNS, STEP_COLUMNS, EventLog

__all__ = ["StepRecord", "log_columns", "read_cells", "step_columns", "write_table"]

Columns = Mapping[str, Sequence[Any] | NDArray[Any]]


class StepRecord(NamedTuple):
    """What was measured of one step; times without a unit in their name are in the log."""

    start_ps: int
    duration_ps: int  # by which the clock moved on
    device_s: float
    cpu_s: float
    wall_s: float
    relocating_s: float  # of device_s, for compaction
    canary_s: float | None  # of the canary after this step
    slowdown: float  # that the canary saw
    kv_bytes: int  # of all KV tensors after the step
    host_tokens: int  # in host memory after the step
    read_slots: int  # by attention of the decodes, padding included
    written_slots: int | None  # counted in the tensors, in strict mode


def log_columns(log: EventLog) -> dict[str, Columns]:
    """The tables `events` and `steps` of a log, by column."""
    parts = {"events": (log.events, EVENT_COLUMNS), "steps": (log.steps, STEP_COLUMNS)}
    return {name: _columns(np.frombuffer(cells, np.int64), names) for name, (cells, names) in parts.items()}


def step_columns(records: Sequence[StepRecord]) -> Columns:
    """What was measured of each step, in the order of the log's steps; `normalised_s` is by the canary."""
    columns: dict[str, Sequence[Any]] = {
        name: [getattr(record, name) for record in records] for name in StepRecord._fields
    }
    columns["normalised_s"] = [record.device_s / record.slowdown for record in records]
    return columns


def write_table(folder: Path, name: str, columns: Columns) -> Path:
    """Write a table as name.parquet, or as name.csv where pyarrow is absent."""
    if find_spec("pyarrow") is None:
        path = folder / f"{name}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows(zip(*columns.values(), strict=True))
        return path
    import pyarrow as pa  # noqa: PLC0415  may be absent
    import pyarrow.parquet as pa_parquet  # noqa: PLC0415

    path = folder / f"{name}.parquet"
    pa_parquet.write_table(pa.table(dict(columns)), path, compression="zstd")
    return path


def read_cells(path: Path) -> NDArray[np.int64]:
    """All integers of a CSV table of the log, row after row."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        return np.array([int(cell) for row in rows for cell in row], dtype=np.int64)


def _columns(cells: NDArray[np.int64], names: Sequence[str]) -> Columns:
    rows = cells.reshape(-1, len(names))
    return {name: rows[:, place] for place, name in enumerate(names)}
