"""A run directory holds whole points, keeps what is not its own, and is not taken for another's."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from s3sim.core.errors import InputError, SystemFaultError
from s3sim.experiment.resolved import Point
from s3sim.experiment.rundir import RunDirectory, manifest
from s3sim.experiment.schema import load_experiment
from tests.experiment.tiny import tiny

POINTS = load_experiment(tiny()).points
TABLE = {"requests": pd.DataFrame({"id": [1, 2]})}


def prepare(
    path: Path, points: tuple[Point, ...] = POINTS, *, resume: bool = False, overwrite: bool = False
) -> RunDirectory:
    """A run directory made ready for points."""
    directory = RunDirectory(path)
    about: dict[str, Any] = {"manifest.json": manifest("tiny", "", points), "experiment.yaml": "name: tiny\n"}
    directory.prepare(files=about, points=points, resume=resume, overwrite=overwrite)
    return directory


def keep(directory: RunDirectory, point: Point, **summary: Any) -> None:
    """Finish a point."""
    directory.keep(point, about=point.to_json(), tables=TABLE, summary={"completed": 2} | summary)


def names(path: Path) -> set[str]:
    """What a folder holds, hidden names included."""
    return {entry.name for entry in path.iterdir()}


def test_an_empty_folder_may_be_used(tmp_path: Path) -> None:
    """Nothing is there that could be lost."""
    prepare(tmp_path)
    assert names(tmp_path) == {"manifest.json", "experiment.yaml", "points"}


def test_results_are_not_touched_without_being_told(tmp_path: Path) -> None:
    """Neither --resume nor --overwrite: the message names all three ways out."""
    keep(prepare(tmp_path), POINTS[0])
    with pytest.raises(InputError, match=r"holds results already; --resume .*, --overwrite .*, --out"):
        prepare(tmp_path)
    assert RunDirectory(tmp_path).finished(POINTS[0])


def test_resume_keeps_finished_points_and_forgets_others(tmp_path: Path) -> None:
    """Points that the experiment no longer has go; drafts of a killed run go; finished points stay."""
    directory = prepare(tmp_path)
    for point in POINTS[:2]:
        keep(directory, point)
    (tmp_path / "points" / f".{POINTS[3].directory}.123").mkdir()
    prepare(tmp_path, POINTS[1:], resume=True)
    assert names(tmp_path / "points") == {POINTS[1].directory}


@pytest.mark.parametrize("other", [{"name": "other"}, {"schema_version": 99}])
def test_another_experiment_s_results_are_not_continued(other: dict[str, Any], tmp_path: Path) -> None:
    """--resume refuses results of another name or version, which it would have to delete."""
    keep(prepare(tmp_path), POINTS[0])
    place = tmp_path / "manifest.json"
    place.write_text(json.dumps(json.loads(place.read_text()) | other))
    (key, value), *_ = other.items()
    with pytest.raises(InputError, match=rf"cannot be continued: its {key} is {value!r}, .*--overwrite the results"):
        prepare(tmp_path, resume=True)
    assert RunDirectory(tmp_path).finished(POINTS[0])
    prepare(tmp_path, overwrite=True)
    assert not RunDirectory(tmp_path).finished(POINTS[0])


def test_overwrite_removes_results_and_nothing_else(tmp_path: Path) -> None:
    """A file that somebody put beside the results stays; theirs are gone."""
    keep(prepare(tmp_path), POINTS[0])
    (tmp_path / "summary.csv").write_text("old")
    (tmp_path / "figures").mkdir()
    (tmp_path / "notes.txt").write_text("mine")
    prepare(tmp_path, POINTS[1:], overwrite=True)
    assert names(tmp_path) == {"manifest.json", "experiment.yaml", "points", "notes.txt"}
    assert not names(tmp_path / "points")


STRANGERS = {
    "no manifest": {"thesis.txt": "years of work"},
    "a web page's manifest": {"manifest.json": '{"name": "app", "icons": []}', "index.html": ""},
    "a manifest that is no JSON": {"manifest.json": "hello"},
    "a manifest that is a list": {"manifest.json": "[]"},
}


@pytest.mark.parametrize("stranger", STRANGERS)
@pytest.mark.parametrize(("resume", "overwrite"), [(False, False), (True, False), (False, True), (True, True)])
def test_a_folder_that_is_not_ours_is_never_touched(
    stranger: str, resume: bool, overwrite: bool, tmp_path: Path
) -> None:
    """No option makes s3sim write into, or delete from, a folder that it did not make."""
    for name, text in STRANGERS[stranger].items():
        (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=r"holds files, but no results of s3sim; choose another --out"):
        prepare(tmp_path, resume=resume, overwrite=overwrite)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == STRANGERS[stranger]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    """--out that names a file says so."""
    (tmp_path / "out").write_text("x")
    with pytest.raises(InputError, match=r"out: is a file, not a folder; choose another --out"):
        prepare(tmp_path / "out", overwrite=True)


def test_a_folder_that_cannot_be_made_is_a_fault_of_the_system(tmp_path: Path) -> None:
    """A path through a file cannot be made; the message says so in one sentence."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(SystemFaultError, match=r"file/out: cannot be written: Not a directory, or choose another"):
        prepare(tmp_path / "file" / "out")


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> type[BaseException]:
    """The second file of a point cannot be written: the user interrupts there."""

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("s3sim.experiment.rundir._json", interrupt)
    return KeyboardInterrupt


def test_an_interrupted_point_leaves_nothing(failing: type[BaseException], tmp_path: Path) -> None:
    """Not its folder, and not its draft."""
    directory = RunDirectory(tmp_path)
    directory.points.mkdir()
    with pytest.raises(failing):
        keep(directory, POINTS[0])
    assert not names(directory.points)


def test_a_point_that_another_worker_finished_is_kept(tmp_path: Path) -> None:
    """A worker that outlived its killed run may finish a point first; both have the same results."""
    directory = prepare(tmp_path)
    keep(directory, POINTS[0], completed=1)
    keep(directory, POINTS[0], completed=2)
    assert names(directory.points) == {POINTS[0].directory}
    summary = directory.points / POINTS[0].directory / "summary.json"
    assert json.loads(summary.read_text()) == {"completed": 1}


def test_no_summary_is_written_where_nothing_is_finished(tmp_path: Path) -> None:
    """An empty table would be read as results."""
    directory = prepare(tmp_path)
    directory.summarize(POINTS)
    assert "summary.csv" not in names(tmp_path)
