"""The measured window of a point: which part of a run stands for its steady state."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from s3sim.core.errors import InputError
from s3sim.report.frames import PS_PER_S, Column, column
from s3sim.report.levels import durations
from s3sim.report.measure import Cut, Measure

__all__ = ["Window", "demand_window", "measured_window", "mser_cut"]

Flags = NDArray[np.bool_]
MSER_BATCH = 5  # observations averaged before the rule is applied: MSER-5 of White, Cobb & Spratt (2000)
RELATIVE = {
    "none",
    "mser",
    "share",
    "served_once",
}  # cuts that no run is too short for: they ask for nothing that it does not have
MOST_WARM_UP, MOST_COOL_DOWN = 0.5, 0.25  # shares that MSER may cut; half is White's own limit


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time, in ps; its ends are ends of stretches, so that no step of a single lane is cut."""

    begin: int
    end: int
    whole: bool = False  # from time 0 to the last token, with all that the log tells
    saturated: bool = False  # of a burst: from time 0 on, as long as somebody waits for room

    @property
    def elapsed(self) -> int:
        """Its length in ps."""
        return self.end - self.begin

    def arrived(self, requests: pd.DataFrame) -> Flags:
        """Which requests arrived in it: begin <= arrival < end."""
        arrival = requests["arrival_s"].to_numpy(dtype=np.float64)
        if self.whole:
            return np.ones(len(arrival), np.bool_)
        return (arrival >= self.begin / PS_PER_S) & (arrival < self.end / PS_PER_S)

    def completed(self, requests: pd.DataFrame) -> Flags:
        """Which requests got their last token in it: begin < time <= end."""
        finished = requests["finished_s"].to_numpy(dtype=np.float64)
        return (finished > self.begin / PS_PER_S) & (finished <= self.end / PS_PER_S)

    def planned(self, time: Column) -> Flags:
        """Which times of plans lie in it: begin <= time < end; the plan at its end belongs to what comes after."""
        return np.ones(len(time), np.bool_) if self.whole else (time >= self.begin) & (time < self.end)

    def happened(self, time: Column) -> Flags:
        """Which times of completions lie in it: begin < time <= end; what ends with it belongs to it."""
        return np.ones(len(time), np.bool_) if self.whole else (time > self.begin) & (time <= self.end)


def measured_window(measure: Measure, requests: pd.DataFrame, steps: pd.DataFrame, *, end_ps: int) -> Window:
    """The window of a run whose last token came at `end_ps`.

    Where MSER or shares leave nothing that arrived, or nothing that finished, as in a run of a few requests, it is
    the whole run. Raises InputError where cuts of so many seconds or requests leave nothing to measure.
    """
    arrivals = np.sort(requests["arrival_s"].to_numpy(dtype=np.float64))
    if measure.keeps_all_arrivals or not len(arrivals):
        return Window(0, end_ps, whole=True)
    head, tail = _mser_ends(measure, requests)
    if measure.warm_up.kind == "served_once":
        head = _served_once(requests, measure.warm_up.amount)
    begin = _begin(measure.warm_up, arrivals, head)
    end = np.inf if measure.cool_down.kind == "none" else _end(measure.cool_down, arrivals, tail)
    boundaries = np.append([0], np.sort(column(steps, "start_ps") + durations(steps)))
    first, last = (_at_or_after(boundaries, time, end_ps) for time in (begin, end))
    window = Window(first, last)
    if {measure.warm_up.kind, measure.cool_down.kind} <= RELATIVE:
        held = first < last and window.arrived(requests).any() and window.completed(requests).any()
        return window if held else Window(0, end_ps, whole=True)
    if first >= last:
        raise _nothing_left(measure, arrivals)
    return window


def demand_window(measure: Measure, arrivals_s: NDArray[np.float64]) -> None:
    """Raise InputError where fixed cuts leave nothing of these arrivals, whatever the system makes of them."""
    arrivals = np.sort(arrivals_s)
    end = _end(measure.cool_down, arrivals, arrivals[-1])
    if not measure.keeps_all_arrivals and _begin(measure.warm_up, arrivals, 0.0) > max(end, 0.0):
        raise _nothing_left(measure, arrivals)


def _nothing_left(measure: Measure, arrivals: NDArray[np.float64]) -> InputError:
    return InputError(
        f"measure: warm_up {measure.warm_up.to_json()} and cool_down {measure.cool_down.to_json()} leave nothing of"
        f" {len(arrivals)} arrivals in {arrivals[-1]:g} s; shorten them, or send more requests"
    )


def _mser_ends(measure: Measure, requests: pd.DataFrame) -> tuple[float, float]:
    """Arrivals, in s, of the first and the last request that MSER keeps.

    It looks at E2EL by arrival, and for the warm-up also at how many each arrival finds in the system: an
    empty one fills up though nobody waits. The later cut counts.
    """
    finished = requests[requests["status"] == "finished"].sort_values("arrival_s", kind="stable")
    arrival, latency = (finished[name].to_numpy(dtype=np.float64) for name in ("arrival_s", "e2el_ms"))
    found = np.arange(len(arrival)) - np.searchsorted(np.sort(finished["finished_s"].to_numpy(np.float64)), arrival)
    cuts = (mser_cut(values, most=MOST_WARM_UP) for values in (latency, found.astype(np.float64)))
    head = max(cuts) if measure.warm_up.kind == "mser" else 0
    tail = mser_cut(latency[head:][::-1], most=MOST_COOL_DOWN) if measure.cool_down.kind == "mser" else 0
    if not len(arrival):
        return 0.0, 0.0
    return float(arrival[head]) if head else 0.0, float(arrival[len(arrival) - 1 - tail])


def _served_once(requests: pd.DataFrame, last_ask_s: float) -> float:
    """When the last of those was answered who asked up to a time; a refusal answers at once."""
    asked = requests[requests["arrival_s"] <= last_ask_s]
    return float(asked["finished_s"].fillna(asked["arrival_s"]).max()) if len(asked) else 0.0


def _begin(cut: Cut, arrivals: NDArray[np.float64], head: float) -> float:
    match cut.kind:
        case "mser" | "served_once":
            return head
        case "requests" | "share":
            count = min(cut.requests(len(arrivals)), len(arrivals))
            return float(np.append(arrivals, np.inf)[count]) if count else 0.0
        case _:
            return cut.amount


def _end(cut: Cut, arrivals: NDArray[np.float64], tail: float) -> float:
    match cut.kind:
        case "mser":
            return tail
        case "requests" | "share":
            return float(arrivals[max(0, len(arrivals) - 1 - cut.requests(len(arrivals)))])
        case _:
            return float(arrivals[-1]) - cut.amount  # 0 where nothing is cut


def _at_or_after(boundaries: Column, seconds: float, end_ps: int) -> int:
    """The first boundary that is not before a time; past all of them, the last token. Without steps, the time."""
    if len(boundaries) == 1:
        return min(round(max(0.0, min(seconds, end_ps / PS_PER_S)) * PS_PER_S), end_ps)
    place = int(np.searchsorted(boundaries / PS_PER_S, max(0.0, seconds)))
    return min(int(boundaries[place]), end_ps) if place < len(boundaries) else end_ps


def mser_cut(values: NDArray[np.float64], *, batch: int = MSER_BATCH, most: float = MOST_WARM_UP) -> int:
    """How many of the first values to leave out: what makes the standard error of the rest's mean least.

    The marginal standard error rule, on means of `batch` values each (White, Cobb & Spratt, "A comparison of
    five steady-state truncation heuristics for simulation", 2000). At most a share `most` may go: a minimum
    later than that means that there is no steady state to be seen.
    """
    count = len(values) // batch
    if count < 4:
        return 0
    means = values[: count * batch].reshape(count, batch).mean(axis=1)
    means = means - means.mean()  # so that the squares do not cancel
    rest = np.arange(count, 0, -1)
    total, squares = np.cumsum(means[::-1])[::-1], np.cumsum(means[::-1] ** 2)[::-1]
    errors = (squares - total**2 / rest) / rest**2
    return int(np.argmin(errors[: int(most * count) + 1])) * batch
