"""`s3sim report` reads a run directory and nothing else, and says what is wrong with one."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import s3sim
from tests.cli.conftest import Call
from tests.experiment.tiny import tiny

Spoil = Callable[[Path], None]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run directory with one scenario, without the YAML that it came from."""
    out = tmp_path_factory.mktemp("finished") / "out"
    return s3sim.run(tiny(scenarios={"main": {}}, seeds=[0]), out=out).path


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    """A copy of the run directory, in another place, without its figures."""
    shutil.copytree(finished, tmp_path / "copy", ignore=shutil.ignore_patterns("figures"))
    return tmp_path / "copy"


def test_a_moved_run_is_reported_from_its_directory_alone(call: Call, copy: Path, finished: Path) -> None:
    """Elsewhere, without figures and YAML: the same table, the same pictures, and the page, which is named."""
    for name in ("experiment.yaml", "report.html"):
        (copy / name).unlink()
    done = call("report", copy)
    assert done.code == 0, done.err
    assert "main: each system at its best" in done.out
    assert f"results: {copy}" in done.out
    assert f"page: {copy / 'report.html'}" in done.out
    assert (copy / "report.html").is_file()
    pictures = [{path.name: path.read_bytes() for path in (run / "figures").iterdir()} for run in (finished, copy)]
    assert pictures[0] == pictures[1] != {}


def edit(name: str, change: Callable[[str], str]) -> Spoil:
    """Change the text of every file of that name."""

    def spoil(run: Path) -> None:
        for path in run.glob(name):
            path.write_text(change(path.read_text(encoding="latin-1")), encoding="latin-1")

    return spoil


def drop(name: str) -> Spoil:
    """Remove every file or folder of that name."""

    def spoil(run: Path) -> None:
        for path in run.glob(name):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    return spoil


def versioned(text: str) -> str:
    """A manifest of another version."""
    return json.dumps(json.loads(text) | {"schema_version": 99})


DAMAGED: dict[str, tuple[Spoil, list[str]]] = {
    "another version": (edit("manifest.json", versioned), ["schema_version is 99; this s3sim reads 1"]),
    "no manifest": (drop("manifest.json"), ["manifest.json: is missing"]),
    "a broken manifest": (edit("manifest.json", lambda text: text[:-9]), ["manifest.json: cannot be read as JSON"]),
    "no summary": (drop("summary.csv"), ["summary.csv: is missing"]),
    "an empty summary": (edit("summary.csv", lambda _: ""), ["summary.csv: cannot be read as CSV"]),
    "a summary of something else": (edit("summary.csv", lambda _: "a,b\n1,2\n"), ["summary.csv: has no column"]),
    "no points": (drop("points"), ["points/main-orca-seed0-", "is missing and 1 more, though summary.csv lists it"]),
    "no requests": (drop("points/*/requests.parquet"), ["requests.parquet: is missing"]),
    "no steps": (drop("points/*/steps.parquet"), ["steps.parquet: is missing"]),
    "no facts": (edit("points/*/point.json", lambda _: "{}"), ["point.json: holds no 'facts'"]),
    "broken events": (edit("points/*/events.parquet", lambda _: "x"), ["events.parquet: cannot be read as Parquet"]),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_run_directory_is_refused(damage: str, call: Call, copy: Path) -> None:
    """Exit code 2; one message that names the file; no traceback."""
    spoil, wanted = DAMAGED[damage]
    spoil(copy)
    done = call("report", copy)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"error: {copy}")
    assert done.err.count("error: ") == 1
    missing = [part for part in wanted if part not in done.err]
    assert not missing, f"{missing} not in: {done.err}"


@pytest.mark.parametrize("name", ["nope", "."])
def test_a_folder_without_results_is_refused(name: str, call: Call) -> None:
    """A missing folder and one without results."""
    done = call("report", name)
    assert done.code == 2
    assert done.err.startswith("error: ")
