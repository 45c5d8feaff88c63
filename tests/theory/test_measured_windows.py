"""What a measured window makes of a mean whose value is known: that of M/D/1, a single server of equal services."""

from functools import cache
from statistics import fmean

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

import s3sim
from s3sim.experiment.schema import load_experiment
from s3sim.report.measure import WHOLE, Cut, Measure
from s3sim.report.window import measured_window
from tests.capacity.questions import SERVICE, fixed

LOAD = 0.6  # ρ
SEEDS = 800
Z_99 = 2.5758  # two-sided 99% of the normal distribution, which Student's t is for so many seeds
PICOSECOND = 1e-12  # seconds
EXPECTED = 1e3 * SERVICE * (1 + LOAD / (2 * (1 - LOAD)))  # ms, of E2EL (Pollaczek 1930, Khinchine 1932)
MSER = Measure(warm_up=Cut("mser"), cool_down=Cut("mser"))
Times = NDArray[np.float64]


def by_default() -> Measure:
    """What is left out of an experiment with Poisson arrivals that does not say."""
    (point,) = load_experiment(fixed(seeds=[0])).points
    return Measure.from_json(point.measure)


def finishes(arrival: Times) -> Times:
    """When each one is served: max over j <= i of arrival j + (i − j + 1)·S, which is Lindley's recursion solved."""
    rank = np.arange(len(arrival), dtype=np.float64)
    finished: Times = SERVICE * (rank + 1) + np.maximum.accumulate(arrival - SERVICE * rank)
    return finished


@cache
def queue(seed: int, number: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Requests and steps of one run that begins empty."""
    arrival = np.cumsum(np.random.default_rng(seed).exponential(SERVICE / LOAD, number))
    finished = finishes(arrival)
    latency = (finished - arrival) * 1e3
    requests = {"status": "finished", "arrival_s": arrival, "finished_s": finished, "e2el_ms": latency}
    starts = np.rint((finished - SERVICE) / PICOSECOND).astype(np.int64)
    steps = {"start_ps": starts, "first_ps": round(SERVICE / 5 / PICOSECOND), "increment_ps": 0, "steps": 5}
    return pd.DataFrame(requests), pd.DataFrame(steps)


def mean_e2el(measure: Measure, number: int) -> tuple[float, float]:
    """The mean over seeds of the mean E2EL in the window, and the half-width of its 99% interval; both in ms."""
    found = []
    for seed in range(SEEDS):
        requests, steps = queue(seed, number)
        end = int(steps["start_ps"].iloc[-1]) + round(SERVICE / PICOSECOND)
        window = measured_window(measure, requests, steps, end_ps=end)
        found.append(requests["e2el_ms"].to_numpy()[window.arrived(requests)].mean())
    return fmean(found), Z_99 * float(np.std(found, ddof=1)) / SEEDS**0.5


def test_the_recursion_is_what_the_simulator_does() -> None:
    """From the same arrivals, the same ends."""
    (point,) = load_experiment(fixed(requests=200, seeds=[0])).points
    requests = s3sim.simulate(point).requests
    expected = finishes(requests["arrival_s"].to_numpy())
    assert requests["finished_s"].to_numpy() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("number", [400, 1500])
def test_the_window_by_default_reads_a_mean_latency_as_it_is(number: int) -> None:
    """M/D/1's mean E2EL is within the 99% interval over seeds, which is within 1%."""
    mean, half = mean_e2el(by_default(), number)
    assert abs(mean - EXPECTED) < half < 0.01 * EXPECTED


def test_an_mser_window_and_a_whole_run_read_it_low() -> None:
    """By 4% to 8% of runs of 400 requests, as is documented; less so of the whole run, which begins empty."""
    mser, half = mean_e2el(MSER, 400)
    assert 0.92 * EXPECTED < mser < 0.96 * EXPECTED
    whole, _ = mean_e2el(WHOLE, 400)
    assert mser + half < whole < EXPECTED
