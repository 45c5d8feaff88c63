"""Student's t, in one place: scipy's, and as often right as it says."""

import subprocess
import sys

import numpy as np
import pytest
from scipy.stats import t

from s3sim.report.intervals import half_width, mean_interval, student_quantile


@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.99, 1 - 1e-6])
def test_quantiles_are_scipys(confidence: float) -> None:
    """At 1 to 200 degrees of freedom."""
    for freedom in range(1, 201):
        assert student_quantile(confidence, freedom) == pytest.approx(t.ppf((1 + confidence) / 2, freedom), rel=1e-9)


@pytest.mark.parametrize("seeds", [2, 5, 32, 100])
def test_an_interval_holds_the_truth_as_often_as_it_says(seeds: int) -> None:
    """95% of 40,000 samples of a normal distribution, within three standard errors of that share: 0.33%."""
    samples = np.random.default_rng(seeds).standard_normal((40_000, seeds))
    half = student_quantile(0.95, seeds - 1) * samples.std(axis=1, ddof=1) / np.sqrt(seeds)
    assert (np.abs(samples.mean(axis=1)) <= half).mean() == pytest.approx(0.95, abs=0.0033)
    one = samples[0].tolist()
    assert mean_interval(one).half == pytest.approx(half[0]) == half_width(one)


def test_help_does_not_wait_for_scipy() -> None:
    """The library and this module come without it."""
    program = "import sys, s3sim, s3sim.cli.main, s3sim.report.intervals; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
