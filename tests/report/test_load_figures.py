"""Swept values at points, saturated points, and what keeps the SLO as the load rises."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text

from s3sim.core.errors import InputError
from s3sim.report.facts import ServiceLevel
from s3sim.report.figures import slo_over_load, throughput_latency
from s3sim.report.figures.style import looks

NAMES = ("orca", "s3")
RATES = (10.0, 20.0, 40.0)
SLO = ServiceLevel(tpot_ms=187.5)


def swept(seeds: int = 3, key: str = "arrivals.rate") -> pd.DataFrame:
    """Two systems at three loads, of which orca is saturated at the highest, in one seed."""
    rows = [
        {
            "system": name,
            "seed": seed,
            key: rate if key == "arrivals.rate" else 40 / rate,
            "offered_rate": rate + seed / 10,
            "request_throughput": min(rate, 20.0 * (rank + 1)) + seed / 5,
            "normalized_latency_ms": 10 + rate * (2 - rank) + seed,
            "slo_attainment": 1 - rate / 80 * (1 - rank) - seed / 100,
            "request_goodput": rate * (1 - rate / 80 * (1 - rank)) - seed / 10,
            "saturated": float(name == "orca" and rate == 40 and seed == 0),
        }
        for rank, name in enumerate(NAMES)
        for rate in RATES
        for seed in range(seeds)
    ]
    return pd.DataFrame(rows)


def empty_points(figure: Figure, axes: int = 0) -> list[tuple[float, float]]:
    """Where markers are empty."""
    lines = [line for line in figure.axes[axes].lines if to_hex(str(line.get_markerfacecolor())) == "#ffffff"]
    return [(float(x), float(y)) for line in lines for x, y in zip(*line.get_data(), strict=True)]


def legend(figure: Figure) -> list[str]:
    """The legend's entries."""
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_saturated_points_are_hollow_and_in_the_legend() -> None:
    """A point that was saturated in one seed of three is, and no other; without any there is no entry."""
    rows = swept()
    figure = throughput_latency(rows, swept_over="arrivals.rate")
    highest = rows[(rows["system"] == "orca") & (rows["arrivals.rate"] == 40)]
    place = highest["request_throughput"].mean(), highest["normalized_latency_ms"].mean()
    assert empty_points(figure) == [pytest.approx(place)]
    assert legend(figure).count("saturated") == 1
    for calm in (rows.assign(saturated=0.0), rows.assign(saturated=np.nan), rows.drop(columns="saturated")):
        figure = throughput_latency(calm, swept_over="arrivals.rate")
        assert empty_points(figure) == []
        assert "saturated" not in legend(figure)


def test_every_point_tells_its_swept_value_beside_it() -> None:
    """A text per point in its system's colour, near it; none covers another, a label, or leaves the axes."""
    figure = throughput_latency(swept(), swept_over="arrivals.rate")
    figure.draw_without_rendering()
    axes = figure.axes[0]
    texts = [artist for artist in figure.artists if isinstance(artist, Annotation)]
    assert sorted(text.get_text() for text in texts) == sorted([f"{rate:g}" for rate in RATES] * 2)
    boxes = [Text.get_window_extent(text) for text in (*texts, *axes.texts)]
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    for text, box in zip(texts, boxes, strict=False):
        assert axes.bbox.contains(box.x0, box.y0)
        assert axes.bbox.contains(box.x1, box.y1)
        point = axes.transData.transform(text.xy)
        nearest = np.clip(point, (box.x0, box.y0), (box.x1, box.y1))
        assert np.hypot(*(point - nearest)) < 20


def test_one_text_serves_points_of_one_value_that_meet() -> None:
    """Two systems that do the same at a load share its text; at another they do not."""
    rows = swept(1)
    for column in ("request_throughput", "normalized_latency_ms"):
        same = rows.loc[(rows["system"] == "s3") & (rows["arrivals.rate"] == 10), column].iloc[0]
        rows.loc[(rows["system"] == "orca") & (rows["arrivals.rate"] == 10), column] = same
    figure = throughput_latency(rows, swept_over="arrivals.rate")
    texts = [artist.get_text() for artist in figure.artists if isinstance(artist, Annotation)]
    assert sorted(texts) == ["10", "20", "20", "40", "40"]


def test_attainment_and_goodput_are_drawn_against_the_offered_rate() -> None:
    """Means over seeds by system at the swept rate, with units; bands of the interval, within what can be."""
    rows = swept()
    figure = slo_over_load(rows, swept_over="arrivals.rate", slo=SLO, title="a run")
    assert "Swept over arrivals.rate; SLO: tpot ≤ 187.5 ms" in figure.get_suptitle()
    for axes, metric in zip(figure.axes, ("slo_attainment", "request_goodput"), strict=True):
        assert axes.get_xlabel() == "Offered rate (requests/s)"
        assert axes.get_ylabel().endswith(")")
        curves = {
            str(line.get_color()): line for line in reversed(axes.lines) if len(np.asarray(line.get_xdata())) == 3
        }
        for name in NAMES:
            means = rows[rows["system"] == name].groupby("arrivals.rate")[metric].mean()
            line = curves[looks(NAMES)[name].colour]
            assert np.asarray(line.get_xdata()).tolist() == list(RATES)
            assert np.asarray(line.get_ydata()) == pytest.approx(means.to_numpy())
        assert len(axes.collections) == len(NAMES)
        tops = [band.get_paths()[0].vertices[:, 1].max() for band in axes.collections]  # type: ignore[index]
        assert metric != "slo_attainment" or max(tops) == 1.0
        assert len(empty_points(figure, figure.axes.index(axes))) == 1
    assert {"95% interval over seeds", "saturated", "all that is offered", *NAMES} == set(legend(figure))


def test_one_seed_has_no_bands() -> None:
    """Without replications there is no interval, and no word of one."""
    figure = slo_over_load(swept(1), swept_over="arrivals.rate", slo=SLO)
    assert not any(axes.collections for axes in figure.axes)
    assert "95% interval over seeds" not in legend(figure)


def test_a_load_that_is_no_rate_is_drawn_at_what_was_measured() -> None:
    """A sweep over the stretch of a recorded trace stands at the mean offered rate of its rows."""
    rows = swept(key="arrivals.scale")
    figure = slo_over_load(rows, swept_over="arrivals.scale", slo=SLO)
    assert sorted(np.asarray(figure.axes[0].lines[0].get_xdata()).tolist()) == pytest.approx([10.1, 20.1, 40.1])
    with pytest.raises(InputError, match="no column 'offered_rate'"):
        slo_over_load(rows.drop(columns="offered_rate"), swept_over="arrivals.scale", slo=SLO)
