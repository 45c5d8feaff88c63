"""What a run directory keeps of a point: its log, what was measured of its steps, and who it is."""

import csv
import json
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpu_validate.samples import Sample
from gpu_validate.tables import read_cells
from s3sim.core.errors import InputError
from s3sim.core.events import EVENT_COLUMNS, STEP_COLUMNS, EventLog

__all__ = ["Kept", "Name", "kept_points"]

Column = NDArray[np.float64]
Name = tuple[str, str, int, str]  # scenario, system, seed, swept values: what a simulation and its replays share
OWN = ("latency", "engine", "device")  # swept keys that say how time passes, in which the two may differ


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One point of a run directory; `times` by column and `replay` are a replay's."""

    folder: Path
    about: Mapping[str, Any]  # point.json
    log: EventLog
    times: Mapping[str, Column]
    replay: Mapping[str, Any]

    @property
    def name(self) -> Name:
        """What it is called in every run directory of the same experiment."""
        about = self.about
        swept = {key: value for key, value in about["sweep"].items() if key.split(".")[0] not in OWN}
        return about["scenario"], about["label"] or about["system"], about["seed"], json.dumps(swept, sort_keys=True)

    @property
    def capacity(self) -> int:
        """Slots."""
        return int(self.about["facts"]["kv_capacity_tokens"])

    def samples(self) -> list[Sample]:
        """The steps as samples, normalised by the canary, and the copies that compactions made."""
        if not self.times:
            raise InputError(f"{self.folder}: holds no steps_time, so nothing was measured; give a replay")
        place = {name: number for number, name in enumerate(STEP_COLUMNS)}
        steps = np.frombuffer(self.log.steps, np.int64).reshape(-1, len(STEP_COLUMNS)).T
        rows = steps[place["decode_sequences"]] + steps[place["padding_rows"]]
        tokens = steps[place["prefill_tokens"]] + steps[place["padding_tokens"]]
        times = self.times
        took = (times["device_s"] - times["relocating_s"]) / times["slowdown"]
        cells = (rows, times["read_slots"].astype(np.int64), steps[place["prefill_sequences"]], tokens, 0 * rows, took)
        found = [Sample(*row) for row in zip(*(part.tolist() for part in cells), strict=True)]
        moved, copied = steps[place["relocated_tokens"]].tolist(), times["relocating_s"] / times["slowdown"]
        over = zip(moved, copied.tolist(), strict=True)
        return found + [Sample(0, 0, 0, 0, slots, seconds) for slots, seconds in over if slots and seconds > 0]


def kept_points(path: Path) -> list[Kept]:
    """The finished points of a run directory; raises InputError where there are none, or no logs."""
    folders = sorted(place.parent for place in (path / "points").glob("[!.]*/point.json"))
    if not folders:
        raise InputError(f"{path}: holds no finished points; give a run directory of s3sim run or gpu-validate replay")
    return [_kept(folder) for folder in folders]


def _kept(folder: Path) -> Kept:
    log = EventLog()
    log.events, log.steps = _cells(folder, "events", EVENT_COLUMNS), _cells(folder, "steps", STEP_COLUMNS)
    return Kept(
        folder=folder,
        about=_json(folder / "point.json"),
        log=log,
        times=_times(folder),
        replay=_json(folder / "replay.json") if (folder / "replay.json").is_file() else {},
    )


def _cells(folder: Path, name: str, columns: tuple[str, ...]) -> "array[int]":
    cells = array("q")
    if (path := folder / f"{name}.csv").is_file():
        values = read_cells(path)
    elif (path := folder / f"{name}.parquet").is_file():
        frame = _parquet(path)
        values = np.column_stack([frame[column].astype(np.int64) for column in columns])
    else:
        raise InputError(f"{folder}: holds no table {name}; run the experiment with `log: full`")
    cells.frombytes(np.ascontiguousarray(values, np.int64).tobytes())
    return cells


def _times(folder: Path) -> dict[str, Column]:
    if (path := folder / "steps_time.parquet").is_file():
        return {name: values.astype(np.float64) for name, values in _parquet(path).items()}
    path = folder / "steps_time.csv"
    return dict(_csv(path)) if path.is_file() else {}


def _csv(path: Path) -> Iterator[tuple[str, Column]]:
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    for name, cells in zip(header, zip(*rows, strict=True), strict=True):
        yield name, np.array([float(cell) if cell else np.nan for cell in cells])


def _parquet(path: Path) -> dict[str, NDArray[Any]]:
    try:
        import pyarrow.parquet as pa_parquet  # noqa: PLC0415  may be absent
    except ModuleNotFoundError:
        raise InputError(f"{path}: reading Parquet needs pyarrow, which is not installed here") from None
    table = pa_parquet.read_table(path)
    return {name: table[name].to_numpy(zero_copy_only=False) for name in table.column_names}


def _json(path: Path) -> Mapping[str, Any]:
    try:
        plain: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as JSON: {error}") from None
    return plain
