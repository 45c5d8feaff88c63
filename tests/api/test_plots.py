"""Figures by name: the very pictures that a run draws, for the points that are asked for."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

import s3sim
from s3sim.core.errors import InputError
from s3sim.report.figures.style import save
from s3sim.report.figures.timeline import PHASE_COLOURS
from tests.experiment.tiny import tiny

LENGTHS = {"prompt": {"kind": "uniform", "low": 4, "high": 16}, "output": {"kind": "geometric", "mean": 12.0}}
Draw = Callable[[s3sim.Results], Figure]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> s3sim.Results:
    """The tiny experiment with its figures; online a rate is swept, so that there are curves of SLO attainment."""
    online = {
        "arrivals": {"kind": "poisson", "rate": 20},
        "slo": {"ttft_ms": 100},
        "sweep": {"arrivals.rate": [5.0, 20.0]},
    }
    scenarios = {"offline": tiny()["scenarios"]["offline"], "online": online}
    return s3sim.run(tiny(scenarios=scenarios), out=tmp_path_factory.mktemp("done") / "tiny")


SAME: dict[str, Draw] = {
    "offline-throughput-latency": lambda r: r.plot.throughput_latency(scenario="offline"),
    "online-throughput-latency": lambda r: r.plot.throughput_latency(scenario="online"),
    "online-slo-attainment": lambda r: r.plot.slo_attainment(scenario="online"),
    "offline-utilisation": lambda r: r.plot.utilisation(scenario="offline"),
    "offline-latency-cdf": lambda r: r.plot.cdf(scenario="offline"),
    "online-latency-cdf": lambda r: r.plot.cdf(scenario="online"),
    "offline-kv-over-time": lambda r: r.plot.memory(scenario="offline"),
    "offline-throughput": lambda r: r.plot.bars(scenario="offline"),
    "online-timeline-s3": lambda r: r.plot.timeline(scenario="online", system="s3"),
    "offline-kv-map-s3": lambda r: r.plot.kv_map(scenario="offline", system="s3"),
}


@pytest.mark.parametrize("name", SAME)
def test_a_plot_is_the_picture_that_the_run_drew(name: str, done: s3sim.Results, tmp_path: Path) -> None:
    """Byte for byte: same data, same points, same title."""
    save(SAME[name](done), tmp_path / "mine.png")
    assert (tmp_path / "mine.png").read_bytes() == done.figures[name].read_bytes()


@pytest.mark.parametrize("kind", ["cdf", "memory", "timeline", "kv_map"])
def test_a_result_draws_as_its_run_does(kind: str, done: s3sim.Results) -> None:
    """A point in memory gives the marks of the point on disk; only the title differs."""
    having = {"scenario": "offline", "system": "s3", "seed": 0, "max_num_seqs": 2}
    figures = [getattr(done.plot, kind)(**having), getattr(s3sim.simulate(done.result(**having).point).plot, kind)()]
    for figure in figures:
        figure.suptitle("")
    one, two = ([_marks(axes) for axes in figure.axes] for figure in figures)
    assert one == two
    assert any(one)


def _marks(axes: Axes) -> list[str]:
    """What is drawn on axes: lines and shapes, in data coordinates."""
    lines = [repr(np.asarray(line.get_xydata()).tolist()) for line in axes.lines]
    shapes = [repr([np.asarray(path.vertices).tolist() for path in one.get_paths()]) for one in axes.collections]
    return [*lines, *shapes, *(repr(patch.get_extents().bounds) for patch in axes.patches)]


def test_other_points_are_drawn_where_they_are_asked_for(done: s3sim.Results) -> None:
    """Lists choose systems, values choose settings, metrics and ids are those that are named."""
    figure = done.plot.cdf("ttft", scenario="offline", max_num_seqs=2, seed=1)
    assert [axes.get_xlabel() for axes in figure.axes] == ["Time to first token, TTFT (ms)"]
    assert "max_num_seqs=2" in figure.get_suptitle()
    assert "seed=1" in figure.get_suptitle()
    assert len(done.plot.memory(scenario="offline", system=["s3"]).axes) == 1
    ids = done.plot.timeline(scenario="online", system="orca", ids=[3, 1]).axes[0].get_yticklabels()
    assert [text.get_text() for text in ids] == ["3", "1"]
    assert len(done.plot.bars("preemptions", "mfu", scenario="offline").axes) == 2
    curve = done.plot.throughput_latency(scenario="offline", latency="mean_e2el_ms")
    assert curve.axes[0].get_ylabel() == "Mean E2EL (ms)"


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda r: r.plot.cdf(), r"^scenario: there are several, say which: offline, online$"),
        (lambda r: r.plot.cdf(scenario="of"), r"^unknown scenario 'of'"),
        (lambda r: r.plot.cdf("itl", scenario="offline"), r"^unknown latency 'itl' \(known: e2el, normalized_latency"),
        (lambda r: r.plot.timeline(scenario="offline"), r"^system: there are several, say which: orca, s3$"),
        (lambda r: r.plot.slo_attainment(scenario="offline"), r"^scenario 'offline' has no SLO"),
        (lambda r: r.plot.throughput_latency(scenario="offline", max_num_seqs=2), r"no number is swept there"),
        (lambda r: r.plot.throughput_latency(scenario="offline", latency="ttft"), r"^unknown metric 'ttft'"),
        (
            lambda r: r.plot.throughput_latency(scenario="offline", swept_over="x"),
            r"^swept_over: unknown swept key 'x'",
        ),
        (lambda r: r.plot.bars("speed", scenario="offline"), r"^unknown metric 'speed'"),
        (
            lambda r: r.plot.memory(scenario="offline", max_num_seqs=3),
            r"^max_num_seqs: no point has 3; there are 2, 4$",
        ),
    ],
)
def test_what_cannot_be_drawn_is_said(draw: Draw, message: str, done: s3sim.Results) -> None:
    """The message names what is ambiguous or unknown, and what there is."""
    with pytest.raises(InputError, match=message):
        draw(done)


def test_several_settings_must_be_told_apart(tmp_path: Path) -> None:
    """Curves of two maximum lengths are two figures: say which."""
    over = {"max_num_seqs": [2, 4], "max_length": [64, 128]}
    values = s3sim.Experiment(tiny(scenarios={"main": {}}, seeds=[0], log="requests"))
    results = s3sim.sweep(values, over=over, out=tmp_path / "out")
    with pytest.raises(InputError, match=r"^max_length: has several values, say which: 64, 128$"):
        results.plot.throughput_latency()
    assert "max_length=64" in results.plot.throughput_latency(max_length=64).get_suptitle()
    with pytest.raises(InputError, match=r"^nothing can be drawn: the run kept no events \(log: requests\)$"):
        results.plot.memory(max_length=64)


def test_a_notebook_shows_a_figure_by_itself(done: s3sim.Results) -> None:
    """As a PNG of a column's width, though pyplot is not imported."""
    figure = done.plot.bars(scenario="offline")
    png = figure._repr_png_()  # type: ignore[attr-defined]
    assert png.startswith(b"\x89PNG")
    assert Image.open(BytesIO(png)).width <= 1000
    assert len(png) < 30_000


def test_a_notebook_shows_the_colours_that_were_drawn(done: s3sim.Results) -> None:
    """In few colours, but those of lines, patches and legend are the true ones, and so is the white behind them."""
    figure = done.plot.timeline(scenario="online", system="s3")
    shown = Image.open(BytesIO(figure._repr_png_())).convert("RGB")  # type: ignore[attr-defined]
    colours = {colour for _, colour in shown.getcolors(maxcolors=10**6) or []}
    assert len(colours) <= 256
    wanted = {"#FFFFFF", *(PHASE_COLOURS[phase] for phase in ("prefill", "decode", "queued"))}
    assert {tuple(bytes.fromhex(colour[1:])) for colour in wanted} <= colours


def test_figures_of_a_trace() -> None:
    """Lengths, and arrivals where there are any."""
    arrivals = {"kind": "poisson", "rate": 3}
    timed = s3sim.trace.generate(requests=50, lengths=LENGTHS, arrivals=arrivals)
    assert list(s3sim.trace.figures(timed)) == ["lengths", "arrivals"]
    assert list(s3sim.trace.figures(s3sim.trace.generate(requests=50, lengths=LENGTHS))) == ["lengths"]
