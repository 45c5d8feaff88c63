"""`profile`: a grid of steps and copies measured on the device, as the table that s3sim's `profile` model reads."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gpu_validate.bench import Bench, Timed
from gpu_validate.faults import memory_faults
from gpu_validate.foretell import LinkPrice
from gpu_validate.grid import Grid
from gpu_validate.model import LoadedModel
from gpu_validate.profile_file import write_rows
from gpu_validate.samples import Sample, write_samples
from s3sim.hardware.profile_table import ProfileRow

__all__ = ["Measured", "link_price", "measure_grid", "table_of", "write_profile"]

PICOSECONDS = 10**12  # per second
Series = tuple[Timed, ...]
Say = Callable[[int, int], None]  # how many measurements are made, of how many


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """All that a grid gave; times of moves and allocations are of so many slots, in the sample's `copied`."""

    steps: Series
    copies: Series
    to_host: Series
    to_device: Series
    allocations: Series

    def samples(self) -> list[Sample]:
        """Every repeat of the steps and of the copies within the device."""
        return [timed.point._replace(seconds=s) for timed in (*self.steps, *self.copies) for s in timed.seconds]

    @property
    def worst_spread(self) -> float:
        """Of the steps' repeats."""
        return max(timed.spread for timed in self.steps)


def measure_grid(bench: Bench, grid: Grid, say: Say) -> Measured:
    """Measure every point `repeats` times in as many passes over the grid, so that drift meets all alike."""
    with memory_faults("the grid's largest step"):
        steps = [(point, bench.step(point)) for point in grid.steps()]
        kinds: dict[str, list[tuple[Sample, Callable[[], float]]]] = {
            "steps": steps,
            "copies": [(_moved(slots), bench.relocation(slots)) for slots in grid.copies],
            "to_host": [(_moved(slots), bench.swap(slots, to_host=True)) for slots in grid.copies],
            "to_device": [(_moved(slots), bench.swap(slots, to_host=False)) for slots in grid.copies],
            "allocations": [(_moved(slots), bench.allocation(slots)) for slots in grid.copies],
        }
        work = [entry for entries in kinds.values() for entry in entries]
        times = _passes([run for _, run in work], grid, say)
    timed = iter([Timed(point=point, seconds=found) for (point, _), found in zip(work, times, strict=True)])
    return Measured(**{kind: tuple(next(timed) for _ in entries) for kind, entries in kinds.items()})


def table_of(measured: Measured) -> list[ProfileRow]:
    """Medians as rows of a profile; those of context 1 a row stand for none."""
    table = []
    for timed in measured.steps:
        rows, slots, chunks, tokens, *_ = timed.point
        kind, batch, count = ("decode", rows, slots) if not chunks else ("prefill", chunks, tokens)
        if rows and chunks:
            kind, batch = "mixed", rows
        table.append(ProfileRow(kind, batch, count, timed.median))
    return table + [ProfileRow("copy", 0, timed.point.copied, timed.median) for timed in measured.copies]


def link_price(to_host: Sequence[tuple[int, float]], to_device: Sequence[tuple[int, float]]) -> LinkPrice:
    """Latency and price per token that fit (tokens, seconds) of moves best; nothing is below 0."""
    moves = [(1.0, tokens, 0.0, s) for tokens, s in to_host] + [(1.0, 0.0, tokens, s) for tokens, s in to_device]
    if not moves:
        return LinkPrice(to_host_ps_per_token=0, to_device_ps_per_token=0)
    table = np.array(moves) * PICOSECONDS
    features = table[:, :3] / PICOSECONDS
    latency, out, back = np.linalg.lstsq(features, table[:, 3], rcond=None)[0]
    if latency < 0:
        latency, (out, back) = 0.0, np.linalg.lstsq(features[:, 1:], table[:, 3], rcond=None)[0]
    out, back = max(0.0, out), max(0.0, back)
    return LinkPrice(to_host_ps_per_token=round(out), to_device_ps_per_token=round(back), latency_ps=round(latency))


def write_profile(folder: Path, measured: Measured, model: LoadedModel, about: Mapping[str, Any]) -> None:
    """Write profile.csv, samples.csv and device.json."""
    folder.mkdir(parents=True, exist_ok=True)
    spreads = [timed.spread for timed in (*measured.steps, *measured.copies)]
    write_rows(folder / "profile.csv", table_of(measured), spread=spreads)
    write_samples(folder / "samples.csv", measured.samples())
    memory = model.device.memory()
    price = link_price(_pairs(measured.to_host), _pairs(measured.to_device))
    plain = {
        **about,
        "machine": model.device.about(),
        "memory": {"total_bytes": memory.total, "free_bytes": memory.free, "peak_bytes": memory.peak},
        "kv_bytes_per_token": model.kv_bytes_per_token,
        "parameters": model.parameters,
        "link": _link(price, model.kv_bytes_per_token),
        "seconds": {name: _pairs(getattr(measured, name)) for name in ("to_host", "to_device", "allocations")},
    }
    (folder / "device.json").write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")


def _passes(work: Sequence[Callable[[], float]], grid: Grid, say: Say) -> list[tuple[float, ...]]:
    total = len(work) * (grid.warm_up + grid.repeats)
    times = list[list[float]]()
    for turn in range(grid.warm_up + grid.repeats):
        times.append([])
        for number, run in enumerate(work, 1):
            times[-1].append(run())
            say(turn * len(work) + number, total)
    return list(zip(*times[grid.warm_up :], strict=True))


def _moved(slots: int) -> Sample:
    return Sample(0, 0, 0, 0, slots, 0.0)


def _pairs(series: Series) -> list[tuple[int, float]]:
    return [(timed.point.copied, timed.median) for timed in series]


def _link(price: LinkPrice, kv_bytes: int) -> dict[str, float | None]:
    """As a device's link in an experiment; None where a direction costs nothing that could be measured."""
    ways = {"to_host_bandwidth": price.to_host_ps_per_token, "to_device_bandwidth": price.to_device_ps_per_token}
    found: dict[str, float | None] = {way: kv_bytes / ps * PICOSECONDS if ps else None for way, ps in ways.items()}
    return found | {"latency": price.latency_ps / PICOSECONDS}
