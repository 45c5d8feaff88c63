"""Bars where somebody watches: in a terminal, in a notebook, and nowhere else."""

from pathlib import Path
from types import SimpleNamespace

import pytest

import s3sim
from s3sim.api import progress
from s3sim.api.progress import Notebook, Terminal, board, watched
from tests.api.experiments import experiment


def test_nobody_watches_a_program_whose_errors_go_to_a_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """No terminal, no notebook: nothing is printed unless it is asked for."""
    assert watched() is None
    s3sim.sweep(experiment(), out=tmp_path / "silent")
    assert capsys.readouterr() == ("", "")
    s3sim.sweep(experiment(), out=tmp_path / "told", progress=True)
    out, err = capsys.readouterr()
    assert not out
    assert "tiny" in err
    assert "2/2" in err


def test_a_terminal_is_watched_unless_it_is_told_not_to_be(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A bar by default, none with progress=False, and none where a callback is told."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert watched() == "terminal"
    for name, given in (("no", {"progress": False}), ("told", {"on_point": lambda _: None})):
        s3sim.run(experiment(), out=tmp_path / name, figures=False, **given)
        assert capsys.readouterr().err == ""
    s3sim.run(experiment(), out=tmp_path / "bar", figures=False)
    assert "2/2" in capsys.readouterr().err


@pytest.mark.parametrize(("asked", "place"), [(True, "notebook"), (False, None)])
def test_a_notebook_is_watched_where_it_can_be_asked(
    asked: bool, place: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that runs a notebook takes no input; then there is no bar, as in what is committed."""
    kernel = SimpleNamespace(kernel=SimpleNamespace(_allow_stdin=asked))
    monkeypatch.setattr(progress, "_shell", lambda: kernel)
    assert watched() == place
    with board(None) as bars:
        assert isinstance(bars, Notebook) == asked


def test_a_shell_that_is_no_kernel_is_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """IPython in a terminal has a shell without a kernel."""
    ipython = SimpleNamespace(get_ipython=SimpleNamespace)
    monkeypatch.setitem(progress.sys.modules, "IPython", ipython)  # type: ignore[attr-defined]
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert watched() == "terminal"


def test_a_notebook_s_bar_is_small_and_escaped() -> None:
    """Done and total, or no end where nobody knows it; names are no markup."""
    bars = Notebook(bars={"<b>": (3, 7, ": <i>"), "open": (2, None, "")})
    html = bars.html()
    assert "<progress value='3' max='7'></progress>" in html
    assert "3 of 7" in html
    assert "<progress></progress>" in html
    assert "&lt;b&gt;: &lt;i&gt;" in html
    assert "<b>" not in html
    assert len(html) < 500


def test_a_terminal_without_bars_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """An experiment that is refused leaves a message and nothing else."""
    with board(True):
        pass
    Terminal().stop()
    assert capsys.readouterr() == ("", "")


def test_a_search_shows_a_bar_per_system(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """With the level and its verdict."""
    one = experiment(arrivals={"kind": "poisson", "rate": 20.0}, log="requests")
    slo = {"find": "rate", "slo": "mean:e2el<1s", "tolerance": 0.5, "max_seeds": 2, "seeds": [0, 1]}
    s3sim.find_capacity(one, **slo, out=tmp_path / "out", progress=True)  # type: ignore[arg-type]
    err = capsys.readouterr().err
    assert "orca: " in err
    assert "s3: " in err
