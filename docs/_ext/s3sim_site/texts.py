"""Markdown: text from the code, escaped, and tables of it."""

import inspect
import re
from collections.abc import Iterable, Sequence
from typing import Any

__all__ = ["anchor", "code", "comments", "definition", "plain", "table"]

SPAN = re.compile(r"(`[^`]*`)")
MARKUP = re.compile(r"([<*\[\]$\\])")


def plain(text: str) -> str:
    """Text of a docstring or of a help: its `code` stays, nothing else is markup."""
    parts = SPAN.split(text)
    return "".join(part if part.startswith("`") else MARKUP.sub(r"\\\1", part) for part in parts)


def code(value: object) -> str:
    """A value as code; the empty text is said in words."""
    text = str(value)
    return f"`{text}`" if text else "empty"


def comments(kind: type[Any]) -> dict[str, str]:
    """What is said of a class's fields at the end of their lines."""
    return dict(re.findall(r"^    (\w+): [^#\n]+#\s*(.+)$", inspect.getsource(kind), flags=re.MULTILINE))


def definition(name: str, values: str, default: str, meaning: str) -> str:
    """A key with what it may hold, which is Markdown already, and below it what it means."""
    text = plain(" ".join(meaning.split()))
    return f"{code(name)} · {values} · {default}" + (f"\n: {text}" if text else "")


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown already."""
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def anchor(title: str) -> str:
    """The name that a heading is linked by, as GitHub and MyST make it."""
    words = re.sub(r"[`*]|\]\([^)]*\)", "", title).strip().lower()
    return re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
