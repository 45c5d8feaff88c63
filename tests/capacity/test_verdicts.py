"""A verdict is as sure as it says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3sim.capacity.slo import Objective
from s3sim.capacity.verdicts import Verdict, combined, read, with_saturation

LIMIT = Objective(metric="ttft", percentile=99.0, limit_ms=100.0)
MET, NOT_MET, UNDECIDED = Verdict.MET, Verdict.NOT_MET, Verdict.UNDECIDED


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ([90.0, 90.0], MET),
        ([100.0, 100.0], MET),
        ([101.0, 101.0], NOT_MET),
        ([99.0, 102.0], UNDECIDED),
        ([90.0, 98.0], UNDECIDED),  # 94 ± 12.7·4: two seeds tell little
        ([90.0, 94.0, 92.0, 91.0, 93.0], MET),
        ([10.0, None], NOT_MET),
    ],
)
def test_the_limit_is_held_against_the_interval(values: list[float | None], verdict: Verdict) -> None:
    """Met where all of it is within the limit, not met where all is above or a run served nobody."""
    assert read(LIMIT, values, confidence=0.95).verdict is verdict


@given(
    st.lists(st.floats(min_value=1, max_value=1e4), min_size=2, max_size=8), st.floats(min_value=0.5, max_value=0.99)
)
def test_more_confidence_never_decides_more(values: list[float], confidence: float) -> None:
    """What is decided with more confidence is decided the same way with less."""
    surer = read(LIMIT, values, confidence=(1 + confidence) / 2).verdict
    assert surer in (UNDECIDED, read(LIMIT, values, confidence=confidence).verdict)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    """Of 2000 samples of five normal values, the 90% interval misses the mean in 10%, ± 3 standard errors."""
    rng = np.random.default_rng(3)
    samples = rng.normal(100.0, 7.0, (2000, 5)).tolist()
    missed = sum(read(LIMIT, values, confidence=0.9).verdict is not UNDECIDED for values in samples)
    assert missed / 2000 == pytest.approx(0.1, abs=0.021)


def test_all_objectives_must_be_kept() -> None:
    """One that is not met settles it; one that is undecided leaves it open."""
    assert combined([MET, MET]) is MET
    assert combined([MET, UNDECIDED]) is UNDECIDED
    assert combined([MET, UNDECIDED, NOT_MET]) is NOT_MET


def test_saturated_runs_keep_no_slo() -> None:
    """Most of them saturated: not met, whatever was measured. A few: never met."""
    assert with_saturation(MET, saturated=0, seeds=3) is MET
    assert with_saturation(MET, saturated=1, seeds=3) is UNDECIDED
    assert with_saturation(NOT_MET, saturated=1, seeds=3) is NOT_MET
    assert with_saturation(MET, saturated=2, seeds=3) is NOT_MET
