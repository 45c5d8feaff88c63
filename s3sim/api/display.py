"""What a notebook shows of an object: a small table, escaped."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from numbers import Integral, Real
from typing import Any

__all__ = ["facts_html", "number", "table_html"]

LONGEST = 120  # characters of a cell


def number(value: Any) -> str:
    """A number in four digits, nothing for None and NaN, anything else as a text."""
    if value is None or value != value:  # noqa: PLR0124 - NaN, whatever its type
        return "–"
    if isinstance(value, bool) or not isinstance(value, Real):
        return str(value)
    real = float(value)
    whole = isinstance(value, Integral) or abs(real) >= 1000 or real.is_integer()
    return f"{value:,.0f}" if whole else f"{value:.4g}"


def facts_html(title: str, facts: Mapping[str, Any]) -> str:
    """Names and values, one below the other, under a title."""
    rows = (f"<tr><th style='text-align:left'>{_cell(name)}</th>{_data(value)}</tr>" for name, value in facts.items())
    return f"<b>{_cell(title)}</b><table>{''.join(rows)}</table>"


def table_html(title: str, heading: Sequence[str], rows: Iterable[Sequence[Any]], *, note: str = "") -> str:
    """Rows under a heading, a title above and a note below."""
    head = "".join(f"<th>{_cell(name)}</th>" for name in heading)
    body = "".join(f"<tr>{''.join(map(_data, row))}</tr>" for row in rows)
    return f"<b>{_cell(title)}</b><table><tr>{head}</tr>{body}</table>{_cell(note)}"


def _data(value: Any) -> str:
    return f"<td style='text-align:left'>{_cell(number(value))}</td>"


def _cell(text: str) -> str:
    return escape(text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…")
