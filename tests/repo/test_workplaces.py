"""The repository speaks of the project alone: no path of a machine on which it was made stands in a file."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("s3sim", "gpu_validate", "tests", "experiments", "benchmarks", "notebooks", "docs", ".ci")
SKIPPED = {"__pycache__", ".ipynb_checkpoints", ".hypothesis"}
BINARY = {".png", ".gz", ".parquet", ".pyc"}
# written in pieces, so that this file holds none of them
ABSOLUTE = re.compile(r"(?<![\w.$}~])/(?:" + "|".join(("work", "tmp", "opt", "root", "home", "mnt")) + r")/[\w.]")
BESIDE = re.compile(r"(?:\.\./|[\"'`(])" + "sha" + r"red/")
REGISTRY = re.compile(r"pypi\." + r"org|files\.python" + r"hosted")


def files() -> Iterator[Path]:
    """Every text file of the repository."""
    yield from (path for path in ROOT.iterdir() if path.is_file() and path.suffix not in BINARY and path.name != ".git")
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and path.suffix not in BINARY and not SKIPPED & set(path.parts):
                yield path


@pytest.mark.parametrize(
    ("pattern", "what"), [(ABSOLUTE, "a path of one machine"), (REGISTRY, "a registry's host")], ids=["paths", "hosts"]
)
def test_no_file_names_a_place_of_its_making(pattern: re.Pattern[str], what: str) -> None:
    """Absolute paths of a workplace, and hosts that may not be reached, are in no file."""
    found = [f"{path.relative_to(ROOT)}: {hit[0]}" for path in files() for hit in pattern.finditer(_text(path))]
    assert not found, what


def test_files_beside_the_checkout_are_named_in_tests_alone() -> None:
    """The library, the documents and the notebooks need nothing from outside the repository."""
    own = [path for path in files() if "tests" not in path.relative_to(ROOT).parts[:1]]
    assert not [str(path.relative_to(ROOT)) for path in own if BESIDE.search(_text(path))]


@pytest.mark.parametrize("text", ["see /wo" + "rk/main/x", "'/t" + "mp/x'", "(/ho" + "me/me/x)"])
def test_the_pattern_finds_paths(text: str) -> None:
    """The test above can fail."""
    assert ABSOLUTE.search(text)


def test_the_files_are_found() -> None:
    """Documents, code, tests and settings are all looked at."""
    names = {str(path.relative_to(ROOT)) for path in files()}
    assert {"README.md", "pyproject.toml", "s3sim/api/running.py", "experiments/quickstart.yaml", ".ci/run"} <= names


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
