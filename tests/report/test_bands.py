"""Bands of intervals: every measured point lies in its own, and none is stretched to fit a picture."""

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from s3sim.report.figures import Line, bars, panels, throughput_latency
from s3sim.report.figures.bands import CUT, draw_band, quads
from s3sim.report.html.tables import COLUMNS
from s3sim.report.intervals import Interval
from tests.report.test_cautions import rows


def shade(axes: Axes, x: float, y: float) -> float:
    """How dark the picture is at a point in data coordinates, 0 for white."""
    figure = axes.figure
    assert isinstance(figure, Figure)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())
    across, along = axes.transData.transform((x, y))
    return 255 - float(pixels[pixels.shape[0] - 1 - round(along), round(across), :3].min())


@pytest.mark.parametrize("xs", [[1.0, 2, 3, 4], [1.0, 3, 4, 2.5, 2], [1.0, 3, 2, 4]], ids=["on", "back", "to and fro"])
def test_every_point_lies_in_its_own_band_also_where_the_curve_turns_back(xs: list[float]) -> None:
    """As dark between two points and just above a point as anywhere in the band, and white above it."""
    axes = Figure().subplots()
    axes.set(xlim=(0, 5), ylim=(0, 10), xticks=[], yticks=[])
    means = [5.0 + 0.5 * place for place in range(len(xs))]
    draw_band(axes, xs, [mean - 1 for mean in means], [mean + 1 for mean in means], "black")
    middles = [(np.mean(xs[i : i + 2]), np.mean(means[i : i + 2])) for i in range(len(xs) - 1)]
    dark = {shade(axes, float(x), float(y)) for x, y in middles}
    assert len(dark) == 1, "no fold is darker, or white"
    assert min(dark) > 20
    inner = zip(xs[1:-1], means[1:-1], strict=True)
    for x, y in inner:
        assert max(shade(axes, x - 0.02, y), shade(axes, x + 0.02, y)) in dark
    assert shade(axes, xs[0], 9.9) == 0


def test_neighbours_bands_turn_one_way() -> None:
    """Counterclockwise, whichever way the curve goes: else one would cut a hole into another."""
    found = quads(np.array([1.0, 3.0, 2.0]), np.array([1.0, 1.0, 1.0]), np.array([2.0, 2.0, 2.0]))
    for part in found:
        x, y = part[:, 0], part[:, 1]
        assert (x[:-1] * y[1:] - x[1:] * y[:-1]).sum() > 0


def test_what_runs_out_of_the_picture_is_cut_and_marked() -> None:
    """At the ends of a logarithmic axis, below and above; nothing is marked where 0 is the axis's own end."""
    axes = Figure().subplots()
    axes.set(yscale="log", ylim=(1, 100))
    assert draw_band(axes, [1, 2, 3], [-5, 20, 2], [10, 30, 1000], "black")
    marks = sorted((str(line.get_marker()), line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines)  # type: ignore[attr-defined, index]
    assert marks == [("^", 3, 100), ("v", 1, 1)]
    heights = axes.collections[0].get_paths()[0].vertices[:, 1]  # type: ignore[index]
    assert (heights.min(), heights.max()) == (1, 100)
    linear = Figure().subplots()
    linear.set_ylim(0, 10)
    assert not draw_band(linear, [1, 2], [-5, 2], [7, 9], "black")
    assert not linear.lines


def test_a_single_point_has_its_interval_too() -> None:
    """As a line, for a band has no width there."""
    axes = Figure().subplots()
    axes.set_ylim(0, 10)
    draw_band(axes, [2.0], [1.0], [3.0], "black")
    assert len(axes.collections) == 1


def test_nothing_that_cannot_be_negative_is_drawn_or_told_below_zero() -> None:
    """Curves, panels, bars and tables of a wait whose two seeds are 1 and 100 ms."""
    assert Interval(5.0, 9.0).ends() == (-4.0, 14.0)
    assert Interval(5.0, 9.0).ends(least=0.0, most=10.0) == (0.0, 10.0)
    assert Interval(5.0, None).ends(least=0.0) == (5.0, 5.0)
    wild = rows(mean_tpot_ms=[1.0, 100.0, 1.0, 100.0, 90.0, 95.0], request_throughput=[0.1, 4.0, 3.0, 3.0, 5.0, 5.0])
    wild = wild.assign(seed=[0, 1] * 3, max_num_seqs=[8, 8, 16, 16, 32, 32])
    figure = throughput_latency(wild, y="mean_tpot_ms", swept_over="max_num_seqs")
    band = figure.axes[0].collections[0].get_paths()[0].vertices[:, 1]  # type: ignore[index]
    assert band.min() >= figure.axes[0].get_ylim()[0] >= 0
    assert CUT in [text.get_text() for text in figure.legends[0].get_texts()]
    (reach,) = bars(wild[wild["max_num_seqs"] == 8]).axes[0].collections
    assert reach.get_segments()[0][:, 1].min() == 0  # type: ignore[attr-defined]
    line = Line(name="s3", x=[1, 2], y=[10, 1000], low=[-5, 900], high=[25, 1100])
    panel = panels({"a": [line]}, x="x", y="y", log="y", title="t")
    assert panel.axes[0].collections[0].get_paths()[0].vertices[:, 1].min() > 0  # type: ignore[index]
    assert panel.get_suptitle() == f"t\n{CUT}"
    (cell,) = (cell for heading, _, cell in COLUMNS if heading == "TPOT p50 (ms)")
    assert cell([1.0, 100.0]) == "50.5 (0.0 to 679.5)"
    assert cell([99.0, 100.0]) == "99.5 ± 6.4"
