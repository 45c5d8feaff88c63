import numpy as np
import pytest

from s3sim.core.errors import InputError
from s3sim.workload.arrivals import Diurnal, MarkovModulated
from s3sim.workload.checks import IntArray

SECOND = 10**12  # ps


def times(process: MarkovModulated | Diurnal, n: int, seed: int = 3) -> IntArray:
    """Times of n requests under a seed."""
    return process.times(n, np.random.default_rng(seed))


@pytest.mark.parametrize(
    ("rates", "sojourns"), [((2.0, 40.0), (3.0, 0.5)), ((0.0, 50.0), (1.0, 1.0)), ((9.0, 0.0), (0.2, 5.0))]
)
def test_bursts_have_their_mean_rate(rates: tuple[float, float], sojourns: tuple[float, float]) -> None:
    """In the long run the rate is Σ rate·sojourn ÷ Σ sojourn."""
    process = MarkovModulated(rates, sojourns)
    drawn = times(process, 200_000)
    expected = (rates[0] * sojourns[0] + rates[1] * sojourns[1]) / sum(sojourns)
    assert process.mean_rate == pytest.approx(expected)
    assert (len(drawn) - 1) / (drawn[-1] / SECOND) == pytest.approx(expected, rel=0.04)


def test_interrupted_poisson_gaps_vary_as_the_law_says() -> None:
    """With silence in one state the gaps are hyperexponential: squared variation 1 + 2λγ/(γ + ω)² (Kuczura 1973).

    λ is the rate of the bursts, γ and ω the rates of leaving them and of their coming back.
    """
    rate, burst, silence = 20.0, 0.5, 2.0
    gaps = np.diff(times(MarkovModulated((rate, 0.0), (burst, silence)), 300_000))
    expected = 1 + 2 * rate / burst / (1 / burst + 1 / silence) ** 2
    assert (gaps.std() / gaps.mean()) ** 2 == pytest.approx(expected, rel=0.04)


def test_equal_rates_are_poisson() -> None:
    """Two states of one rate make exponential gaps, however long they last."""
    gaps = np.diff(times(MarkovModulated((5.0, 5.0), (0.1, 3.0)), 100_000)) / SECOND
    for limit in (0.2, 0.6, 1.0):
        assert (gaps > limit).mean() == pytest.approx(np.exp(-5 * limit), rel=0.1)


def test_a_state_lasts_as_long_as_asked() -> None:
    """Silences between bursts have the mean of their state: gaps that no burst could make are memoryless."""
    gaps = np.diff(times(MarkovModulated((1000.0, 0.0), (0.5, 4.0)), 200_000)) / SECOND
    silences = gaps[gaps > 0.1]
    assert silences.mean() == pytest.approx(4.1, rel=0.1)


def test_the_first_state_is_drawn_with_its_share() -> None:
    """A series begins in either state with that state's share of the time."""
    process = MarkovModulated((1000.0, 1.0), (1.0, 3.0))
    fast = [times(process, 3, seed)[-1] < SECOND // 10 for seed in range(600)]
    assert np.mean(fast) == pytest.approx(0.25, abs=0.06)


@pytest.mark.parametrize(("amplitude", "phase"), [(0.8, 0.0), (1.0, 0.25), (0.0, 0.5)])
def test_a_day_has_its_mean_rate_and_shape(amplitude: float, phase: float) -> None:
    """Over whole periods the rate has its mean, and in each part of a period that of the sine."""
    process = Diurnal(50.0, amplitude, period_s=20.0, phase=phase)
    seconds = times(process, 200_000) / SECOND
    whole = seconds[seconds < seconds[-1] // 20 * 20]
    periods = seconds[-1] // 20
    assert len(whole) / (periods * 20) == pytest.approx(50.0, rel=0.02)
    parts = np.bincount((whole % 20).astype(int), minlength=20) / periods
    middle = np.arange(20) + 0.5
    expected = 50 * (1 + amplitude * np.sin(2 * np.pi * (middle / 20 + phase)))
    assert parts == pytest.approx(expected, rel=0.08, abs=1.5)


@pytest.mark.parametrize(
    ("rates", "sojourns", "message"),
    [
        ((0.0, 0.0), (1.0, 1.0), "rates are"),
        ((-1.0, 2.0), (1.0, 1.0), "rates are"),
        ((float("nan"), 2.0), (1.0, 1.0), "rates are"),
        ((1.0,), (1.0, 1.0), "rates are"),
        ((1.0, 2.0), (1.0, 0.0), "sojourns_s is 0.0"),
        ((1.0, 2.0), (1.0,), "two means are needed"),
    ],
)
def test_bursts_that_no_process_has_are_refused(
    rates: tuple[float, float], sojourns: tuple[float, float], message: str
) -> None:
    """Rates are two finite numbers from 0, not both 0; sojourns two above 0."""
    with pytest.raises(InputError, match=message):
        MarkovModulated(rates, sojourns)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"rate": 0.0, "amplitude": 0.5}, "rate is 0.0"),
        ({"rate": 1.0, "amplitude": 1.5}, "amplitude is 1.5"),
        ({"rate": 1.0, "amplitude": 0.5, "period_s": -1.0}, "period_s is -1.0"),
        ({"rate": 1.0, "amplitude": 0.5, "phase": 2.0}, "phase is 2.0"),
    ],
)
def test_days_that_no_process_has_are_refused(fields: dict[str, float], message: str) -> None:
    """A rate never falls below 0, and a phase is a part of a period."""
    with pytest.raises(InputError, match=message):
        Diurnal(**fields)
