"""From the run directories of a study to what is foretold, and how far off that is."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from gpu_validate.compare import Comparison, compare, ranking, speed_up
from gpu_validate.fit import Fit, Held, fit_samples, held_out, profile_rows
from gpu_validate.foretell import LinkPrice, foretell
from gpu_validate.kept import Kept, kept_points
from gpu_validate.metrics import THROUGHPUT, Metrics, held_over_time, measure
from gpu_validate.point import load_of, world_of
from gpu_validate.points import Experiment
from gpu_validate.profiling import link_price
from gpu_validate.samples import Sample, read_samples
from gpu_validate.study import Study
from s3sim.core.errors import InputError
from s3sim.core.events import EventLog
from s3sim.core.kv_cache import PagedKV
from s3sim.core.protocols import LatencyModel
from s3sim.experiment.build import build_choices
from s3sim.experiment.resolved import Point
from s3sim.hardware import Profile
from s3sim.hardware.profile_table import ProfileRow

__all__ = ["SCENARIOS", "Calibration", "Cost", "StudyResult", "analyse", "calibrate", "capacities", "simulate"]

PICOSECONDS = 10**12  # per second
SCENARIOS = ("burst", "poisson")
BASE, BETTER = "orca", "s3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A way to keep KV, whose steps take times of their own: slices, or blocks that are gathered."""

    fit: Fit
    held: Held
    rows: tuple[ProfileRow, ...]
    samples: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What replays of another trace tell of steps, by layout, and of the host link."""

    layouts: Mapping[str, Layout]
    price: LinkPrice

    def latency(self, point: Point) -> Profile:
        """The latency model of a point's system."""
        layout = layout_of(point)
        if layout not in self.layouts:
            raise InputError(f"{point.directory}: no replay for the fit has kept its KV in {layout}; replay one")
        return Profile(self.layouts[layout].rows, source=f"fit of {layout}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Time of a scenario's steps, medians of the repeats in seconds: by the canary, of this thread, on the wall."""

    system: str
    scenario: str
    normalised_s: float
    cpu_s: float
    wall_s: float
    raw_spread: float  # of cpu_s
    slowdown: float  # that the canary saw


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyResult:
    """All that a study gave."""

    study: Study
    calibrations: Mapping[str, Calibration]  # by scenario
    comparisons: tuple[Comparison, ...]
    costs: tuple[Cost, ...]
    grid_errors: Mapping[str, float]  # by system: of the burst's duration, foretold by the grid in place of the fit
    attention_share: float  # of the fullest step that a replay made
    orders: Mapping[str, tuple[str, str]]  # by scenario: systems by throughput, simulated and measured


def layout_of(point: Point) -> str:
    """blocks or slices."""
    return "blocks" if isinstance(build_choices(point).kv(1 << 10), PagedKV) else "slices"


def calibrate(folder: Path, scenario: str) -> Calibration:
    """Fit the replays that a study's folder holds for a scenario's fit, and those alone."""
    kept = [point for path in sorted(folder.glob(f"calibration-{scenario}-*")) for point in kept_points(path)]
    if not kept:
        raise InputError(f"{folder}: holds no replays for the fit of {scenario}")
    samples: dict[str, list[Sample]] = defaultdict(list)
    for point in kept:
        samples[layout_of(_point(point))] += point.samples()
    layouts = {name: _layout([*found, *_copies(folder, found)]) for name, found in samples.items()}
    moves: dict[bool, list[tuple[int, float]]] = {True: [], False: []}
    for copied in (entry for point in kept for entry in point.replay["copies"]):
        moves[copied["to_host"]].append((copied["tokens"], copied["duration_ps"] / PICOSECONDS))
    return Calibration(layouts=layouts, price=link_price(moves[True], moves[False]))


def _copies(folder: Path, samples: Sequence[Sample]) -> list[Sample]:
    """The grid's copies, where these replays made none: what they are held against may compact all the same."""
    grid = folder / "grid" / "samples.csv"
    if any(sample.copied for sample in samples) or not grid.is_file():
        return []
    return [sample for sample in read_samples(grid) if sample.copied]


def capacities(burst: Experiment, calibration: Calibration) -> dict[str, float]:
    """Requests per second that each system is foretold to serve in a burst."""
    found = {}
    for point in burst.points:
        log, capacity = simulate(point, calibration.latency(point), calibration.price)
        found[point.label] = measure(log, capacity=capacity)[THROUGHPUT] or 0.0
    return found


def simulate(point: Point, latency: LatencyModel, price: LinkPrice) -> tuple[EventLog, int]:
    """The log that is foretold of a point, and its slots."""
    world = world_of(point, load_of(point))
    return foretell(world, latency, price), world.capacity


def analyse(study: Study, folder: Path) -> StudyResult:
    """Hold what the fit foretells against the repeats of each scenario."""
    calibrations: dict[str, Calibration] = {}
    found, costs, orders, errors, share = list[Comparison](), list[Cost](), {}, {}, 0.0
    for scenario in SCENARIOS:
        repeats = [{kept.name[1]: kept for kept in kept_points(path)} for path in sorted(folder.glob(f"{scenario}-*"))]
        if not repeats:
            continue
        calibrations[scenario] = calibrate(folder, scenario)
        one = _Scenario(study, scenario, repeats, calibrations[scenario])
        found += one.comparisons()
        costs += one.costs()
        orders[scenario] = one.orders()
        if scenario == "burst":
            errors = one.grid_errors(folder / "grid" / "profile.csv")
            share = one.attention_share()
    return StudyResult(
        study=study,
        calibrations=calibrations,
        comparisons=tuple(found),
        costs=tuple(costs),
        grid_errors=errors,
        attention_share=share,
        orders=orders,
    )


class _Scenario:
    """One scenario's repeats beside what is foretold of it."""

    def __init__(
        self, study: Study, scenario: str, repeats: Sequence[Mapping[str, Kept]], calibration: Calibration
    ) -> None:
        self._study, self._scenario, self._repeats, self._calibration = study, scenario, repeats, calibration
        self._points = {name: _point(kept) for name, kept in repeats[0].items()}
        self._logs = {
            name: simulate(point, calibration.latency(point), calibration.price) for name, point in self._points.items()
        }
        self._simulated = {name: measure(log, capacity=capacity) for name, (log, capacity) in self._logs.items()}
        self._real = [
            {name: measure(kept.log, capacity=kept.capacity) for name, kept in repeat.items()} for repeat in repeats
        ]

    def comparisons(self) -> list[Comparison]:
        """By system, then of the systems among each other."""
        model, scenario, found = self._study.name, self._scenario, list[Comparison]()
        for name, simulated in self._simulated.items():
            real = [repeat[name] for repeat in self._real]
            extra = self._slots(name)
            found += compare(
                simulated | extra[0],
                [metrics | more for metrics, more in zip(real, extra[1], strict=True)],
                model=model,
                system=name,
                scenario=scenario,
            )
        if scenario == "burst":
            pair = (BETTER, BASE)
            faster = speed_up(self._simulated, self._real, pair=pair, model=model, scenario=scenario)
            ranked = ranking(self._simulated, self._real, model=model, scenario=scenario)
            found += [entry for entry in (faster, ranked) if entry is not None]
        return found

    def costs(self) -> list[Cost]:
        """Of all repeats."""
        return [self._cost(name) for name in self._points]

    def orders(self) -> tuple[str, str]:
        """Systems by throughput, the fastest first."""
        told = {name: metrics[THROUGHPUT] or 0.0 for name, metrics in self._simulated.items()}
        real = {name: median(repeat[name][THROUGHPUT] or 0.0 for repeat in self._real) for name in self._points}
        return _in_order(told), _in_order(real)

    def grid_errors(self, table: Path) -> dict[str, float]:
        """Errors of the duration where the grid's table stands in for the fit; slices alone were measured there."""
        latency, errors = Profile.load(table), {}
        for name, point in self._points.items():
            if layout_of(point) == "slices":
                log, capacity = simulate(point, latency, self._calibration.price)
                foretold = measure(log, capacity=capacity)["duration_s"] or 0.0
                errors[name] = foretold / median(repeat[name]["duration_s"] or 0.0 for repeat in self._real) - 1
        return errors

    def attention_share(self) -> float:
        """Of the decode step with the most slots to read, among all systems that keep slices."""
        best = 0.0
        for name, point in self._points.items():
            if layout_of(point) == "slices":
                samples = [sample for sample in self._repeats[0][name].samples() if sample.rows and not sample.chunks]
                fullest = max(samples, key=lambda sample: sample.slots)
                best = max(best, self._calibration.layouts["slices"].fit.attention_share(fullest.rows, fullest.slots))
        return best

    def _slots(self, name: str) -> tuple[Metrics, list[Metrics]]:
        """Peak bytes, and the mean distance of the share of slots held over time from what is foretold."""
        log, capacity = self._logs[name]
        end = round((self._simulated[name]["duration_s"] or 0.0) * PICOSECONDS)
        foretold, real = held_over_time(log, capacity=capacity, end_ps=end), list[Metrics]()
        for repeat, metrics in zip(self._repeats, self._real, strict=True):
            kept = repeat[name]
            finish = round((metrics[name]["duration_s"] or 0.0) * PICOSECONDS)
            held = held_over_time(kept.log, capacity=capacity, end_ps=finish)
            size = kept.replay["model"]["kv_bytes_per_token"]
            real.append(
                {
                    "kv_held_distance": float(np.abs(held - foretold).mean()),
                    "peak_kv_bytes": (metrics[name]["peak_kv_slots"] or 0.0) * size,
                }
            )
        size = self._repeats[0][name].replay["model"]["kv_bytes_per_token"]
        peak = (self._simulated[name]["peak_kv_slots"] or 0.0) * size
        return {"kv_held_distance": 0.0, "peak_kv_bytes": peak}, real

    def _cost(self, name: str) -> Cost:
        times = [repeat[name].times for repeat in self._repeats]
        columns = ("normalised_s", "cpu_s", "wall_s")
        total = {column: [float(each[column].sum()) for each in times] for column in columns}
        middle = median(total["cpu_s"])
        return Cost(
            system=name,
            scenario=self._scenario,
            normalised_s=median(total["normalised_s"]),
            cpu_s=middle,
            wall_s=median(total["wall_s"]),
            raw_spread=(max(total["cpu_s"]) - min(total["cpu_s"])) / middle,
            slowdown=median(float(np.median(each["slowdown"])) for each in times),
        )


def _in_order(values: Mapping[str, float]) -> str:
    return " > ".join(sorted(values, key=values.__getitem__, reverse=True))


def _layout(samples: Sequence[Sample]) -> Layout:
    fit = fit_samples(samples)
    return Layout(fit=fit, held=held_out(samples), rows=tuple(profile_rows(fit)), samples=len(samples))


def _point(kept: Kept) -> Point:
    plain: dict[str, Any] = {key: value for key, value in kept.about.items() if key != "facts"}
    return Point.from_json(plain, place=str(kept.folder / "point.json"))
