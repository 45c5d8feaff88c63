"""`s3sim run`: what it prints, and how it treats results that are there."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from tests.cli.conftest import Call
from tests.experiment.tiny import HEADER, ROWS, tiny, traced, write

pytestmark = pytest.mark.usefixtures("no_figures")
RUN = ("run", "tiny.yaml", "--out", "out", "--workers", "1")


def times(folder: Path) -> dict[str, int]:
    """When each finished point was written."""
    return {path.parent.name: path.stat().st_mtime_ns for path in folder.glob("out/points/*/summary.json")}


def test_a_run_prints_tables_and_where_the_results_are(call: Call, tmp_path: Path) -> None:
    """Every system and scenario is in the tables, the headline compares s3 with orca; stderr has the progress."""
    write(tmp_path)
    done = call(*RUN)
    assert done.code == 0
    for text in ("offline: throughput", "online: each system at its best", "orca", "s3", "mean of 2 seeds"):
        assert text in done.out
    assert "results: out" in done.out
    assert "12/12" in done.err


def test_counts_of_odd_requests_are_printed(call: Call, tmp_path: Path) -> None:
    """Rejected, over-length and invalid requests are never left out in silence."""
    rows = HEADER + ROWS + "-3,3,5\n" + "200,9,6\n" + "100,90,6\n"
    write(tmp_path, json.dumps(traced(tmp_path, rows, invalid_rows="drop")))
    done = call(*RUN)
    assert done.code == 0
    lines = [re.split(r"\s{2,}", line.strip()) for line in done.out.splitlines()]
    heading = lines.index(["rejected", "over length", "of these cut", "of these dropped", "invalid, dropped"])
    assert lines[heading + 2] == ["2", "2", "0", "0", "1"]


def test_nothing_odd_is_no_table(call: Call, tmp_path: Path) -> None:
    """Where every request was served as it came, no counts are printed."""
    write(tmp_path, json.dumps(traced(tmp_path)))
    assert "left out" not in call(*RUN).out


def test_a_run_that_serves_nobody_says_so(call: Call, tmp_path: Path) -> None:
    """All requests longer than max_length: rejected and counted, with empty latencies, and no traceback."""
    write(tmp_path, json.dumps(traced(tmp_path, HEADER + "100,90,1\n" * 3)))
    done = call(*RUN)
    assert (done.code, done.err.count("error")) == (0, 0)
    assert ["3", "3", "0", "0", "0"] in [line.split() for line in done.out.splitlines()]
    summary = pd.read_csv(tmp_path / "out" / "summary.csv")
    assert {tuple(row) for row in summary[["completed", "rejected"]].to_numpy().tolist()} == {(0, 3)}
    assert summary[["mean_ttft_ms", "request_throughput", "mfu"]].isna().to_numpy().all()


def test_results_that_are_there_are_not_touched(call: Call, tmp_path: Path) -> None:
    """A second run without --resume or --overwrite: exit code 2, and nothing has changed."""
    write(tmp_path)
    assert call(*RUN).code == 0
    before = times(tmp_path)
    done = call(*RUN)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: out: holds results already; --resume continues them")
    assert times(tmp_path) == before


def test_resume_runs_what_is_missing_alone(call: Call, tmp_path: Path) -> None:
    """Finished points keep their time of writing; a changed experiment adds its new points to them."""
    write(tmp_path)
    assert call(*RUN, "--set", "seeds=[0]").code == 0
    before = times(tmp_path)
    done = call(*RUN, "--resume")
    assert done.code == 0
    assert "6/6" in done.err
    after = times(tmp_path)
    assert before.items() < after.items()
    assert len(after) == 2 * len(before)


def test_overwrite_computes_everything_again(call: Call, tmp_path: Path) -> None:
    """Nothing of the old results is left, even of points that are the same."""
    write(tmp_path)
    assert call(*RUN).code == 0
    before = times(tmp_path)
    assert call(*RUN, "--overwrite").code == 0
    after = times(tmp_path)
    assert before.keys() == after.keys()
    assert all(after[name] > before[name] for name in after)


def test_one_worker_and_two_give_the_same_results(call: Call, tmp_path: Path) -> None:
    """Summaries and event logs are equal to the byte, whatever order the points were finished in."""
    write(tmp_path, json.dumps(tiny(seeds=[0])))
    for workers in (1, 2):
        assert call("run", "tiny.yaml", "--out", f"out{workers}", "--workers", workers).code == 0
    one, two = tmp_path / "out1", tmp_path / "out2"
    names = {str(path.relative_to(one)) for path in one.rglob("*") if path.is_file()} - {"environment.json"}
    assert names == {str(path.relative_to(two)) for path in two.rglob("*") if path.is_file()} - {"environment.json"}
    different = [name for name in names if (one / name).read_bytes() != (two / name).read_bytes()]
    assert not different


@pytest.mark.parametrize("arguments", [("--workers", "0"), ("--workers", "many"), ("--nonsense",), ("more",)])
def test_wrong_usage_is_explained(arguments: tuple[str, ...], call: Call, tmp_path: Path) -> None:
    """Exit code 2, and nothing is written."""
    write(tmp_path)
    done = call("run", "tiny.yaml", *arguments)
    assert done.code == 2
    assert "Usage: s3sim run" in done.err
    assert "Traceback" not in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.yaml"]
