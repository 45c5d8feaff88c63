"""The command line, called in this process from a folder of the test's own."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from s3sim.cli.main import main
from tests.learn.fixtures import data, source, trained

__all__ = ["Call", "Called", "call", "data", "no_figures", "source", "trained"]


class Called(NamedTuple):
    """What a command left: its exit code and what it printed."""

    code: int
    out: str
    err: str


Call = Callable[..., Called]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Call:
    """Run `s3sim` with arguments; an exception that main() lets through fails the test, as a traceback would."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: object) -> Called:
        monkeypatch.setattr("sys.argv", ["s3sim", *map(str, arguments)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as ending:
            code = int(ending.code or 0)
        return Called(code, *capsys.readouterr())

    return run


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the figures out of a run, where a test is about something else: they take most of its time."""
    monkeypatch.setattr("s3sim.api.running.draw", lambda path: [])
