"""Throughput against latency: curves, bands, and labels that cover nothing."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.path import Path
from matplotlib.text import Text

from s3sim.core.errors import InputError
from s3sim.report.figures import throughput_latency
from s3sim.report.figures.placing import Tag, place_tags
from tests.report.drawn import NAMES, curve_figure, sweep


def test_points_are_joined_in_the_order_of_the_swept_value() -> None:
    """A curve runs from the smallest swept value to the largest, and null comes last, whatever the rows' order."""
    figure = curve_figure(seeds=1)
    line = figure.axes[0].lines[0]
    rows = sweep(1)
    rows = rows[rows["system"] == NAMES[0]].sort_values("max_num_seqs", na_position="last")
    assert np.asarray(line.get_xdata()).tolist() == rows["request_throughput"].tolist()
    assert np.asarray(line.get_ydata()).tolist() == rows["normalized_latency_ms"].tolist()
    assert "Swept over max_num_seqs: 4, 16, 64, null" in figure.get_suptitle()


def test_the_upper_bound_is_a_dashed_line() -> None:
    """Upright, and named in the legend, where all points have one and the same and x is throughput."""
    rows = sweep(1).assign(throughput_bound=500.0)
    figure = throughput_latency(rows, swept_over="max_num_seqs")
    assert [500.0, 500.0] in [list(np.asarray(line.get_xdata())) for line in figure.axes[0].lines]
    assert "upper bound (relaxation)" in [text.get_text() for text in figure.legends[0].texts]
    assert figure.axes[0].get_xlim()[1] > 500
    other = throughput_latency(rows.assign(mfu=0.1), x="mfu", swept_over="max_num_seqs")
    assert "upper bound (relaxation)" not in [text.get_text() for text in other.legends[0].texts]


def test_seeds_give_a_band_of_the_interval() -> None:
    """With several seeds a curve has a 95% band around its mean, with one it has none."""
    assert not curve_figure(seeds=1).axes[0].collections
    bands = curve_figure(seeds=3).axes[0].collections
    assert len(bands) == len(NAMES)
    rows = sweep(3)
    values = rows[(rows["system"] == NAMES[0]) & (rows["max_num_seqs"] == 4)]["normalized_latency_ms"].to_numpy()
    half = 4.30265 * values.std(ddof=1) / np.sqrt(3)
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


def test_the_names_of_columns_are_checked() -> None:
    """A column that is missing is named, with those that are there."""
    with pytest.raises(InputError, match=r"no column 'arrivals\.rate' among 'system'"):
        throughput_latency(sweep(), swept_over="arrivals.rate")
    with pytest.raises(InputError, match="nothing finished"):
        throughput_latency(sweep().assign(request_throughput=np.nan), swept_over="max_num_seqs")
