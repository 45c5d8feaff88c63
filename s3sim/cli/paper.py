"""`s3sim paper`: every study with its progress, then the page."""

import os
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from s3sim.cli.run import stoppable
from s3sim.paper.page import write_page
from s3sim.paper.runs import run_studies
from s3sim.paper.studies import STUDIES, Study, yaml_of

__all__ = ["paper_command"]


def paper_command(
    folder: Path,
    *,
    out: Path,
    docs: Path,
    workers: int | None,
    dollars: float,
    resume: bool,
    overwrite: bool,
    quick: bool,
) -> None:
    """Run the studies that are not finished, a bar each, then write the page and say where it is."""
    for study in STUDIES:
        yaml_of(study, folder)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with stoppable(), Progress(*columns, console=Console(stderr=True)) as progress:
        tasks = {study.name: progress.add_task(study.name, total=None, start=False) for study in STUDIES}

        def hear(study: Study, total: int, done: int) -> None:
            if not done:
                progress.start_task(tasks[study.name])
            progress.update(tasks[study.name], total=total, completed=done)

        runs = run_studies(
            folder,
            out,
            workers=workers or os.cpu_count() or 1,
            resume=resume,
            overwrite=overwrite,
            quick=quick,
            hear=hear,
        )
        for task in tasks.values():
            progress.stop_task(task)
    page = write_page(runs, docs, dollars=dollars)
    Console().print(f"page: {page}", highlight=False)
