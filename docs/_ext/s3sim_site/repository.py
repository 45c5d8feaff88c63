"""Files of the repository that are pages of the site, or parts of them."""

import re
from pathlib import Path
from typing import NamedTuple

__all__ = ["DOCS", "PAGES", "ROOT", "Part", "part", "whole", "words"]

DOCS = Path(__file__).resolve().parents[2]
ROOT = DOCS.parent
PAGES = {  # file → the page that shows it
    "README.md": "index.md",
    "ARCHITECTURE.md": "explanation/architecture.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "experiments/README.md": "reference/experiments.md",
    "experiments/paper/README.md": "reference/experiments_paper.md",
    "experiments/prediction/README.md": "reference/experiments_prediction.md",
    "experiments/traces/README.md": "reference/experiments_traces.md",
}
CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)  # where # begins a comment
HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)


class Part(NamedTuple):
    """Text of a file, whose links are read from where the file lies."""

    path: Path
    text: str


def whole(name: str) -> Part:
    """A file."""
    path = ROOT / name
    return Part(path, path.read_text(encoding="utf-8"))


def part(name: str, *title: str) -> Part:
    """What stands below a heading of a file, up to the next of its level; raises KeyError where there is none."""
    path, text = whole(name)
    wanted = " ".join(title)
    headings = list(HEADING.finditer(CODE.sub(lambda block: "x" * len(block[0]), text)))
    for index, heading in enumerate(headings):
        if heading[2] == wanted:
            ends = (later.start() for later in headings[index + 1 :] if len(later[1]) <= len(heading[1]))
            return Part(path, text[heading.end() : next(ends, len(text))].strip())
    raise KeyError(f"{name} has no heading {wanted!r}")


def words() -> Part:
    """The glossary: the table of words in the README, a term with its meaning each."""
    path, text = part("README.md", "Words")
    rows = re.findall(r"^\| \*\*(.+?)\*\* \| (.+?) \|$", text, flags=re.MULTILINE)
    terms = "\n".join(f"{word}\n  {meaning}\n" for word, meaning in rows)
    return Part(path, f":::{{glossary}}\n{terms}:::")
