"""Distributions of latency."""

import numpy as np
import pytest

from s3sim.report.figures import latency_cdf
from s3sim.report.tables import requests_table
from tests.report.drawn import SLO
from tests.report.worlds import facts_of, frames


def test_a_cdf_reads_the_quantiles() -> None:
    """Each curve rises from the least value at 0 to the greatest at 1, and crosses 1/2 at the median."""
    table = requests_table(frames("s3")[0])
    line = latency_cdf({"s3": table}).axes[2].lines[0]
    values, shares = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
    assert (np.diff(values) >= 0).all()
    assert np.interp(0.5, shares, values) == pytest.approx(table["e2el_ms"].median())
    assert (values[0], values[-1]) == (table["e2el_ms"].min(), table["e2el_ms"].max())


def test_no_time_between_tokens_is_told_as_such() -> None:
    """Where all tokens come at a batch's end, the panel of TPOT says what its 0 means."""
    names = ("fastertransformer", "orca")
    figure = latency_cdf(
        {name: requests_table(frames(name)[0], delivery=facts_of(name).delivery) for name in names}, slo=SLO
    )
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "SLO: 300 ms",
        "0: all tokens at a batch's end",
        "",
    ]
