"""Student's t is that of the tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t

from s3sim.capacity.student import student_quantile
from s3sim.report.intervals import STUDENT_T


@given(st.floats(min_value=0.01, max_value=0.9999), st.integers(min_value=1, max_value=200))
def test_the_quantile_is_scipy_s(confidence: float, freedom: int) -> None:
    """At any confidence and degrees of freedom, odd and even."""
    assert student_quantile(confidence, freedom) == pytest.approx(t.ppf((1 + confidence) / 2, freedom), rel=1e-7)


def test_the_quantile_is_that_of_the_report_s_table() -> None:
    """The 95% of both rooms are one."""
    for freedom, value in enumerate(STUDENT_T, start=1):
        assert student_quantile(0.95, freedom) == pytest.approx(value, abs=6e-4)
