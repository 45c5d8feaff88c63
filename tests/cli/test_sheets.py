"""Laws of tables on a terminal: whatever its width, nothing is cut and no name or number is broken."""

from io import StringIO

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from s3sim.cli.sheets import Column, Sheet, say, show

WORD = st.text("abcdefgh0123456789._-%+", min_size=1, max_size=17)
PROSE = st.lists(WORD, min_size=1, max_size=9).map(" ".join)


def printed(sheet: Sheet, width: int) -> list[str]:
    """The lines of a terminal of that width."""
    console = Console(width=width, file=StringIO(), color_system=None)
    show(sheet, console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return [line.rstrip() for line in text.splitlines()]


@st.composite
def sheets(draw: st.DrawFn) -> Sheet:
    """Any table of a few rows and columns."""
    keys = draw(st.integers(1, 2))
    columns = tuple(
        Column(draw(WORD), right=draw(st.booleans()), prose=place >= keys and draw(st.booleans()))
        for place in range(keys + draw(st.integers(0, 8)))
    )
    row = st.tuples(*(PROSE if column.prose else WORD for column in columns))
    rows = tuple(draw(st.lists(row, min_size=1, max_size=4)))
    return Sheet(title=draw(PROSE), columns=columns, rows=rows, keys=keys, caption=draw(st.none() | PROSE))


@given(sheets(), st.integers(40, 240))
def test_every_cell_appears_whole(sheet: Sheet, width: int) -> None:
    """Each name and number stands on one line, each word of prose too; no line is longer than the terminal."""
    lines = printed(sheet, width)
    for row in sheet.rows:
        for column, cell in zip(sheet.columns, row, strict=True):
            parts = cell.split() if column.prose else [cell]
            missing = [part for part in parts if not any(part in line for line in lines)]
            assert not missing
    assert max(map(len, lines)) <= width
    assert not any("…" in line for line in lines)


@given(sheets())
def test_a_wide_terminal_shows_one_table(sheet: Sheet) -> None:
    """A heading once, and each row on a line of its own, its cells in their order."""
    lines = printed(sheet, 10_000)
    cells = [" ".join(" ".join(row).split()) for row in sheet.rows]
    assert [" ".join(line.split()) for line in lines[-len(cells) - bool(sheet.caption) :]][: len(cells)] == cells


def test_folded_parts_repeat_the_names_of_their_rows() -> None:
    """Numbers that do not fit beside each other stand below, beside the names again."""
    columns = (Column("system"), *(Column(f"m{number}", right=True) for number in range(12)))
    rows = tuple((name, *("123456.7" for _ in range(12))) for name in ("oracle_bucket", "fastertransformer"))
    lines = printed(Sheet(title="", columns=columns, rows=rows), 60)
    assert sum("fastertransformer" in line for line in lines) == 3
    assert sum(line.count("123456.7") for line in lines) == 24


def test_a_row_that_fits_nowhere_becomes_a_block() -> None:
    """A name, and a line for each cell, with its heading before it; empty cells are left out."""
    columns = (Column("name"), Column("a\nb"), Column("source", prose=True), Column("use", prose=True))
    rows = (("x", "y" * 30, "from here " * 9, ""), ("z", "", "there", "so"))
    lines = printed(Sheet(title="", columns=columns, rows=rows), 40)
    assert lines[1:3] == ["x", f"  a b: {'y' * 30}"]
    assert lines[-3:] == ["z", "  source: there", "  use: so"]


def test_a_path_stays_whole() -> None:
    """A sentence is wrapped at its spaces alone, also where a word is wider than the terminal."""
    console = Console(width=30, file=StringIO(), color_system=None)
    path = "results/" + "long-name/" * 6
    say(console, f"results: {path} are there, and more besides")
    assert path in console.file.getvalue()  # type: ignore[attr-defined]
