"""The measured window of a point: which part of a run stands for its steady state."""

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from s3sim.core.errors import InputError
from s3sim.report.frames import column

__all__ = ["Measure", "Window", "measured_window", "mser_cut", "saturated"]

PS_PER_S = 10**12
MSER_BATCH = 5  # observations averaged before the rule is applied: MSER-5 of White, Cobb & Spratt (2000)
GROWTH = 1.5  # a queue that ends the window this many times longer than it was in the window's second quarter
LEAST_QUEUE = 4.0  # sequences; shorter queues say nothing about saturation


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """How a point's window is chosen.

    whole: from time 0 to the last token. fixed: `warmup_s` after time 0 until `cooldown_s` before the last
    arrival. mser: from where the marginal standard error of E2EL, by arrival, is least, until the last arrival.
    """

    kind: Literal["whole", "fixed", "mser"] = "whole"
    warmup_s: float = 0.0
    cooldown_s: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {"kind": self.kind, "warmup_s": self.warmup_s, "cooldown_s": self.cooldown_s}

    @classmethod
    def from_json(cls, plain: dict[str, Any], *, place: str = "measure") -> Self:
        """From a JSON object; raises InputError for unknown keys."""
        if unknown := sorted(set(plain) - {"kind", "warmup_s", "cooldown_s"}):
            raise InputError(f"{place}: unknown key {', '.join(unknown)}")
        return cls(**plain)


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time, in ps; its ends are ends of steps, so that no step is cut."""

    begin: int
    end: int

    @property
    def seconds(self) -> float:
        """Its length."""
        return (self.end - self.begin) / PS_PER_S


def measured_window(measure: Measure, requests: pd.DataFrame, steps: pd.DataFrame, *, end_ps: int) -> Window:
    """The window of a run whose last token came at `end_ps`.

    Raises InputError where a fixed window leaves nothing to measure.
    """
    if measure.kind == "whole":
        return Window(0, end_ps)
    last_arrival = round(float(requests["arrival_s"].max()) * PS_PER_S)
    if measure.kind == "fixed":
        begin, end = round(measure.warmup_s * PS_PER_S), last_arrival - round(measure.cooldown_s * PS_PER_S)
    else:
        begin, end = _mser_begin(requests), last_arrival
    boundaries = np.sort(_ends(steps))
    begin, end = _at_or_after(boundaries, begin, end_ps), _at_or_after(boundaries, end, end_ps)
    if begin >= end and measure.kind == "fixed":
        raise InputError(
            f"measure: warmup_s {measure.warmup_s:g} and cooldown_s {measure.cooldown_s:g} leave nothing of"
            f" {last_arrival / PS_PER_S:g} s of arrivals; shorten them, or send more requests"
        )
    return Window(begin, end) if begin < end else Window(0, end_ps)


def _mser_begin(requests: pd.DataFrame) -> int:
    finished = requests[requests["status"] == "finished"].sort_values("arrival_s", kind="stable")
    cut = mser_cut(finished["e2el_ms"].to_numpy(dtype=np.float64))
    return 0 if cut == 0 else round(float(finished["arrival_s"].iloc[cut]) * PS_PER_S)


def mser_cut(values: NDArray[np.float64], *, batch: int = MSER_BATCH) -> int:
    """How many of the first values to leave out: what makes the standard error of the rest's mean least.

    At most half may go; a minimum later than that means that there is no steady state to be seen.
    """
    count = len(values) // batch
    if count < 4:
        return 0
    means = values[: count * batch].reshape(count, batch).mean(axis=1)
    rest = np.arange(count, 0, -1)
    total, squares = np.cumsum(means[::-1])[::-1], np.cumsum(means[::-1] ** 2)[::-1]
    errors = (squares - total**2 / rest) / rest**2
    return int(np.argmin(errors[: count // 2 + 1])) * batch


def saturated(steps: pd.DataFrame, window: Window) -> bool:
    """Whether the queue grew throughout the window: each quarter waits longer than the one before."""
    start, waiting = column(steps, "start_ps"), column(steps, "waiting")
    inside = (start >= window.begin) & (start < window.end)
    if inside.sum() < 8:
        return False
    quarter = np.minimum(4 * (start[inside] - window.begin) // max(1, window.end - window.begin), 3)
    sums = np.bincount(quarter, weights=waiting[inside], minlength=4)
    means = sums / np.maximum(np.bincount(quarter, minlength=4), 1)
    grows = bool(np.all(np.diff(means) > 0))
    return grows and bool(means[3] > max(LEAST_QUEUE, GROWTH * means[1]))


def _ends(steps: pd.DataFrame) -> NDArray[np.int64]:
    first, increment, count = (column(steps, name) for name in ("first_ps", "increment_ps", "steps"))
    ends: NDArray[np.int64] = column(steps, "start_ps") + count * first + increment * (count * (count - 1) // 2)
    return ends


def _at_or_after(boundaries: NDArray[np.int64], time: int, end_ps: int) -> int:
    place = int(np.searchsorted(boundaries, max(0, time)))
    return int(boundaries[place]) if place < len(boundaries) else end_ps
