import numpy as np
import pytest

from s3sim.core.errors import InputError
from s3sim.workload.arrivals import (
    ARRIVALS,
    Arrivals,
    Constant,
    Diurnal,
    Gamma,
    MarkovModulated,
    Offline,
    Poisson,
    TraceTimes,
)
from s3sim.workload.checks import IntArray

SECOND = 10**12  # ps
PROCESSES = [
    Offline(),
    Constant(4.0),
    Poisson(4.0),
    Gamma(4.0, 0.3),
    MarkovModulated((2.0, 40.0), (3.0, 0.5)),
    Diurnal(4.0, 0.9, period_s=30.0, phase=0.75),
    TraceTimes(np.arange(500) * 7, scale=0.5),
]


def times(process: Arrivals, n: int, seed: int = 3) -> IntArray:
    """Times of n requests under a seed."""
    return process.times(n, np.random.default_rng(seed))


def test_every_registered_process_is_tested() -> None:
    """The laws below run on all processes that can be named."""
    assert set(ARRIVALS.values()) == {type(process) for process in PROCESSES}


@pytest.mark.parametrize("process", PROCESSES)
def test_times_are_picoseconds_from_zero_that_never_fall(process: Arrivals) -> None:
    """Every process starts at 0 and never goes back, in int64."""
    drawn = times(process, 500)
    assert drawn.dtype == np.int64
    assert drawn.shape == (500,)
    assert drawn[0] == 0
    assert (np.diff(drawn) >= 0).all()
    assert times(process, 1).tolist() == [0]


@pytest.mark.parametrize("process", PROCESSES)
def test_more_requests_prolong_a_series(process: Arrivals) -> None:
    """The first arrivals are the same however many are asked for."""
    assert np.array_equal(times(process, 500)[:100], times(process, 100))


def test_offline_is_all_at_once() -> None:
    """Offline, all arrive at 0."""
    assert not times(Offline(), 9).any()


def test_constant_gaps_do_not_drift() -> None:
    """The k-th request arrives at k/rate to the nearest picosecond, however large k."""
    drawn = times(Constant(3.0), 30_001)
    assert drawn[30_000] == 10_000 * SECOND
    assert drawn[1] == 333_333_333_333


@pytest.mark.parametrize(
    ("process", "variation"), [(Poisson(5.0), 1.0), (Gamma(5.0, 0.25), 2.0), (Gamma(5.0, 4.0), 0.5)]
)
def test_gaps_have_the_mean_and_variation_of_their_law(process: Arrivals, variation: float) -> None:
    """Mean gap 1/rate; coefficient of variation 1 for Poisson, 1/√burstiness for gamma."""
    gaps = np.diff(times(process, 100_000)) / SECOND
    assert gaps.mean() == pytest.approx(0.2, rel=0.03)
    assert gaps.std() / gaps.mean() == pytest.approx(variation, rel=0.03)


def test_burstiness_one_is_poisson() -> None:
    """Gamma gaps of shape 1 are exponential: as many exceed the mean, and five times it."""
    gaps = np.diff(times(Gamma(1.0, 1.0), 100_000)) / SECOND
    for limit in (1.0, 3.0, 5.0):
        assert (gaps > limit).mean() == pytest.approx(np.exp(-limit), rel=0.1)


@pytest.mark.parametrize("kind", [Poisson, lambda rate: Gamma(rate, 0.5), Constant])
def test_another_rate_stretches_the_same_series(kind: type[Poisson]) -> None:
    """Twice the rate halves every time (common random numbers), up to rounding."""
    slow, fast = times(kind(2.0), 1000), times(kind(4.0), 1000)
    assert np.abs(slow - 2 * fast).max() <= 2  # ps


def test_recorded_times_are_kept_or_scaled() -> None:
    """A scale multiplies every time: 0.5 doubles the rate; 1 keeps each picosecond."""
    recorded = np.array([0, 10, 2**62 + 1], dtype=np.int64)
    assert times(TraceTimes(recorded), 3).tolist() == recorded.tolist()
    assert times(TraceTimes(recorded, scale=0.5), 2).tolist() == [0, 5]
    with pytest.raises(InputError, match="4 arrivals asked of 3 recorded"):
        times(TraceTimes(recorded), 4)


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_a_rate_is_above_zero(value: float) -> None:
    """Rates, burstiness and scales that no process has are refused by name and value."""
    with pytest.raises(InputError, match=f"rate is {value}"):
        Poisson(value)
    with pytest.raises(InputError, match=f"rate is {value}"):
        Constant(value)
    with pytest.raises(InputError, match=f"burstiness is {value}"):
        Gamma(1.0, value)
    with pytest.raises(InputError, match=f"scale is {value}"):
        TraceTimes(np.zeros(1, dtype=np.int64), value)


def test_a_rate_that_64_bits_cannot_hold_is_refused() -> None:
    """A run of more than 106 days is refused before its times overflow."""
    with pytest.raises(InputError, match="days: 106 is the most"):
        times(Constant(1e-6), 11)
