"""`s3sim paper`: every study with its progress, then the page."""

import os
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from s3sim.cli.run import stoppable
from s3sim.paper.reproduce import reproduce_paper
from s3sim.paper.studies import STUDIES, Study

__all__ = ["paper_command"]


def paper_command(folder: Path, *, workers: int | None, **given: Any) -> None:
    """Run the studies, a bar each, write the page and say where it is; `given` is reproduce_paper's."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with stoppable(), Progress(*columns, console=Console(stderr=True)) as progress:
        tasks = {study.name: progress.add_task(study.name, total=None, start=False) for study in STUDIES}

        def hear(study: Study, total: int, done: int) -> None:
            if not done:
                progress.start_task(tasks[study.name])
            progress.update(tasks[study.name], total=total, completed=done)

        page = reproduce_paper(folder, workers=workers or os.cpu_count() or 1, hear=hear, **given)
        for task in tasks.values():
            progress.stop_task(task)
    Console().print(f"page: {page}", highlight=False)
