"""What a reader must know first: which bursts were too short, and where nothing finished."""

from io import StringIO
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from s3sim import Experiment, run
from s3sim.api import draw, load
from s3sim.cli.sheets import show
from s3sim.cli.tables import summary_tables
from s3sim.report.cautions import cautions, marks
from s3sim.report.figures import bars, throughput_latency


def rows(**columns: list[float | None]) -> pd.DataFrame:
    """Rows of one system and seed, by swept value."""
    count = len(next(iter(columns.values())))
    base = {"scenario": "offline", "system": "s3", "seed": 0, "point": "p", "completed": 9, "mean_batch_size": 40.0}
    latencies = {"request_throughput": 2.0, "mean_tpot_ms": 30.0}
    return pd.DataFrame([base | latencies | {"max_num_seqs": 8 * (row + 1)} for row in range(count)]).assign(**columns)


def test_short_bursts_are_told_in_one_line_with_what_to_do() -> None:
    """The systems, how many points of each, and how many requests 20 and 30 of the largest mean batches are."""
    told = list(cautions(rows(too_short=[1.0, 0.0, 1.0]), lambda point: {}))
    assert len(told) == 1
    for part in ("offline: s3 (2 points)", "measure: {burst: saturated} with at least 800 requests", "at least 1200"):
        assert part in told[0]
    for calm in (rows(too_short=[0.0, None]), rows(completed=[1, 1])):
        assert list(cautions(calm, lambda point: {})) == []


def test_signs_are_those_of_any_seed() -> None:
    """A star for saturation and a dagger for a short burst; a summary of an older s3sim has neither."""
    assert marks(rows(too_short=[0.0, 1.0], saturated=[1.0, 0.0])) == "*†"
    assert marks(rows(too_short=[None, 0.0])) == "" == marks(rows(completed=[1]))


def test_short_bursts_are_hollow_in_figures() -> None:
    """In the curve and in the bars, and the legend and the title say why."""
    short = rows(too_short=[0.0, 1.0])
    curve = throughput_latency(short, y="mean_tpot_ms", swept_over="max_num_seqs")
    assert "burst too short" in [text.get_text() for text in curve.legends[0].get_texts()]
    hollow = [line for line in curve.axes[0].get_lines() if line.get_markerfacecolor() == "white"]
    assert [len(line.get_xdata()) for line in hollow] == [1]  # type: ignore[arg-type]
    bar = bars(short)
    assert "hollow: burst too short" in bar.get_suptitle()
    assert bar.axes[0].patches[0].get_facecolor()[:3] == (1.0, 1.0, 1.0)


@pytest.fixture(scope="module")
def starved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """KV for one sequence of the maximum length: vllm, which keeps a watermark, rejects every request."""
    experiment = Experiment(
        model="gpt-j-6b",
        device="a100-80gb",
        max_length=2048,
        memory={"kv_capacity_tokens": 2048},
        workload={"kind": "preset", "name": "alpaca", "requests": 12},
        systems=["orca", {"name": "vllm", "block_tokens": 3000}],
        sweep={"max_num_seqs": [1, 2]},
    )
    return run(experiment, out=tmp_path_factory.mktemp("starved") / "run", figures=False).path


def test_a_system_that_finishes_nothing_stays_in_every_table(starved: Path) -> None:
    """With its count of rejected requests; and figures and page are drawn without it, the page with the reason."""
    results = load(starved)
    assert set(results.summary["completed"]) == {0, 12}
    console = Console(width=100, record=True, file=StringIO())
    for sheet in summary_tables(results.summary):
        show(sheet, console)
    best = console.export_text().split("each system at its best")[1]
    line = next(line for line in best.splitlines() if line.startswith("vllm"))
    assert line.split()[-1] == "12"
    (told,) = (line for line in results.cautions if "nothing finished" in line)
    assert told.startswith("main, vllm: ")
    assert "nothing finished in 2 points: 24 requests rejected as never_fits (prompt + max_new_tokens" in told
    draw(starved)
    page = (starved / "report.html").read_text(encoding="utf-8")
    assert "nothing finished in 2 points" in page
    assert '<th scope="row">vllm</th>' in page.split("every setting")[0]
