"""What the tables of a run say of what was measured, and how sure it is."""

from io import StringIO

import pandas as pd
import pytest
from rich.console import Console

from s3sim.cli.sheets import say, show
from s3sim.cli.tables import headlines, summary_tables


def summary(seeds: int = 3, *, saturated: bool = True) -> pd.DataFrame:
    """Two systems online at two rates; at the higher orca is saturated, in the first seed."""
    rows = [
        {
            "scenario": "online", "arrivals.rate": rate, "system": system, "seed": seed, "point": "p",
            "request_goodput": goodput + seed, "offered_rate": rate + 0.25, "window_start_s": 1.5, "window_end_s": 9.5,
            "duration_s": 12.0, "measured_requests": 80 + seed,
            "saturated": float(saturated and (system, rate, seed) == ("orca", 40, 0)),
            **dict.fromkeys(("mean_batch_size", "kv_waste_fraction", "p50_ttft_ms", "p50_tpot_ms", "p99_e2el_ms"), 1.0),
            **dict.fromkeys(("slo_attainment", "preemptions", "rejected", "over_length", "invalid_rows_dropped"), 0),
            **dict.fromkeys(("over_length_truncated", "over_length_dropped"), 0),
        }
        for system, goodputs in {"orca": (10, 20), "s3": (10, 40)}.items()
        for rate, goodput in zip((10, 40), goodputs, strict=True)
        for seed in range(seeds)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def printed(rows: pd.DataFrame) -> str:
    """The tables and headlines as a terminal of 80 columns shows them."""
    console = Console(width=80, record=True, file=StringIO())
    for sheet in summary_tables(rows):
        show(sheet, console)
    for line in headlines(rows):
        say(console, line)
    return console.export_text()


def test_saturated_values_bear_a_star_that_is_explained() -> None:
    """In the grid, among the best, and with its window; nowhere where nothing is saturated."""
    text = printed(summary())
    assert text.count("21.0*") == 2
    assert "orca*" in text
    assert "saturated: in some seed the queue grew" in " ".join(text.split())
    assert "*" not in printed(summary(saturated=False))


def test_the_window_of_each_best_is_shown() -> None:
    """Offered rate, begin, end and length of the run, and how many requests were measured."""
    (line,) = [line for line in printed(summary()).splitlines() if "9.5" in line and "s3" in line]
    assert line.split() == ["s3", "40", "40.2", "1.5", "9.5", "12.0", "81"]
    offline = summary().assign(offered_rate=float("nan"))
    assert "9.5" not in printed(offline)


def test_throughput_is_told_as_a_share_of_its_bound() -> None:
    """Of each system at its best, where there is a bound; else there is no such column."""
    rows = summary()
    text = printed(rows.assign(request_throughput=9.0, throughput_bound=12.0))
    assert "75%" in text
    assert "of upper" in text
    for without in (rows, rows.assign(throughput_bound=float("nan"))):
        assert "of upper" not in printed(without)


@pytest.mark.parametrize("seeds", [1, 3])
def test_differences_bear_intervals_where_seeds_give_them(seeds: int) -> None:
    """20 more in every seed; the ratio's interval is that of the log ratios, and stands in the headline too."""
    text = printed(summary(seeds))
    assert ("+20.00" in text) == (seeds > 1)
    assert ("paired by seed" in text) == (seeds > 1)
    if seeds > 1:
        (line,) = [line for line in text.splitlines() if "+20.00" in line]
        assert line.split()[:5] == ["s3", "+20.00", "+20.00", "to", "+20.00"]
        assert "highest goodput of s3 is 1.95 × orca's (95%: 1.84–2.07, paired by" in text
