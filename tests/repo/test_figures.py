"""Every picture of the documentation is shown by a page, and made by a command that is there."""

import re
import shlex
from fnmatch import fnmatch
from pathlib import Path

from tests.support.markdown import ROOT, links, markdown_files

DOCS = ROOT / "docs"
LIST = DOCS / "figures" / "README.md"
KINDS = {".png", ".svg", ".jpg", ".jpeg", ".gif", ".webp", ".pdf"}


def pictures() -> list[Path]:
    """Every picture below docs, wherever it lies."""
    return sorted(path for path in DOCS.rglob("*") if path.suffix in KINDS)


def commands() -> dict[str, str]:
    """The list's patterns of pictures, each with its command."""
    rows = re.findall(r"^\| `([^`]+)` \| `([^`]+)` \|", LIST.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert len(rows) == len(dict(rows))
    return dict(rows)


def test_every_picture_is_shown_by_a_page() -> None:
    """A Markdown file shows it; of a pair of PNG and SVG, one of them."""
    shown = {(path.parent / target).resolve().with_suffix("") for path in markdown_files() for target, _ in links(path)}
    assert not [str(path) for path in pictures() if path.with_suffix("") not in shown]


def test_every_picture_has_a_command() -> None:
    """Exactly one pattern of the list stands for it, and no pattern stands for none."""
    names = [str(path.relative_to(DOCS)) for path in pictures()]
    assert names
    for name in names:
        assert len([pattern for pattern in commands() if fnmatch(name, pattern)]) == 1, name
    assert not [pattern for pattern in commands() if not any(fnmatch(name, pattern) for name in names)]


def test_every_command_is_one_of_the_project() -> None:
    """It begins with a program of the project, and the scripts and experiments that it names are there."""
    for command in commands().values():
        program, *words = shlex.split(command)
        assert program in ("s3sim", "python", "gpu-validate"), command
        named = [word for word in words if re.match(r"(?:benchmarks|experiments|docs)/", word)]
        assert all((ROOT / word).exists() for word in named), command
        assert program != "python" or named, command
