"""`s3sim new`: a file that runs, and none that is overwritten."""

from pathlib import Path

import pandas as pd
import pytest

from s3sim.experiment.schema.starts import STARTS
from s3sim.experiment.schema.template import template
from tests.cli.conftest import Call

pytestmark = pytest.mark.usefixtures("no_figures")


def test_what_is_written_runs_at_once(call: Call, tmp_path: Path) -> None:
    """As it is, without an option: exit code 0, and every system in the tables."""
    done = call("new", "mine.yaml")
    assert (done.code, done.err) == (0, "")
    assert "run it: s3sim run mine.yaml" in done.out
    ran = call("run", "mine.yaml", "--workers", "1")
    assert ran.code == 0, ran.err
    assert all(system in ran.out for system in STARTS["quickstart"]["systems"])
    assert (tmp_path / "results" / "my_experiment" / "summary.csv").is_file()


@pytest.mark.parametrize("start", STARTS)
def test_every_start_serves_its_requests(start: str, call: Call, tmp_path: Path) -> None:
    """Fewer of them here; nobody is left, and the name and the question are its own."""
    assert call("new", "mine.yaml", "--from", start).code == 0
    assert (tmp_path / "mine.yaml").read_text(encoding="utf-8") == template(start)
    done = call("run", "mine.yaml", "--workers", "1", "--set", "workload.requests=30", "--set", "seeds=[0]")
    assert done.code == 0, done.err
    summary = pd.read_csv(tmp_path / "results" / STARTS[start]["name"] / "summary.csv")
    assert (summary["completed"] == 30).all()


def test_a_file_that_is_there_is_not_touched(call: Call, tmp_path: Path) -> None:
    """Exit code 2, and a message that says so."""
    (tmp_path / "mine.yaml").write_text("mine", encoding="utf-8")
    done = call("new", "mine.yaml")
    assert (done.code, done.out) == (2, "")
    assert "mine.yaml: exists already" in done.err
    assert (tmp_path / "mine.yaml").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("mine.yaml", "--from", "quick"), "--from: unknown preset 'quick'; did you mean 'quickstart'?"),
        (("folder/mine.yaml",), "folder/mine.yaml: its folder does not exist; make it first"),
    ],
)
def test_what_cannot_be_written_is_explained(
    arguments: tuple[str, ...], message: str, call: Call, tmp_path: Path
) -> None:
    """Exit code 2, and nothing is written."""
    done = call("new", *arguments)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert not list(tmp_path.iterdir())
