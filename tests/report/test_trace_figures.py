from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from s3sim.core.errors import InputError, SystemFaultError
from s3sim.report.figures import trace_arrivals, trace_lengths
from s3sim.report.trace_pages import draw_trace


def frame(rows: int = 500, *, constant: bool = False) -> pd.DataFrame:
    """A trace as `Trace.to_frame` makes it."""
    random = np.random.default_rng(1)
    prompt = np.full(rows, 18) if constant else random.integers(1, 5000, rows)
    arrival = np.cumsum(random.exponential(1e11, rows)).astype(np.int64)
    return pd.DataFrame({"arrival_ps": arrival, "prompt_tokens": prompt, "output_tokens": random.geometric(0.01, rows)})


@pytest.mark.parametrize("constant", [False, True])
def test_lengths_are_shown_as_shares_and_together(constant: bool) -> None:
    """The curves end at every request, the cells hold every request once, one length or many."""
    trace = frame(constant=constant)
    shares, joint, _ = trace_lengths(trace).axes
    assert [line.get_xdata()[-1] for line in shares.lines] == [
        trace[name].max() for name in ("prompt_tokens", "output_tokens")
    ]
    assert np.nansum(joint.collections[0].get_array()) == len(trace)
    for axes in (shares, joint):
        assert axes.get_xlabel()
        assert axes.get_ylabel()


def test_arrivals_are_shown_over_time_and_beside_poisson() -> None:
    """The bins hold every request; the curve of gaps falls from all of them to the longest alone."""
    trace = frame()
    over_time, gaps = trace_arrivals(trace).axes
    heights, edges, _ = over_time.patches[0].get_data()
    assert (heights * np.diff(edges)).sum() == pytest.approx(len(trace))
    x, y = gaps.lines[0].get_data()
    longest = np.diff(trace["arrival_ps"]).max() / 1e12
    assert (max(x), min(y), max(y)) == pytest.approx((longest, 1 / (len(trace) - 1), 1.0))


def test_what_cannot_be_drawn_is_refused(tmp_path: Path) -> None:
    """Missing columns and arrivals all at once are InputErrors; a folder that cannot be made is the machine's fault."""
    with pytest.raises(InputError, match="no column 'prompt_tokens'"):
        trace_lengths(pd.DataFrame({"output_tokens": [1]}))
    with pytest.raises(InputError, match="at once"):
        trace_arrivals(frame().assign(arrival_ps=0))
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemFaultError, match="cannot be written"):
        draw_trace(frame(), tmp_path / "file", name="a")


def test_the_same_trace_gives_the_same_bytes(tmp_path: Path) -> None:
    """Figures hold no date; without arrivals there are lengths alone."""
    first, second = (draw_trace(frame(), tmp_path / name, name="a") for name in ("x", "y"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    alone = draw_trace(frame().assign(arrival_ps=0), tmp_path / "z", name="a")
    assert [path.name for path in alone] == ["a-lengths.png", "a-lengths.svg"]
