"""What the tutorial and the guides have their reader do works, in a new folder, as it is shown."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[2] / "docs"


def _runner() -> ModuleType:
    """`docs/run_page.py`, which is no part of a package."""
    spec = importlib.util.spec_from_file_location("run_page", DOCS / "run_page.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


RUNNER = _runner()


def commands(path: Path) -> int:
    """How many commands a page has its reader run."""
    steps = RUNNER.steps(path.read_text(encoding="utf-8"))
    return sum(isinstance(step, RUNNER.Command) for step in steps)


PAGES = [path for path in [DOCS / "tutorial.md", *sorted((DOCS / "howto").glob("*.md"))] if commands(path)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_does_what_it_shows(page: Path, tmp_path: Path) -> None:
    """Its files are written and its commands run in their order; each ends well and prints what is shown."""
    assert RUNNER.run_page(page, tmp_path) == commands(page)


def test_the_tutorial_has_its_commands_run() -> None:
    """From a trace over a figure to a scheduler: none of its steps is left out of the test."""
    text = (DOCS / "tutorial.md").read_text(encoding="utf-8")
    names = [step.name for step in RUNNER.steps(text) if isinstance(step, RUNNER.File)]
    assert names == ["mine.yaml", "look.py", "careful.py", "compare.py"]
    assert commands(DOCS / "tutorial.md") == text.count("\n$ ") == 5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("```console\n$ s3sim run missing.yaml\n```\n", "exit code 2"),
        ("```console\n$ s3sim version\n0.0.0\n```\n", "does not print"),
    ],
    ids=["fails", "prints something else"],
)
def test_a_page_that_is_wrong_is_found(text: str, message: str, tmp_path: Path) -> None:
    """A command that fails, or prints other lines than are shown, is told."""
    page = tmp_path / "page.md"
    page.write_text(text, encoding="utf-8")
    with pytest.raises(RuntimeError, match=message):
        RUNNER.run_page(page, tmp_path)
