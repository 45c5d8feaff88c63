"""Bars that tell how far a run is: in a terminal by rich, in a notebook as HTML; none where nobody watches."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from importlib import import_module
from typing import Any, Literal, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

__all__ = ["Board", "board", "watched"]

EVERY = 0.1  # s between two updates of a notebook's output


class Board(Protocol):
    """Bars by name."""

    def show(self, name: str, done: int, total: int | None = None, *, words: str = "") -> None:
        """Show that so many of a total are done; the total is None where nobody knows it."""
        ...


@contextmanager
def board(progress: bool | None) -> Iterator[Board]:
    """Bars while a block runs; `progress` says whether, or None: where somebody watches."""
    place = watched() if progress is None else ("notebook" if _shell() else "terminal") if progress else None
    if place is None:
        yield Nowhere()
    elif place == "notebook":
        shown = Notebook()
        try:
            yield shown
        finally:
            shown.draw()
    else:
        terminal = Terminal()
        try:
            yield terminal
        finally:
            terminal.stop()


def watched() -> Literal["terminal", "notebook"] | None:
    """Where somebody watches this program: its terminal, or a notebook that is not run by a machine."""
    shell = _shell()
    if shell is not None:
        return "notebook" if getattr(shell.kernel, "_allow_stdin", True) else None  # nbclient cannot be asked
    return "terminal" if sys.stderr.isatty() else None


def _shell() -> Any:
    """The shell of a Jupyter kernel; None elsewhere."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return shell if hasattr(shell, "kernel") else None


@dataclass(frozen=True, slots=True)
class Nowhere:
    """Bars that nobody sees."""

    def show(self, name: str, done: int, total: int | None = None, *, words: str = "") -> None:
        """Nothing."""


class Terminal:
    """Bars below each other on stderr, from the first that is shown on."""

    def __init__(self) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self.bars = Progress(*columns, console=Console(stderr=True))
        self._tasks: dict[str, Any] = {}

    def show(self, name: str, done: int, total: int | None = None, *, words: str = "") -> None:
        """Draw the bar, or redraw it."""
        if name not in self._tasks:
            self.bars.start()  # only now: unusable input gets a message and nothing else
            self._tasks[name] = self.bars.add_task(name, total=total)
        self.bars.update(self._tasks[name], completed=done, total=total, description=f"{name}{words}")

    def stop(self) -> None:
        """Leave the bars as they are, if there are any."""
        if self._tasks:
            self.bars.stop()


@dataclass(slots=True)
class Notebook:
    """Bars below each other in a cell's output; needs no widgets."""

    bars: dict[str, tuple[int, int | None, str]] = field(default_factory=dict)
    handle: Any = None
    begun: float = field(default_factory=time.monotonic)
    drawn: float = 0.0

    def show(self, name: str, done: int, total: int | None = None, *, words: str = "") -> None:
        """Draw the bar, or redraw it where the last drawing was some time ago."""
        self.bars[name] = (done, total, words)
        if self.handle is None or time.monotonic() - self.drawn >= EVERY:
            self.draw()

    def draw(self) -> None:
        """Write the bars as they are now."""
        if not self.bars:
            return
        display = import_module("IPython.display")
        shown = display.HTML(self.html())
        if self.handle is None:
            self.handle = display.display(shown, display_id=True)
        else:
            self.handle.update(shown)
        self.drawn = time.monotonic()

    def html(self) -> str:
        """A bar of the browser's own for each name."""
        seconds = f"{time.monotonic() - self.begun:.0f} s"
        rows = [_row(name, *values, seconds=seconds) for name, values in self.bars.items()]
        return f"<table>{''.join(rows)}</table>"


def _row(name: str, done: int, total: int | None, words: str, *, seconds: str) -> str:
    bar = "<progress></progress>" if total is None else f"<progress value='{done}' max='{max(total, 1)}'></progress>"
    of = f"{done}" if total is None else f"{done} of {total}"
    return f"<tr><td>{escape(name + words)}</td><td>{bar}</td><td>{of}, {seconds}</td></tr>"
