"""Bars: a mean each, and its ratio to the baseline."""

import numpy as np
import pandas as pd
import pytest

from s3sim.core.errors import UnknownNameError
from s3sim.report.figures import bars
from tests.report.drawn import MANY, many_bars_figure, sweep


def test_bars_bear_value_and_speed_up() -> None:
    """A bar is as high as the mean, and says so, and its ratio to the baseline."""
    rows = pd.DataFrame({"system": ["orca", "s3", "x"], "seed": 0, "request_throughput": [4.0, 10.0, np.nan]})
    axes = bars(rows).axes[0]
    assert [bar.get_height() for bar in axes.patches] == [4.0, 10.0]  # type: ignore[attr-defined]
    assert [text.get_text() for text in axes.texts] == ["4.00\n(1.00×)", "10.0\n(2.50×)", "no value"]
    assert bars(rows, baseline="s3").axes[0].texts[0].get_text() == "4.00\n(0.40×)"
    with pytest.raises(UnknownNameError, match="vllm"):
        bars(rows, baseline="vllm")


def test_many_bars_lie_below_each_other() -> None:
    """Beyond six systems bars lie, as long as the mean, in the order of the frame from above."""
    rows = sweep(names=MANY)
    rows = rows[rows["max_num_seqs"].isna()]
    axes = many_bars_figure().axes[0]
    means = rows.groupby("system", sort=False)["request_throughput"].mean()
    assert [bar.get_width() for bar in axes.patches] == pytest.approx(means.tolist())  # type: ignore[attr-defined]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == list(MANY)
    assert axes.get_ylim()[0] > axes.get_ylim()[1]
    assert axes.texts[0].get_text().endswith("(1.00×)")


def test_the_upper_bound_is_a_dashed_line() -> None:
    """At its mean over the seeds, where all systems of a seed have one and the same; else there is none."""
    rows = pd.DataFrame({"system": ["orca", "s3"] * 2, "seed": [0, 0, 1, 1], "request_throughput": 4.0})
    figure = bars(rows.assign(throughput_bound=[9.0, 9.0, 11.0, 11.0]))
    (line,) = [line for line in figure.axes[0].lines if line.get_linestyle() == "--"]
    assert list(np.asarray(line.get_ydata())) == [10.0, 10.0]
    assert figure.axes[0].get_ylim()[1] > 10
    assert "dashed: upper bound (relaxation)" in figure.get_suptitle()
    for bounds in ([9.0, 9.0, 11.0, 12.0], [9.0, np.nan, 11.0, 11.0]):
        other = bars(rows.assign(throughput_bound=bounds))
        assert not [line for line in other.axes[0].lines if line.get_linestyle() == "--"]
        assert "bound" not in other.get_suptitle()
