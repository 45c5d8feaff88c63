"""Points are worked on at once; errors of the input come back as values, a worker's death as a fault."""

import os
import signal
from pathlib import Path

import pytest

from s3sim.core.errors import InputError, SystemFaultError
from s3sim.experiment.resolved import Point
from s3sim.experiment.schema import load_experiment
from s3sim.experiment.sweep import run_points
from tests.experiment.tiny import tiny

POINTS = load_experiment(tiny()).points


def refuse_s3(point: Point) -> None:
    """Work that finds fault with some points."""
    if point.system == "s3":
        raise InputError("s3 is not served here")


def test_errors_of_the_input_are_values() -> None:
    """The points that failed say why and with which exit code; the others are done."""
    found = list(run_points(POINTS, refuse_s3, workers=1))
    assert [done.point for done in found] == list(POINTS)
    for done in found:
        failed = done.point.system == "s3"
        assert done.error == (f"{done.point.directory}: s3 is not served here" if failed else None)
        assert done.exit_code == (2 if failed else 0)


def test_a_bug_is_raised() -> None:
    """What is nobody's input error is not turned into one."""

    def broken(point: Point) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(run_points(POINTS, broken, workers=1))


def die(point: Point) -> None:
    """Work in which the machine kills the worker, as it does where memory is short."""
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_worker_is_a_fault_of_the_system() -> None:
    """The run ends, and says that it can be resumed with fewer workers."""
    with pytest.raises(SystemFaultError, match=r"a worker process was killed, .*--resume continues, with fewer"):
        list(run_points(POINTS[:2], die, workers=2))


def write_here(point: Point) -> None:
    """Leave a file in the working folder."""
    Path(point.directory).touch()


def test_workers_work_where_the_run_was_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers that are left from a run in another folder follow to the next one's: relative paths are the user's."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        list(run_points(POINTS[:2], write_here, workers=2))
        assert {path.name for path in (tmp_path / name).iterdir()} == {point.directory for point in POINTS[:2]}
