"""A run through the Python API: what it returns, what it writes, and that both are the same each time."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from shutil import copytree

import pandas as pd
import pytest

import s3sim
from s3sim.core.errors import InputError, SystemFaultError
from s3sim.experiment.schema import load_experiment
from tests.experiment.tiny import HEADER, ROWS, tiny, traced

ISSUE_COLUMNS = [  # of summary.csv, after the swept keys, as the project's statement of work lists them
    *("system", "seed", "completed", "rejected", "duration_s", "request_throughput", "output_throughput"),
    *(f"{kind}_{name}_ms" for name in ("ttft", "tpot", "itl", "e2el") for kind in ("mean", "p50", "p90", "p99")),
    *("normalized_latency_ms", "slo_attainment", "request_goodput", "mean_batch_size", "kv_reserved_fraction"),
    *("kv_used_fraction", "kv_waste_fraction", "preemptions", "swapped_bytes", "mfu"),
]
TABLES = ("events", "requests", "steps")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> s3sim.Results:
    """The tiny experiment, run once with its figures."""
    return s3sim.run(tiny(), out=tmp_path_factory.mktemp("done") / "tiny")


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> Callable[..., s3sim.Results]:
    """A run without figures."""
    monkeypatch.setattr("s3sim.api.running.draw", lambda path: [])
    return s3sim.run


def files(folder: Path) -> set[str]:
    """Every file below a folder, by its relative name."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_run_writes_the_documented_files_and_no_others(done: s3sim.Results) -> None:
    """Those that `experiment/rundir.py` lists: of the run, of each point, pictures in two formats, and the page."""
    points = {point.directory for point in load_experiment(tiny()).points}
    names = [*(f"{name}.parquet" for name in TABLES), "point.json", "summary.json"]
    wanted = {
        "experiment.yaml",
        "overrides.json",
        "manifest.json",
        "environment.json",
        "summary.csv",
        "comparisons.csv",
        "report.html",
    }
    wanted |= {f"points/{point}/{name}" for point in points for name in names}
    found = files(done.path)
    pictures = {name for name in found if name.startswith("figures/")}
    assert found - pictures == wanted
    assert pictures == {f"figures/{name}.{kind}" for name in done.figures for kind in ("png", "svg")}
    assert not list(done.path.rglob(".*"))


def test_the_summary_has_the_columns_that_were_asked_for(done: s3sim.Results) -> None:
    """Swept keys stand first, then system and seed, then the metrics under their names, in their order."""
    columns = list(pd.read_csv(done.path / "summary.csv").columns)
    assert columns.index("max_num_seqs") < columns.index("system")
    assert [name for name in columns if name in ISSUE_COLUMNS] == ISSUE_COLUMNS


def test_the_summary_has_a_row_for_each_point_in_order(done: s3sim.Results) -> None:
    """The order is that of the YAML, whatever order the points were finished in."""
    assert list(done.summary["point"]) == [point.directory for point in load_experiment(tiny()).points]
    assert (done.summary["completed"] == 20).all()


def test_what_a_run_returns_is_what_its_directory_holds(done: s3sim.Results) -> None:
    """load() gives the same summary, to the last bit and type."""
    again = s3sim.load(done.path)
    assert again.path == done.path
    pd.testing.assert_frame_equal(again.summary, done.summary, check_exact=True)


def test_a_row_of_the_summary_is_the_point_s_own(done: s3sim.Results) -> None:
    """summary.csv repeats what each point's summary.json says."""
    for _, row in done.summary.iterrows():
        plain = json.loads((done.path / "points" / row["point"] / "summary.json").read_text(encoding="utf-8"))
        for name, value in plain.items():
            assert (pd.isna(row[name]) and value is None) or row[name] == pytest.approx(value, rel=1e-15), name


def test_the_tables_of_a_point_can_be_read(done: s3sim.Results) -> None:
    """A row per request; events and steps as they were logged; another name lists the known ones."""
    point = done.summary["point"].iloc[0]
    assert len(done.requests(point)) == 20
    assert {"time_ps", "event", "id"} <= set(done.events(point).columns)
    assert not done.steps(point).empty
    with pytest.raises(InputError, match=f"unknown point 'nope'.*{point}"):
        done.requests("nope")


def test_the_figures_of_a_run_are_named(done: s3sim.Results) -> None:
    """Each scenario's pictures are found by name, and are there."""
    assert {"offline-throughput-latency", "offline-kv-over-time", "online-latency-cdf"} <= set(done.figures)
    assert all(path.stat().st_size > 1000 for path in done.figures.values())


def test_a_point_tells_everything_that_its_result_depends_on(done: s3sim.Results) -> None:
    """point.json is the resolved point and its facts: the same simulation can be run from it alone."""
    folder = done.path / "points" / done.summary["point"].iloc[0]
    plain = json.loads((folder / "point.json").read_text(encoding="utf-8"))
    assert plain.pop("facts")["kv_capacity_tokens"] == 512
    again = s3sim.simulate(s3sim.Point.from_json(plain))
    assert again.summary == json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(again, name), pd.read_parquet(folder / f"{name}.parquet"))


def test_the_same_experiment_twice_gives_the_same_results(
    done: s3sim.Results, quiet: Callable[..., s3sim.Results], tmp_path: Path
) -> None:
    """Every table of every point is byte for byte the same, and so is the summary."""
    again = quiet(tiny(), out=tmp_path / "again")
    assert (again.path / "summary.csv").read_bytes() == (done.path / "summary.csv").read_bytes()
    for point in done.summary["point"]:
        for name in TABLES:
            one, two = (run.path / "points" / point / f"{name}.parquet" for run in (done, again))
            assert one.read_bytes() == two.read_bytes(), (point, name)


def test_figures_are_redrawn_from_the_directory_alone(done: s3sim.Results, tmp_path: Path) -> None:
    """A copy elsewhere, without its figures and its YAML, gives the same pictures, and a page."""
    copy = copytree(done.path, tmp_path / "elsewhere")
    pictures = {path.name: path.read_bytes() for path in sorted((copy / "figures").iterdir())}
    for path in [*(copy / "figures").iterdir(), copy / "experiment.yaml", copy / "environment.json"]:
        path.unlink()
    (copy / "figures").rmdir()
    (copy / "report.html").unlink()
    assert {path.name for path in s3sim.draw(copy)} == {*pictures, "report.html"}
    assert (copy / "report.html").is_file()
    assert {path.name: path.read_bytes() for path in (copy / "figures").iterdir()} == pictures


def test_the_short_log_keeps_requests_alone(tmp_path: Path) -> None:
    """`log: requests` writes no events and no steps; summary and figures are there all the same."""
    short = s3sim.run(tiny(log="requests", scenarios={"main": {}}, seeds=[0]), out=tmp_path / "short")
    assert {path.name for path in short.path.glob("points/*/*")} == {"requests.parquet", "point.json", "summary.json"}
    assert (short.summary["completed"] == 20).all()
    assert "main-throughput" in short.figures
    assert "main-kv-over-time" not in short.figures
    with pytest.raises(InputError, match=r"events\.parquet: was not kept; .*`log: full`"):
        short.events(short.summary["point"].iloc[0])


def test_the_log_s_length_changes_no_metric(quiet: Callable[..., s3sim.Results], tmp_path: Path) -> None:
    """What is kept has no influence on what happens."""
    full, short = (quiet(tiny(log=log), out=tmp_path / log).summary for log in ("full", "requests"))
    pd.testing.assert_frame_equal(full.drop(columns="point"), short.drop(columns="point"), check_exact=True)


def test_counts_of_odd_requests_reach_the_summary(quiet: Callable[..., s3sim.Results], tmp_path: Path) -> None:
    """Over-length requests and invalid rows are counted for each rule, and none vanishes."""
    rows = HEADER + ROWS + "-3,3,5\n" + "200,9,6\n" + "100,90,6\n"  # one invalid row, two longer than 128 tokens
    wanted = {"reject": (10, 2, 2, 0, 0), "truncate": (12, 0, 2, 2, 0), "drop": (10, 0, 2, 0, 2)}
    names = ("completed", "rejected", "over_length", "over_length_truncated", "over_length_dropped")
    for rule, counts in wanted.items():
        values = traced(tmp_path, rows, invalid_rows="drop", over_length=rule)
        row = quiet(values, out=tmp_path / rule).summary.iloc[0]
        assert tuple(row[name] for name in names) == counts, rule
        assert row["invalid_rows_dropped"] == 1


def test_progress_is_told(quiet: Callable[..., s3sim.Results], tmp_path: Path) -> None:
    """on_start learns how many points are to be run, on_point each that is finished."""
    started: list[int] = []
    finished: list[str] = []
    results = quiet(
        tiny(),
        out=tmp_path / "out",
        on_start=lambda _, count: started.append(count),
        on_point=lambda point: finished.append(point.directory),
    )
    assert started == [len(results.summary)]
    assert sorted(finished) == sorted(results.summary["point"])


def test_an_interrupted_run_leaves_whole_points_and_a_summary_of_them(
    quiet: Callable[..., s3sim.Results], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a stopped worker was writing is removed; the error says what is finished, and how to go on."""

    def stop(points: Sequence[s3sim.Point], work: Callable[[s3sim.Point], None], **_: object) -> None:
        work(points[0])
        (tmp_path / "out" / "points" / f".{points[1].directory}.7").mkdir()
        raise KeyboardInterrupt

    monkeypatch.setattr("s3sim.api.directory.run_points", stop)
    with pytest.raises(SystemFaultError, match=r"^interrupted; 1 of 12 points are finished in .*; resume=True goes on"):
        quiet(tiny(), out=tmp_path / "out")
    assert len(list((tmp_path / "out" / "points").iterdir())) == 1
    assert len(pd.read_csv(tmp_path / "out" / "summary.csv")) == 1


def test_results_go_to_the_experiment_s_name_by_default(
    quiet: Callable[..., s3sim.Results], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """results/<name>, in the working folder."""
    monkeypatch.chdir(tmp_path)
    assert quiet(tiny(systems=["orca"])).path == Path("results/tiny")


def test_a_swept_mapping_has_its_column(quiet: Callable[..., s3sim.Results], tmp_path: Path) -> None:
    """Swept values that are no numbers are texts in the summary."""
    kinds = [{"kind": "offline"}, {"kind": "constant", "rate": 2.0}]
    values = tiny(scenarios={"a": {"sweep": {"arrivals": kinds}}}, systems=["orca"], seeds=[0])
    assert list(quiet(values, out=tmp_path / "out").summary["arrivals"]) == [str(kind) for kind in kinds]
