from collections.abc import Callable
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.path import Path
from matplotlib.text import Text
from numpy.typing import NDArray

from s3sim.core.errors import InputError, UnknownNameError
from s3sim.core.events import Event
from s3sim.policies.registry import SYSTEMS
from s3sim.report.extents import extents
from s3sim.report.facts import ServiceLevel
from s3sim.report.figures import bars, kv_map, kv_over_time, latency_cdf, throughput_latency, timeline, utilisation
from s3sim.report.figures.axes import LABELS, label
from s3sim.report.figures.placing import Tag, place_tags
from s3sim.report.figures.style import KNOWN, looks
from s3sim.report.occupancy import occupancy_series
from s3sim.report.phases import interesting, phases
from s3sim.report.summary import METRICS
from s3sim.report.tables import requests_table
from tests.report.worlds import CAPACITY, facts_of, frames

NAMES = ("orca", "s3", "oracle_bucket", "oracle_exact", "vllm")
MANY = tuple(KNOWN)

SLO = ServiceLevel(ttft_ms=300.0, normalized_latency_ms=180.0)
SWEPT = (4, 64, 16, None)


def sweep(seeds: int = 2, names: tuple[str, ...] = NAMES) -> pd.DataFrame:
    """A summary that looks like one: throughput saturates, latency rises, and later systems do better."""
    rows = [
        {
            "system": name,
            "seed": seed,
            "max_num_seqs": np.nan if value is None else value,
            "request_throughput": (rank + 1) * min(value or 64, 64) / (30 + seed),
            "normalized_latency_ms": 20 + (value or 64) * (len(names) - rank) / (1 + seed / 10),
            "mean_batch_size": min(value or 64, 20 * (rank + 1)),
            "compute_utilisation": min(value or 64, 20 * (rank + 1)) / 100,
            "bandwidth_utilisation": 0.9 - (value or 64) / 1000,
        }
        for rank, name in enumerate(names)
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


@cache
def cliff_figure(names: tuple[str, ...] = NAMES) -> Figure:
    """Utilisation over that sweep."""
    return utilisation(sweep(names=names), title="a run")


@cache
def timeline_figure() -> Figure:
    """Forty requests of a small world."""
    events, _ = frames("s3")
    return timeline(phases(events, interesting(events, 40)))


@cache
def map_figure(capacity: int = CAPACITY, until: float | None = None) -> Figure:
    """The address space of a small world."""
    events, steps = frames("s3")
    compacted = events.loc[events["event"] == Event.COMPACTED, "time_ps"] / 1e12
    found = extents(events, steps, capacity_tokens=CAPACITY)
    return kv_map(found, capacity=capacity, compactions=compacted, until=until)


@cache
def many_kv_figure() -> Figure:
    """KV over time of all systems, of which some take far longer."""
    return kv_over_time({name: occupancy_series(*frames(name)) for name in SYSTEMS})


@cache
def many_curves_figure() -> Figure:
    """Curves of all systems that have a look."""
    return throughput_latency(sweep(names=MANY), swept_over="max_num_seqs")


@cache
def many_bars_figure() -> Figure:
    """Bars of all systems that have a look."""
    rows = sweep(names=MANY)
    return bars(rows[rows["max_num_seqs"].isna()], ("request_throughput", "mean_batch_size"))


@cache
def many_cliffs_figure() -> Figure:
    """Utilisation of all systems that have a look."""
    return cliff_figure(MANY)


ALL: dict[str, Callable[[], Figure]] = {
    "curves": curve_figure,
    "kv": kv_figure,
    "cdf": cdf_figure,
    "bars": bar_figure,
    "cliff": cliff_figure,
    "timeline": timeline_figure,
    "map": map_figure,
    "kv of many": many_kv_figure,
    "curves of many": many_curves_figure,
    "bars of many": many_bars_figure,
    "cliffs of many": many_cliffs_figure,
}
BARS = (bar_figure, many_bars_figure)


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
    assert len(boxes) == (0 if figure in BARS else 1)
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


def test_runs_of_unlike_length_have_axes_of_their_own() -> None:
    """Where some run far longer each panel shows its own run in full, and the title says so; else all share one."""
    own, shared = many_kv_figure(), kv_figure()
    ends = [axes.get_xlim()[1] for axes in own.axes]
    assert max(ends) > 5 * min(ends)
    assert "own axis of time" in own.get_suptitle()
    assert len({axes.get_xlim()[1] for axes in shared.axes}) == 1
    assert "own axis" not in shared.get_suptitle()
    assert {axes.get_title(loc="left").split(":")[0] for axes in own.axes} == set(SYSTEMS)


def rings(figure: Figure, panel: int) -> list[tuple[float, float]]:
    """The points that are ringed."""
    lines = [line for line in figure.axes[panel].lines if line.get_fillstyle() == "none"]
    return [(float(np.asarray(line.get_xdata())[0]), float(np.asarray(line.get_ydata())[0])) for line in lines]


def test_the_cliff_is_where_the_batch_stops_growing() -> None:
    """Ringed is the first value from which on the batch is no larger: 64 for 20 sequences, null for 64 and more."""
    figure = cliff_figure()
    assert rings(figure, 2) == [(64.0, 20.0), (64.0, 40.0), (64.0, 60.0), (64.0, 64.0), (64.0, 64.0)]
    assert rings(figure, 0) == [(64.0, 0.2), (64.0, 0.4), (64.0, 0.6), (64.0, 0.64), (64.0, 0.64)]
    texts = [text.get_text() for text in figure.axes[2].texts]
    assert texts == [f"{name}: batch {min(64, 20 * (rank + 1))}" for rank, name in enumerate(NAMES)]
    legend = [text.get_text() for text in cliff_figure(MANY).legends[0].get_texts()]
    assert "orca: batch 20" in legend
    assert not cliff_figure(MANY).axes[2].texts


def test_no_cliff_without_a_rise_before_or_after() -> None:
    """A level curve may not heed the limit, and one that still rises has met no wall, unless nothing limited it."""
    level = sweep().assign(mean_batch_size=7.0)
    assert rings(utilisation(level), 2) == []
    rising = sweep(names=("vllm",)).assign(mean_batch_size=lambda rows: rows["max_num_seqs"].fillna(90))
    assert rings(utilisation(rising[rising["max_num_seqs"].notna()]), 2) == []
    assert rings(utilisation(rising), 2) == [(128.0, 90.0)]


def test_the_axis_of_a_sweep_bears_its_values() -> None:
    """Each swept value has its tick, and null stands behind the largest."""
    axes = cliff_figure().axes[2]
    assert axes.get_xticks().tolist() == [4, 16, 64, 128]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["4", "16", "64", "null"]


def test_a_timeline_shows_every_phase_in_its_row() -> None:
    """One bar per phase: as long, where it begins, in the row of its request."""
    events, _ = frames("s3")
    told = phases(events, interesting(events, 40))
    axes = timeline_figure().axes[0]
    patches: list[Any] = list(axes.patches)
    drawn = {(round(bar.get_y() + 0.39), bar.get_x(), round(bar.get_width(), 12)) for bar in patches}
    rank = {ident: row for row, ident in enumerate(dict.fromkeys(told["id"].tolist()))}
    wanted = [
        (rank[ident], begin / 1e12, round(end / 1e12 - begin / 1e12, 12))
        for ident, begin, end in told[["id", "begin_ps", "end_ps"]].to_numpy().tolist()
    ]
    assert len(patches) == len(wanted)
    assert drawn == set(wanted)
    assert [tick.get_text() for tick in axes.get_yticklabels()] == [str(ident) for ident in rank]


def test_a_map_shows_every_extent_and_compaction() -> None:
    """A box for each rectangle of addresses and time, a shape for what is written in it, a line for each compaction."""
    events, steps = frames("s3")
    found = extents(events, steps, capacity_tokens=CAPACITY)
    axes = map_figure().axes[0]
    reserved, *written, lines = axes.collections
    corners = {tuple(np.round(path.get_extents().extents, 9)) for path in reserved.get_paths()}
    cells = found[["begin_ps", "address", "end_ps", "tokens"]].to_numpy().tolist()
    assert len(reserved.get_paths()) == len(found)
    assert corners == {
        (round(begin / 1e12, 9), address, round(end / 1e12, 9), address + tokens)
        for begin, address, end, tokens in cells
    }
    assert sum(len(shape.get_paths()) for shape in written) == len(found)
    times = {round(float(np.asarray(path.vertices)[0, 0]), 9) for path in lines.get_paths()}
    compacted = events.loc[events["event"] == Event.COMPACTED, "time_ps"].tolist()
    assert times == {round(time / 1e12, 9) for time in compacted}
    assert axes.get_ylim()[1] > CAPACITY


def test_a_crowded_map_has_a_close_up() -> None:
    """Where too many extents lie above each other, a second panel shows the lowest; a window cuts the time."""
    assert len(map_figure().axes) == 1
    crowded = map_figure(capacity=20 * CAPACITY, until=0.5)
    assert len(crowded.axes) == 2
    whole, close = (axes.get_ylim()[1] for axes in crowded.axes)
    assert 0 < close < whole
    assert [axes.get_xlim() for axes in crowded.axes] == [(0, 0.5)] * 2


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
    found = list(looks([*MANY, "a", "b", "c", "d"]).values())
    assert len({look.colour for look in found}) == len({look.marker for look in found}) == len(MANY) + 4
    assert set(SYSTEMS) <= set(KNOWN)


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
    """The first five systems' colours are at least 30 apart (CIE76), for dichromats too, twelve 19, and all 17."""
    colours = [lab(look.colour, np.asarray(eye)) for look in KNOWN.values()]
    assert tuple(KNOWN)[:5] == ("orca", "s3", "oracle_bucket", "oracle_exact", "vllm")
    assert min(float(np.linalg.norm(one - other)) for one, other in combinations(colours[:5], 2)) >= 30
    assert min(float(np.linalg.norm(one - other)) for one, other in combinations(colours[:12], 2)) >= 19
    assert min(float(np.linalg.norm(one - other)) for one, other in combinations(colours, 2)) >= 17
