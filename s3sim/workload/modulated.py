"""Arrival processes whose rate changes with time: bursts that come and go, and day and night."""

from dataclasses import dataclass
from math import isfinite, pi

import numpy as np
from numpy.typing import NDArray

from s3sim.core.errors import InputError
from s3sim.workload.arrival_times import demand_positive, picoseconds, sums
from s3sim.workload.checks import IntArray

__all__ = ["Diurnal", "MarkovModulated"]

FloatArray = NDArray[np.float64]
AT_ONCE = 4096  # sojourns or candidates drawn together


@dataclass(frozen=True, slots=True)
class MarkovModulated:
    """A Poisson process whose rate jumps between two states, each kept for an exponential time.

    The two-state Markov-modulated Poisson process, MMPP(2) (Fischer and Meier-Hellstern 1993, Performance
    Evaluation 18, "The Markov-modulated Poisson process cookbook"). It begins in either state with the
    long-run share of that state. One of the rates may be 0: bursts with silence between them.
    """

    rates: tuple[float, float]  # requests/s in either state
    sojourns_s: tuple[float, float]  # s, mean time in either state

    def __post_init__(self) -> None:
        if len(self.rates) != 2 or not all(rate >= 0 and isfinite(rate) for rate in self.rates) or not any(self.rates):
            raise InputError(f"rates are {self.rates}: two finite numbers from 0 are needed, one of them above 0")
        if len(self.sojourns_s) != 2:
            raise InputError(f"sojourns_s are {self.sojourns_s}: two means are needed, one for either state")
        for mean in self.sojourns_s:
            demand_positive(sojourns_s=mean)

    @property
    def mean_rate(self) -> float:
        """Requests per second in the long run: Σ rate·sojourn ÷ Σ sojourn."""
        return sum(rate * mean for rate, mean in zip(self.rates, self.sojourns_s, strict=True)) / sum(self.sojourns_s)

    def times(self, n: int, rng: np.random.Generator) -> IntArray:
        """A Poisson process of rate 1, whose clock runs at the rate of the state; more requests prolong a series."""
        states = rng.spawn(1)[0]
        targets = sums(rng.standard_exponential(n - 1))  # arrivals, by expected number of arrivals before them
        starts, expected, rates = self._intervals(targets[-1], states)
        # the last sojourn that begins no later, whose rate is above 0
        interval = np.searchsorted(expected, targets, side="right") - 1
        seconds = starts[interval] + (targets - expected[interval]) / np.where(rates > 0, rates, 1.0)[interval]
        seconds[0] = 0.0
        return picoseconds(seconds)

    def _intervals(self, target: float, rng: np.random.Generator) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Starts of the sojourns in s, arrivals expected before each, and rates, until `target` is exceeded."""
        first = int(rng.random() * sum(self.sojourns_s) >= self.sojourns_s[0])
        means, rates = (np.tile(np.roll(pair, -first), AT_ONCE // 2) for pair in (self.sojourns_s, self.rates))
        lasting = np.empty(0)
        while (lasting * np.resize(rates, len(lasting))).sum() <= target:
            lasting = np.concatenate([lasting, rng.standard_exponential(AT_ONCE) * means])
        rate = np.resize(rates, len(lasting))
        return sums(lasting)[:-1], sums(lasting * rate)[:-1], rate


@dataclass(frozen=True, slots=True)
class Diurnal:
    """A Poisson process whose rate follows a sine: rate·(1 + amplitude·sin(2π·(t/period_s + phase))).

    Drawn by thinning a process of the highest rate (Lewis and Shedler 1979, Naval Research Logistics Quarterly
    26, "Simulation of nonhomogeneous Poisson processes by thinning").
    """

    rate: float  # requests/s, mean over a period
    amplitude: float  # 0: a constant rate; 1: no request at all at the lowest point
    period_s: float = 86_400.0  # s; a day
    phase: float = 0.0  # of a period at time 0: 0 mean and rising, 0.25 highest, 0.75 lowest

    def __post_init__(self) -> None:
        demand_positive(rate=self.rate, period_s=self.period_s)
        if not 0 <= self.amplitude <= 1:
            raise InputError(f"amplitude is {self.amplitude}: 0 to 1 is needed, or the rate would be negative")
        if not 0 <= self.phase <= 1:
            raise InputError(f"phase is {self.phase}: 0 to 1 of a period is needed")

    def times(self, n: int, rng: np.random.Generator) -> IntArray:
        """Times of the candidates that are kept, after a first request at 0; more requests prolong a series."""
        chances = rng.spawn(1)[0]
        kept, count, last = [np.zeros(1)], 1, 0.0
        while count < n:
            times = last + np.cumsum(rng.standard_exponential(AT_ONCE)) / (self.rate * (1 + self.amplitude))
            chosen = times[chances.random(AT_ONCE) * (1 + self.amplitude) < self._shape(times)]
            kept.append(chosen)
            count, last = count + len(chosen), float(times[-1])
        return picoseconds(np.concatenate(kept)[:n])

    def _shape(self, times: FloatArray) -> FloatArray:
        return np.asarray(1 + self.amplitude * np.sin(2 * pi * (times / self.period_s + self.phase)))
