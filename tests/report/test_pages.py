import json
from collections.abc import Callable
from pathlib import Path
from shutil import copytree, ignore_patterns, rmtree
from typing import Any

import pandas as pd
import pytest
from matplotlib.figure import Figure

from s3sim.core.errors import InputError
from s3sim.experiment.resolved import SCHEMA_VERSION as WRITTEN_VERSION
from s3sim.report import pictures
from s3sim.report.extents import extents
from s3sim.report.figures import throughput_latency
from s3sim.report.pages import draw
from s3sim.report.rundir import SCHEMA_VERSION, read_run
from tests.report.runs import Settings, write_run
from tests.report.worlds import CAPACITY, frames

ALWAYS = ("kv-over-time", "latency-cdf", "throughput", "timeline-s3", "timeline-vllm", "kv-map-s3")
FIGURES = ("throughput-latency", "utilisation", *ALWAYS)
NEED_EVENTS = ("kv-over-time", "timeline-s3", "timeline-vllm", "kv-map-s3")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was swept over max_num_seqs, with one value left open."""
    return write_run(tmp_path_factory.mktemp("run"), [{"max_num_seqs": 4}, {"max_num_seqs": 8}, {"max_num_seqs": None}])


@pytest.fixture
def unsaved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are drawn and not written, which takes most of the time."""
    monkeypatch.setattr("s3sim.report.pages.save", lambda figure, path: None)


def names(pictures: list[Path]) -> list[str]:
    """The pictures' names."""
    return [picture.name for picture in pictures]


def test_every_figure_is_drawn_and_drawn_the_same_again(run: Path) -> None:
    """All figures as PNG and SVG, in order; drawing again gives the same bytes, and no SVG bears a date."""
    pictures = draw(run)
    assert names(pictures) == [f"main-{figure}.{kind}" for figure in FIGURES for kind in ("png", "svg")]
    assert {picture.parent for picture in pictures} == {run / "figures"}
    before = [picture.read_bytes() for picture in pictures]
    assert min(map(len, before)) > 10_000
    rmtree(run / "figures")
    assert [picture.read_bytes() for picture in draw(run)] == before
    assert not any(b"<dc:date>" in picture.read_bytes() for picture in pictures if picture.suffix == ".svg")


def test_versions_are_those_of_the_writer() -> None:
    """The report reads what the experiment's room writes."""
    assert SCHEMA_VERSION == WRITTEN_VERSION


@pytest.mark.usefixtures("unsaved")
def test_a_log_of_requests_leaves_out_what_needs_events(tmp_path: Path) -> None:
    """Without events.parquet everything else is drawn, and the caller is told what is not."""
    said: list[str] = []
    pictures = draw(
        write_run(tmp_path, [{"arrivals.rate": 4.0}, {"arrivals.rate": 8.0}], full_log=False), say=said.append
    )
    assert names(pictures)[::2] == [f"main-{name}.png" for name in ("throughput-latency", "latency-cdf", "throughput")]
    assert said == [f"main-{name} is left out: the run kept no events (log: requests)" for name in NEED_EVENTS]


@pytest.mark.usefixtures("unsaved")
def test_an_older_run_is_drawn_as_far_as_it_goes(tmp_path: Path) -> None:
    """A run whose summary has no utilisation, and whose facts say nothing of addresses, lacks those figures alone."""
    run = write_run(tmp_path, [{"max_num_seqs": 4}, {"max_num_seqs": 8}])
    drop_column(run / "summary.csv", "compute_utilisation")
    for point in run.glob("points/*/point.json"):
        edit(point, lambda about: about["facts"].pop("contiguous"))
    said: list[str] = []
    pictures = names(draw(run, say=said.append))[::2]
    assert pictures == [f"main-{name}.png" for name in FIGURES if name not in ("utilisation", "kv-map-s3")]
    assert said == [
        "main-utilisation is left out: its summary has no compute_utilisation",
        "main-kv-map-s3 is left out: its KV is not contiguous, or the run's facts do not say so",
    ]


def test_a_map_shows_one_lane(tmp_path: Path) -> None:
    """Each lane has an address space of its own; drawn is the first, with its share of the slots, and so it says."""
    run = read_run(write_run(tmp_path, [{}], worlds=("s3_lanes",)))
    figure = pictures.address_map(run, "s3_lanes-0-3", "a run")
    assert isinstance(figure, Figure)
    assert figure.get_suptitle() == "a run, lane 0 of 3"
    assert figure.axes[0].get_ylim() == (0, 1.03 * CAPACITY)
    found = extents(*frames("s3_lanes"), capacity_tokens=3 * CAPACITY)
    assert len(figure.axes[0].collections[0].get_paths()) == (found["lane"] == 0).sum()


@pytest.mark.usefixtures("unsaved")
def test_who_has_no_time_per_token_has_no_place_on_its_axis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Offline, a system that delivers at a batch's end is left out of the curves, and their title says so."""
    run = write_run(tmp_path, [{"max_num_seqs": 4}, {"max_num_seqs": 8}])
    summary = pd.read_csv(run / "summary.csv")
    summary.loc[summary["system"] == "vllm", "mean_tpot_ms"] = 0.0
    summary.to_csv(run / "summary.csv", index=False)
    seen: list[tuple[set[str], str]] = []
    figure = throughput_latency

    def watched(rows: pd.DataFrame, *, title: str, **settings: Any) -> Figure:
        seen.append((set(rows["system"]), title))
        return figure(rows, title=title, **settings)

    monkeypatch.setattr("s3sim.report.pictures.throughput_latency", watched)
    draw(run)
    assert seen == [({"s3"}, "a-run: main\nall tokens at a batch's end, so not shown: vllm")]


@pytest.mark.usefixtures("unsaved")
def test_other_swept_keys_get_figures_of_their_own(tmp_path: Path) -> None:
    """A second swept key gives a set of figures for each of its values, named after it."""
    settings: Settings = [{"model": model, "max_num_seqs": n} for model in ("a/b", "c") for n in (2, 4)]
    pictures = names(draw(write_run(tmp_path, settings)))[::2]
    assert pictures == [f"main-{figure}-model={model}.png" for model in ("a_b", "c") for figure in FIGURES]


@pytest.mark.usefixtures("unsaved")
def test_a_key_with_one_value_needs_no_figures_of_its_own(tmp_path: Path) -> None:
    """What was swept over a single value leaves the figures' names alone."""
    settings: Settings = [{"model": "c", "max_num_seqs": n} for n in (2, 4)]
    assert names(draw(write_run(tmp_path, settings)))[::2] == [f"main-{figure}.png" for figure in FIGURES]


@pytest.mark.usefixtures("unsaved")
def test_what_was_not_swept_has_no_curve(tmp_path: Path) -> None:
    """One setting: no curve, all the rest; another key than max_num_seqs has a curve, and no cliff."""
    assert names(draw(write_run(tmp_path / "one", [{}])))[::2] == [f"main-{figure}.png" for figure in ALWAYS]
    run = write_run(tmp_path / "other", [{"arrivals.rate": 4.0}, {"arrivals.rate": 8.0}])
    assert names(draw(run))[::2] == [f"main-{figure}.png" for figure in ("throughput-latency", *ALWAYS)]


def edit(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Rewrite a JSON file."""
    plain = json.loads(path.read_text())
    change(plain)
    path.write_text(json.dumps(plain))


def drop_column(path: Path, name: str) -> None:
    """Rewrite a CSV file without a column."""
    pd.read_csv(path).drop(columns=name).to_csv(path, index=False)


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no folder": (rmtree, "is no folder"),
    "no manifest": (lambda run: (run / "manifest.json").unlink(), "manifest.json: is missing"),
    "broken manifest": (lambda run: (run / "manifest.json").write_text("{"), "manifest.json: cannot be read as JSON"),
    "newer": (lambda run: edit(run / "manifest.json", lambda m: m.update(schema_version=99)), "schema_version is 99"),
    "older": (lambda run: edit(run / "manifest.json", lambda m: m.pop("schema_version")), "schema_version is None"),
    "no scenarios": (lambda run: edit(run / "manifest.json", lambda m: m.pop("scenarios")), "names no scenarios"),
    "no summary": (lambda run: (run / "summary.csv").unlink(), "summary.csv: is missing"),
    "empty summary": (lambda run: (run / "summary.csv").write_text(""), "summary.csv: cannot be read as CSV"),
    "no seeds": (lambda run: drop_column(run / "summary.csv", "seed"), "summary.csv: has no column seed"),
    "no metric": (
        lambda run: drop_column(run / "summary.csv", "request_throughput"),
        "has no column request_throughput",
    ),
    "not swept": (lambda run: drop_column(run / "summary.csv", "max_num_seqs"), "has no column 'max_num_seqs'"),
    "no point": (lambda run: rmtree(run / "points" / "s3-2-3"), "s3-2-3: is missing, though summary.csv lists it"),
    "no requests": (lambda run: (run / "points/s3-2-3/requests.parquet").unlink(), "requests.parquet: is missing"),
    "half a log": (lambda run: (run / "points/s3-2-3/steps.parquet").unlink(), "steps.parquet: is missing"),
    "torn": (lambda run: (run / "points/s3-2-3/steps.parquet").write_bytes(b"PAR1"), "cannot be read as Parquet"),
    "no facts": (lambda run: (run / "points/s3-2-3/point.json").write_text("{}"), "point.json: holds no 'facts'"),
}


@pytest.mark.usefixtures("unsaved")
@pytest.mark.parametrize(("damage", "message"), DAMAGES.values(), ids=DAMAGES)
def test_a_run_that_is_not_whole_is_refused(
    damage: Callable[[Path], object], message: str, run: Path, tmp_path: Path
) -> None:
    """Whatever is missing or broken is named with its path, as the user's error."""
    damaged = tmp_path / "run"
    copytree(run, damaged, ignore=ignore_patterns("figures"))
    damage(damaged)
    with pytest.raises(InputError, match=message):
        draw(damaged)
