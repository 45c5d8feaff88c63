"""`s3sim run` and `s3sim report`: progress, table and headline."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from signal import SIGTERM, signal
from types import FrameType

from rich.console import Console

from s3sim import api
from s3sim.api import Results, load, run
from s3sim.cli.plain import print_json, rows_of
from s3sim.cli.sheets import say, show
from s3sim.cli.tables import headlines, summary_tables

__all__ = ["report_command", "run_command", "stoppable"]


def run_command(
    file: Path,
    *,
    overrides: Sequence[str],
    out: Path | None,
    workers: int | None,
    resume: bool,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Run with a progress bar, then print what came of it."""
    with stoppable():
        results = run(
            file,
            overrides=overrides,
            out=out,
            workers=workers or os.cpu_count() or 1,
            resume=resume,
            overwrite=overwrite,
            progress=True,
        )
    _print(results, as_json=as_json)


@contextmanager
def stoppable() -> Iterator[None]:
    """Let SIGTERM, which batch systems and containers send, end a run as Ctrl-C does, so that it can be resumed."""

    def interrupt(signum: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal(SIGTERM, interrupt)
    try:
        yield
    finally:
        signal(SIGTERM, before)


def report_command(directory: Path, *, as_json: bool) -> None:
    """Print and redraw."""
    results = load(directory)
    api.draw(directory)
    _print(results, as_json=as_json)


def _print(results: Results, *, as_json: bool) -> None:
    warnings = list(results.cautions)
    if as_json:
        tables = {"summary": rows_of(results.summary), "comparisons": rows_of(results.comparisons)}
        lines = {"headlines": list(headlines(results.summary)), "warnings": warnings}
        print_json({"results": str(results.path), **tables, **lines})
    else:
        _print_tables(results)
    for line in warnings:
        Console(stderr=True).print(f"warning: {line}", soft_wrap=True, highlight=False, markup=False)


def _print_tables(results: Results) -> None:
    console = Console()
    for sheet in summary_tables(results.summary):
        show(sheet, console)
    console.print()
    for line in headlines(results.summary):
        say(console, line)
    say(console, f"results: {results.path}")
    if (results.path / "report.html").is_file():
        say(console, f"page: {results.path / 'report.html'}")
