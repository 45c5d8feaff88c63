"""Markdown files of the repository: their links, pictures and headings."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

__all__ = ["ROOT", "Link", "anchors", "code", "links", "markdown_files"]

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = {"build", "results", "models", "dist", "node_modules"}


class Link(NamedTuple):
    """Where a link or a picture of a file leads."""

    target: str
    line: int


def markdown_files() -> list[Path]:
    """Every Markdown file of the repository, in order."""
    return sorted(path for path in ROOT.rglob("*.md") if not _is_left_out(path.relative_to(ROOT).parts))


def _is_left_out(parts: tuple[str, ...]) -> bool:
    return any(part.startswith(".") or part in LEFT_OUT for part in parts)


@cache
def _tokens(path: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(path.read_text(encoding="utf-8"))


def links(path: Path) -> Iterator[Link]:
    """The links and pictures of a file, in order; code is none."""
    for token in _tokens(path):
        for inner in token.children or []:
            target = inner.attrs.get("href" if inner.type == "link_open" else "src")
            if inner.type in ("link_open", "image") and target:
                yield Link(str(target), (token.map or [0])[0] + 1)


def code(path: Path) -> list[str]:
    """What a file sets in code: the lines of its blocks, and its spans.

    Left out is what a directive of MyST holds, and what commands of a console print.
    """
    found = []
    for token in _tokens(path):
        if token.type == "fence" and not token.info.startswith("{"):
            lines = token.content.splitlines()
            found += [line for line in lines if line.startswith("$ ")] if token.info == "console" else lines
        found += [inner.content for inner in token.children or [] if inner.type == "code_inline"]
    return found


@cache
def anchors(path: Path) -> frozenset[str]:
    """The names by which a file's headings are linked, as GitHub makes them."""
    found: list[str] = []
    seen: Counter[str] = Counter()
    tokens = _tokens(path)
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            text = "".join(child.content for child in inline.children or [] if child.type in ("text", "code_inline"))
            name = re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")
            found.append(f"{name}-{seen[name]}" if seen[name] else name)
            seen[name] += 1
    return frozenset(found)
