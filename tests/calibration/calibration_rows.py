"""Rows of measurements for tests, and files of them."""

import csv
from pathlib import Path
from typing import Any

from s3sim.calibration.cases import Case, case_of
from s3sim.calibration.rows import COLUMNS, read_rows

PUBLISHED = Path(__file__).parents[2].parent / "shared" / "published"  # beside the checkout, where there is one

ROW: dict[str, Any] = {
    "source": "a test",
    "version": "TensorRT-LLM 0.5.0",
    "model": "GPT-J-6B",
    "gpu": "A100-SXM4-80GB",
    "n_gpus": 1,
    "precision": "fp16",
    "batch": 1.0,
    "input_len": 128.0,
    "output_len": 1.0,
    "metric": "first_token_latency",
    "value": 12.0,
    "unit": "ms",
    "note": "",
}


def write(folder: Path, *changes: dict[str, Any], columns: tuple[str, ...] = COLUMNS) -> Path:
    """A CSV with one row for each mapping of changes to ROW."""
    path = folder / "rows.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(ROW | change for change in changes)
    return path


def case(folder: Path, **changes: Any) -> Case:
    """The case of ROW with these changes."""
    (row,) = read_rows(write(folder, changes))
    found = case_of(row)
    assert isinstance(found, Case), found
    return found
