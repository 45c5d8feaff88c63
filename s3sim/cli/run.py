"""`s3sim run` and `s3sim report`: progress, table and headline."""

import os
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from s3sim.api import Results, draw, load
from s3sim.api import run as run_experiment
from s3sim.cli.tables import headlines, summary_tables

__all__ = ["report_command", "run_command"]


def run_command(
    file: Path, *, overrides: Sequence[str], out: Path | None, workers: int | None, resume: bool, overwrite: bool
) -> None:
    """Run with a progress bar, then print what came of it."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    progress = Progress(*columns, console=Console(stderr=True))
    with progress:
        task = progress.add_task("reading", total=None)
        results = run_experiment(
            file,
            overrides=overrides,
            out=out,
            workers=workers or os.cpu_count() or 1,
            resume=resume,
            overwrite=overwrite,
            on_start=lambda loaded, count: progress.update(task, description=loaded.experiment.name, total=count),
            on_point=lambda _: progress.advance(task),
        )
    _print(results)


def report_command(directory: Path) -> None:
    """Print and redraw."""
    results = load(directory)
    draw(directory)
    _print(results)


def _print(results: Results) -> None:
    console = Console()
    for table in summary_tables(results.summary):
        console.print(table)
    for line in headlines(results.summary):
        console.print(line)
    console.print(f"results: {results.path}")
