"""`s3sim new`: an experiment to begin with."""

from pathlib import Path

import typer

from s3sim.cli.model import write_new
from s3sim.experiment.schema.template import template

__all__ = ["new_command"]


def new_command(file: Path, *, start: str) -> None:
    """Write it, and say how it is run; raises InputError where the file is there already."""
    write_new(file, template(start))
    typer.echo(f"written: {file}\nrun it: s3sim run {file}")
