from collections.abc import Callable
from functools import cache
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.path import Path
from matplotlib.text import Text
from numpy.typing import NDArray

from s3sim.core.errors import InputError, UnknownNameError
from s3sim.report.facts import ServiceLevel
from s3sim.report.figures import bars, kv_over_time, latency_cdf, throughput_latency
from s3sim.report.figures.axes import LABELS, label
from s3sim.report.figures.placing import Tag, place_tags
from s3sim.report.figures.style import KNOWN, looks
from s3sim.report.occupancy import occupancy_series
from s3sim.report.summary import METRICS
from s3sim.report.tables import requests_table
from tests.report.worlds import CAPACITY, NAMES, frames

SLO = ServiceLevel(ttft_ms=300.0, normalized_latency_ms=180.0)
SWEPT = (4, 64, 16, None)


def sweep(seeds: int = 2) -> pd.DataFrame:
    """A summary that looks like one: throughput saturates, latency rises, and later systems do better."""
    rows = [
        {
            "system": name,
            "seed": seed,
            "max_num_seqs": np.nan if value is None else value,
            "request_throughput": (rank + 1) * min(value or 64, 64) / (30 + seed),
            "normalized_latency_ms": 20 + (value or 64) * (5 - rank) / (1 + seed / 10),
            "mean_batch_size": min(value or 64, 20 * (rank + 1)),
        }
        for rank, name in enumerate(NAMES)
        for value in SWEPT
        for seed in range(seeds)
    ]
    return pd.DataFrame(rows)


@cache
def curve_figure(seeds: int = 2) -> Figure:
    """Throughput against latency of that sweep."""
    return throughput_latency(sweep(seeds), swept_over="max_num_seqs", slo=SLO, title="a run")


@cache
def kv_figure() -> Figure:
    """KV over time of the small worlds."""
    return kv_over_time({n: occupancy_series(*frames(n)) for n in NAMES}, capacity=dict.fromkeys(NAMES, CAPACITY))


@cache
def cdf_figure() -> Figure:
    """Latencies of the small worlds."""
    return latency_cdf({name: requests_table(frames(name)[0]) for name in NAMES}, slo=SLO)


@cache
def bar_figure() -> Figure:
    """Throughput at the sweep's end."""
    rows = sweep()
    return bars(rows[rows["max_num_seqs"].isna()], ("request_throughput", "mean_batch_size"))


ALL: dict[str, Callable[[], Figure]] = {
    "curves": curve_figure,
    "kv": kv_figure,
    "cdf": cdf_figure,
    "bars": bar_figure,
}


@pytest.mark.parametrize("figure", ALL.values(), ids=ALL)
def test_axes_bear_names_and_units(figure: Callable[[], Figure]) -> None:
    """Every axis that has numbers is labelled, by itself or for the whole figure; quantities bear their unit."""
    drawn = figure()
    vertical = drawn.get_supylabel()
    for axes in drawn.axes:
        spec = axes.get_subplotspec()
        assert spec is not None
        assert axes.get_xlabel() or not spec.is_last_row()
        assert vertical or axes.get_ylabel() or not spec.is_first_col()
        for text in (axes.get_xlabel(), axes.get_ylabel(), vertical):
            assert text in ("", "System", "Share of finished requests") or text.endswith(")")


@pytest.mark.parametrize("figure", ALL.values(), ids=ALL)
def test_legends_and_titles_cover_no_data(figure: Callable[[], Figure]) -> None:
    """Once laid out, legends lie within the figure and beside every panel and its labels, and panels do not touch."""
    drawn = figure()
    drawn.draw_without_rendering()
    boxes = [legend.get_window_extent() for legend in drawn.legends]
    assert len(boxes) == (0 if figure is bar_figure else 1)
    panels = [axes.get_window_extent() for axes in drawn.axes]
    labelled = [box for axes in drawn.axes if (box := axes.get_tightbbox()) is not None]
    for box in boxes:
        assert drawn.bbox.x0 <= box.x0 <= box.x1 <= drawn.bbox.x1
        assert drawn.bbox.y0 <= box.y0 <= box.y1 <= drawn.bbox.y1
        assert not any(box.overlaps(panel) for panel in panels + labelled)
    assert not any(one.overlaps(other) for one, other in combinations(panels, 2))
    assert all(panel.width > 100 and panel.height > 50 for panel in panels)


def test_points_are_joined_in_the_order_of_the_swept_value() -> None:
    """A curve runs from the smallest swept value to the largest, and null comes last, whatever the rows' order."""
    figure = curve_figure(seeds=1)
    line = figure.axes[0].lines[0]
    rows = sweep(1)
    rows = rows[rows["system"] == NAMES[0]].sort_values("max_num_seqs", na_position="last")
    assert np.asarray(line.get_xdata()).tolist() == rows["request_throughput"].tolist()
    assert np.asarray(line.get_ydata()).tolist() == rows["normalized_latency_ms"].tolist()
    assert "Swept over max_num_seqs: 4, 16, 64, null" in figure.get_suptitle()


def test_seeds_give_a_band_of_the_interval() -> None:
    """With several seeds a curve has a 95% band around its mean, with one it has none."""
    assert not curve_figure(seeds=1).axes[0].collections
    bands = curve_figure(seeds=3).axes[0].collections
    assert len(bands) == len(NAMES)
    rows = sweep(3)
    values = rows[(rows["system"] == NAMES[0]) & (rows["max_num_seqs"] == 4)]["normalized_latency_ms"].to_numpy()
    half = 4.303 * values.std(ddof=1) / np.sqrt(3)
    heights = bands[0].get_paths()[0].vertices[:, 1]  # type: ignore[index]
    for edge in (values.mean() - half, values.mean() + half):
        assert np.isclose(heights, edge).any()


def test_last_points_are_labelled_beside_each_other() -> None:
    """Each system's last point bears its name and batch; no label covers another, or leaves the axes."""
    figure = curve_figure()
    figure.draw_without_rendering()
    axes = figure.axes[0]
    texts = {text.get_text() for text in axes.texts}
    assert texts == {f"{name}\nwall, batch {min(64, 20 * (rank + 1))}" for rank, name in enumerate(NAMES)}
    boxes = [Text.get_window_extent(text) for text in axes.texts]
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    assert all(axes.bbox.contains(box.x0, box.y0) and axes.bbox.contains(box.x1, box.y1) for box in boxes)


def test_labels_of_one_point_near_a_corner_are_all_legible() -> None:
    """Five labels at one point near a corner of the axes cover neither each other nor the curve, and stay inside."""
    figure = Figure(layout="constrained")
    axes = figure.subplots()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    curve = [0.0, 0.5, 0.85], [0.0, 0.2, 0.9]
    notes = place_tags(axes, [Tag(0.85, 0.9, f"a long label\nof system {i}", "black") for i in range(5)], [curve])
    figure.draw_without_rendering()
    boxes = [Text.get_window_extent(note) for note in notes]
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    assert all(axes.bbox.contains(box.x0, box.y0) and axes.bbox.contains(box.x1, box.y1) for box in boxes)
    path = axes.transData.transform_path(Path(np.column_stack(curve)))
    assert not any(path.intersects_bbox(box, filled=False) for box in boxes)


def test_no_wall_where_more_still_run() -> None:
    """A curve whose batch still grows at its end has not reached the wall."""
    rows = sweep()
    rows = rows[rows["max_num_seqs"] <= 16]
    texts = [text.get_text() for text in throughput_latency(rows, swept_over="max_num_seqs").axes[0].texts]
    assert texts == [f"{name}\nbatch 16" for name in NAMES]


def test_limits_are_lines() -> None:
    """A limit on the metric that is drawn is a line there, and nowhere else."""
    heights = [line.get_ydata() for line in curve_figure().axes[0].lines]
    assert any(np.array_equal(np.asarray(height), [180.0, 180.0]) for height in heights)
    places = [[line.get_xdata() for line in axes.lines] for axes in cdf_figure().axes]
    assert [any(np.array_equal(np.asarray(x), [300.0, 300.0]) for x in panel) for panel in places] == [
        True,
        False,
        False,
    ]


def test_a_cdf_reads_the_quantiles() -> None:
    """Each curve rises from the least value at 0 to the greatest at 1, and crosses 1/2 at the median."""
    table = requests_table(frames("s3")[0])
    line = latency_cdf({"s3": table}).axes[2].lines[0]
    values, shares = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
    assert (np.diff(values) >= 0).all()
    assert np.interp(0.5, shares, values) == pytest.approx(table["e2el_ms"].median())
    assert (values[0], values[-1]) == (table["e2el_ms"].min(), table["e2el_ms"].max())


def test_bars_bear_value_and_speed_up() -> None:
    """A bar is as high as the mean, and says so, and its ratio to the baseline."""
    rows = pd.DataFrame({"system": ["orca", "s3", "x"], "seed": 0, "request_throughput": [4.0, 10.0, np.nan]})
    axes = bars(rows).axes[0]
    assert [bar.get_height() for bar in axes.patches] == [4.0, 10.0]  # type: ignore[attr-defined]
    assert [text.get_text() for text in axes.texts] == ["4.00\n(1.00×)", "10.0\n(2.50×)", "no value"]
    assert bars(rows, baseline="s3").axes[0].texts[0].get_text() == "4.00\n(0.40×)"
    with pytest.raises(UnknownNameError, match="vllm"):
        bars(rows, baseline="vllm")


def test_the_names_of_columns_are_checked() -> None:
    """A column that is missing is named, with those that are there."""
    with pytest.raises(InputError, match=r"no column 'arrivals\.rate' among 'system'"):
        throughput_latency(sweep(), swept_over="arrivals.rate")
    with pytest.raises(InputError, match="nothing finished"):
        throughput_latency(sweep().assign(request_throughput=np.nan), swept_over="max_num_seqs")


def test_a_system_looks_the_same_in_every_figure() -> None:
    """Known systems keep their look in any company; others get different ones, in no order but their names'."""
    for names in (NAMES, ("s3",), ("zeta", "s3", "alpha")):
        assert all(look == KNOWN[name] for name, look in looks(names).items() if name in KNOWN)
    assert looks(["b", "a"]) == looks(["a", "b"])
    found = list(looks([*NAMES, "a", "b", "c", "d"]).values())
    assert len({look.colour for look in found}) == len({look.marker for look in found}) == 9


def test_every_metric_has_a_label_with_its_unit() -> None:
    """Whatever is put on an axis says what it is, and in which unit, and no two metrics say the same."""
    texts = [label(metric) for metric in METRICS]
    assert all(text.endswith(")") and text[0].isupper() for text in texts)
    assert len(set(texts)) == len(texts)
    assert set(LABELS.values()) >= {label("request_throughput"), label("ttft_ms")}


# Machado, Oliveira, Fernandes (2009), severity 1: what dichromats see, in linear RGB.
EYES = {
    "all cones": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def lab(colour: str, eye: NDArray[np.float64]) -> NDArray[np.float64]:
    """A colour as an eye sees it, in CIELAB."""
    parts = np.array(to_rgb(colour))
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(eye @ linear, 0, 1) / TO_XYZ.sum(axis=1)
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("eye", EYES.values(), ids=EYES)
def test_systems_are_told_apart_by_every_eye(eye: NDArray[np.float64]) -> None:
    """The five systems' colours are at least 30 apart (CIE76), for dichromats too."""
    colours = [lab(look.colour, np.asarray(eye)) for look in KNOWN.values()]
    assert min(float(np.linalg.norm(one - other)) for one, other in combinations(colours, 2)) >= 30
