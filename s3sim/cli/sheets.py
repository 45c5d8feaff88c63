"""Tables that fit any terminal: whole where they fit, folded into parts where not, else a block for each row.

No name and no number is ever cut, or broken over two lines; only prose is wrapped, at its spaces.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from types import MappingProxyType

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

__all__ = ["Column", "Sheet", "say", "show"]

LEAST_PROSE = 30  # columns of a terminal; prose in fewer is a ladder of words
INDENT = 2
NOTHING: Mapping[int, int] = MappingProxyType({})
GAP = 2  # columns of a terminal between two of a table


@dataclass(frozen=True, slots=True)
class Column:
    """A column's heading, where `\\n` may break it, and how its cells are set."""

    heading: str
    right: bool = False
    prose: bool = False  # sentences, which may be wrapped

    @property
    def name(self) -> str:
        """The heading in one line."""
        return self.heading.replace("\n", " ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A table; the first `keys` columns name a row, and stand in every part that it is folded into."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    keys: int = 1
    caption: str | None = None


def show(sheet: Sheet, console: Console) -> None:
    """Print a sheet as the terminal's width allows, a line apart from what stands above."""
    console.print()
    if sheet.title:
        _line(console, Text(sheet.title, style="italic"))
    for place, part in enumerate(_parts(sheet, console.width)):
        if place and isinstance(part, Table):
            console.print()
        console.print(part, soft_wrap=isinstance(part, Text), highlight=False)
    if sheet.caption:
        _line(console, Text(sheet.caption, style="dim"))


def say(console: Console, line: str) -> None:
    """Print a sentence, wrapped at its spaces alone, so that a path stays whole."""
    _line(console, Text(line))


def _line(console: Console, text: Text) -> None:
    for line in wrap(text.plain, console.width, break_long_words=False, break_on_hyphens=False) or [""]:
        console.print(Text(line, style=text.style), soft_wrap=True)


def _parts(sheet: Sheet, width: int) -> Iterator[Table | Text]:
    """The tables or blocks that show the sheet."""
    widths = [_width(column, [row[place] for row in sheet.rows]) for place, column in enumerate(sheet.columns)]
    prose = [place for place, column in enumerate(sheet.columns) if column.prose and widths[place] > LEAST_PROSE]
    everything = range(len(sheet.columns))
    shares = _shares(widths, prose, width)
    if _needed(widths) <= width:
        yield _table(sheet, everything)
    elif prose and all(shares[place] >= min(widths[place], _least(sheet, place)) for place in prose):
        yield _table(sheet, everything, shares=shares)
    elif prose:
        yield from _blocks(sheet, width)
    else:
        yield from _folded(sheet, widths, width)


def _shares(widths: Sequence[int], prose: Sequence[int], width: int) -> dict[int, int]:
    """The widths of columns of prose that fill a terminal: the narrow ones as they are, the others alike."""
    room = width - (_needed(widths) - sum(widths[place] for place in prose))
    shares: dict[int, int] = {}
    for place in sorted(prose, key=lambda place: widths[place]):
        shares[place] = min(widths[place], room // (len(prose) - len(shares)))
        room -= shares[place]
    return shares


def _least(sheet: Sheet, place: int) -> int:
    """Columns of a terminal below which a column of prose is hard to read, or breaks a word."""
    words = (word for row in sheet.rows for word in row[place].split())
    return max(LEAST_PROSE, *map(cell_len, words), 0)


def _needed(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * (len(widths) - 1)


def _folded(sheet: Sheet, widths: Sequence[int], width: int) -> Iterator[Table | Text]:
    """The columns in groups that fit, each beside those that name the rows."""
    keys = list(range(sheet.keys))
    groups: list[list[int]] = []
    for place in range(sheet.keys, len(widths)):
        wider = [*groups[-1], place] if groups else [*keys, place]
        if not groups or _needed([widths[other] for other in wider]) > width:
            wider = [*keys, place]
            groups.append(wider)
        groups[-1] = wider
        if _needed([widths[other] for other in wider]) > width:
            yield from _blocks(sheet, width)
            return
    for group in groups:
        yield _table(sheet, group)


def _table(sheet: Sheet, places: Sequence[int], *, shares: Mapping[int, int] = NOTHING) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False, pad_edge=False)
    for place in places:
        column = sheet.columns[place]
        justify: JustifyMethod = "right" if column.right else "left"
        heading = Text(column.heading)
        table.add_column(heading, justify=justify, no_wrap=place not in shares, width=shares.get(place))
    for row in sheet.rows:
        table.add_row(*(Text(row[place]) for place in places))
    return table


def _blocks(sheet: Sheet, width: int) -> Iterator[Text]:
    """A block for each row: its name, and below it a line for each other cell that holds something."""
    for row in sheet.rows:
        yield Text(" ".join(cell for cell in row[: sheet.keys] if cell))
        for column, cell in zip(sheet.columns[sheet.keys :], row[sheet.keys :], strict=True):
            if cell:
                yield Text("\n".join(_wrapped(f"{column.name}: {cell}", width)))


def _wrapped(line: str, width: int) -> list[str]:
    indent = " " * INDENT
    found = wrap(line, width - 2 * INDENT, break_long_words=False, break_on_hyphens=False)
    return [f"{indent if not place else 2 * indent}{part}" for place, part in enumerate(found)]


def _width(column: Column, cells: Sequence[str]) -> int:
    """Columns of a terminal that a column takes where nothing is wrapped."""
    lines = [line for text in (column.heading, *cells) for line in text.split("\n")]
    return max(map(cell_len, lines))
