"""When requests arrive. Every process starts at time 0 with its first request, as recorded traces do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from s3sim.core.errors import InputError
from s3sim.workload.arrival_times import demand_positive, picoseconds, sums
from s3sim.workload.checks import IntArray
from s3sim.workload.modulated import Diurnal, MarkovModulated
from s3sim.workload.units import PICOSECONDS

__all__ = [
    "ARRIVALS",
    "Arrivals",
    "Constant",
    "Diurnal",
    "Gamma",
    "MarkovModulated",
    "Offline",
    "Poisson",
    "TraceTimes",
]


class Arrivals(Protocol):
    """A law of arrival times."""

    def times(self, n: int, rng: np.random.Generator) -> IntArray:
        """Arrival times of n ≥ 1 requests, shape (n,), in ps since the start, never decreasing."""
        ...


@dataclass(frozen=True, slots=True)
class Offline:
    """All requests are there at time 0."""

    def times(self, n: int, rng: np.random.Generator) -> IntArray:
        """Zeros; nothing is drawn."""
        return np.zeros(n, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Constant:
    """One request every 1/rate seconds."""

    rate: float  # requests/s

    def __post_init__(self) -> None:
        demand_positive(rate=self.rate)

    def times(self, n: int, rng: np.random.Generator) -> IntArray:
        """Multiples of 1/rate, each rounded to a ps; nothing is drawn."""
        return picoseconds(np.arange(n) / self.rate)


@dataclass(frozen=True, slots=True)
class Poisson:
    """Independent exponential gaps with a mean of 1/rate seconds."""

    rate: float  # requests/s

    def __post_init__(self) -> None:
        demand_positive(rate=self.rate)

    def times(self, n: int, rng: np.random.Generator) -> IntArray:
        """Sums of the gaps. More requests prolong a series, and another rate only stretches it."""
        return picoseconds(sums(rng.standard_exponential(n - 1)) / self.rate)


@dataclass(frozen=True, slots=True)
class Gamma:
    """Independent gamma gaps of shape `burstiness` with a mean of 1/rate seconds.

    Burstiness 1 is Poisson, less is burstier; the gaps' coefficient of variation is 1/√burstiness.
    Source: vLLM's `bench serve --burstiness` (shape b, scale 1/(rate·b)).
    """

    rate: float  # requests/s
    burstiness: float

    def __post_init__(self) -> None:
        demand_positive(rate=self.rate, burstiness=self.burstiness)

    def times(self, n: int, rng: np.random.Generator) -> IntArray:
        """Sums of the gaps. More requests prolong a series, and another rate only stretches it."""
        gaps = rng.standard_gamma(self.burstiness, n - 1) / self.burstiness
        return picoseconds(sums(gaps) / self.rate)


@dataclass(frozen=True, slots=True, eq=False)
class TraceTimes:
    """The times that a trace recorded, all multiplied by `scale`: 0.5 doubles the rate."""

    recorded: IntArray  # ps since the start, never decreasing: a Trace's arrival
    scale: float = 1.0

    def __post_init__(self) -> None:
        demand_positive(scale=self.scale)

    def times(self, n: int, rng: np.random.Generator) -> IntArray:
        """First n recorded times, scaled; nothing is drawn. InputError if fewer were recorded."""
        if n > len(self.recorded):
            raise InputError(f"{n} arrivals asked of {len(self.recorded)} recorded ones; ask for fewer requests")
        if self.scale == 1:
            return self.recorded[:n]
        return picoseconds(self.recorded[:n] / PICOSECONDS * self.scale)


ARRIVALS: Mapping[str, type[Arrivals]] = {
    "constant": Constant,
    "diurnal": Diurnal,
    "gamma": Gamma,
    "markov_modulated": MarkovModulated,
    "offline": Offline,
    "poisson": Poisson,
    "trace": TraceTimes,
}
