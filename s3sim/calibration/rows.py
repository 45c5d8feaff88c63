"""Rows of measurements: the CSV format of published figures, read strictly."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Final

from s3sim.core.errors import InputError

__all__ = ["COLUMNS", "REQUIRED", "UNITS", "Row", "read_rows"]

REQUIRED: Final = (
    "version",
    "model",
    "gpu",
    "n_gpus",
    "precision",
    "batch",
    "input_len",
    "output_len",
    "metric",
    "value",
    "unit",
)
COLUMNS: Final = ("source", *REQUIRED, "note")

_LATENCY = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6}
_RATE = {"tok/s": 1.0, "tokens/s": 1.0, "token/s": 1.0}
_RATE_PER_GPU = {**_RATE, **{f"{unit}/gpu": 1.0 for unit in _RATE}}
UNITS: Final[Mapping[str, Mapping[str, float]]] = {  # metric -> unit in lower case -> s, tokens/s, bytes or truth
    "e2e_latency": _LATENCY,
    "first_token_latency": _LATENCY,
    "first_token_latency_min": _LATENCY,
    "token_interval_p50": _LATENCY,
    "output_throughput": _RATE,
    "output_throughput_per_gpu": _RATE_PER_GPU,
    "output_throughput_per_gpu_ifb_max": _RATE_PER_GPU,
    # "GB" of memory tables are GiB: FasterTransformer's print_mem_usage divides by 2^30 (docs/oom.md)
    "memory_used": {"gb": 2.0**30, "gib": 2.0**30, "mib": 2.0**20, "bytes": 1.0},
    "oom": {"bool": 1.0, "": 1.0},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measurement as its CSV states it; counts that the file leaves out are None.

    `scale` turns a value in the row's unit into seconds, tokens per second, bytes, or 1 for what happened;
    it is None where the metric is not one of UNITS, so that nothing can be asked of its unit.
    """

    place: str  # file:line
    line: int
    source: str
    version: str
    model: str
    gpu: str
    n_gpus: int
    precision: str
    batch: int | None
    input_len: int | None
    output_len: int | None
    metric: str
    value: float
    unit: str
    note: str
    scale: float | None

    @property
    def measured(self) -> float:
        """The value in seconds, tokens per second or bytes; as it stands where the metric is unknown."""
        return self.value * (1.0 if self.scale is None else self.scale)


def read_rows(path: Path) -> list[Row]:
    """All rows of a CSV of measurements; raises InputError with file and line for the first that cannot be read."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(_rows(path, csv.DictReader(file)))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as a CSV of measurements: {error}") from None


def _rows(path: Path, reader: "csv.DictReader[str]") -> Iterator[Row]:
    header = reader.fieldnames or []
    if missing := [name for name in REQUIRED if name not in header]:
        raise InputError(
            f"{path}:1: columns missing: {', '.join(missing)}; a file of measurements has {', '.join(COLUMNS)}"
        )
    for cells in reader:
        yield _row(f"{path}:{reader.line_num}", reader.line_num, cells)


def _row(place: str, line: int, cells: Mapping[str | None, str | None]) -> Row:
    if None in cells or None in cells.values():
        raise InputError(f"{place}: the row has more or fewer cells than the header; quote texts that hold commas")
    text = {str(name): str(value).strip() for name, value in cells.items()}
    metric, unit = text["metric"], text["unit"]
    gpus = _count(place, text, "n_gpus")
    return Row(
        place=place,
        line=line,
        source=text.get("source", ""),
        version=text["version"],
        model=text["model"],
        gpu=text["gpu"],
        n_gpus=1 if gpus is None else gpus,
        precision=text["precision"],
        batch=_count(place, text, "batch"),
        input_len=_count(place, text, "input_len"),
        output_len=_count(place, text, "output_len"),
        metric=metric,
        value=_value(place, text["value"], metric),
        unit=unit,
        note=text.get("note", ""),
        scale=_scale(place, metric, unit),
    )


def _count(place: str, cells: Mapping[str, str], column: str) -> int | None:
    text = cells[column]
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not value.is_integer() or value < 1:
        raise InputError(f"{place}: {column} is {text!r}; give a whole number of at least 1, or nothing")
    return int(value)


def _value(place: str, text: str, metric: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value) or value < 0 or (value == 0 and metric != "oom"):
        raise InputError(f"{place}: value is {text!r}; give a finite number above 0")
    return value


def _scale(place: str, metric: str, unit: str) -> float | None:
    known = UNITS.get(metric)
    if known is None:
        return None
    if unit.lower() not in known:
        raise InputError(
            f"{place}: unit {unit!r} does not fit metric {metric!r}; give one of {', '.join(filter(None, known))}"
        )
    return known[unit.lower()]
