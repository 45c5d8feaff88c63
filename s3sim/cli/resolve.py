"""`s3sim resolve`: the points of an experiment, with every preset and default written out."""

import json
from collections.abc import Sequence
from pathlib import Path

import typer

from s3sim.experiment.schema import load_experiment

__all__ = ["resolve_command"]


def resolve_command(file: Path, *, overrides: Sequence[str], as_json: bool) -> None:
    """Print the points' names, or as JSON all that a machine without the experiment schema needs."""
    loaded = load_experiment(file, overrides)
    if not as_json:
        for point in loaded.points:
            typer.echo(point.directory)
        return
    experiment = loaded.experiment
    resolved = {
        "name": experiment.name,
        "description": experiment.description,
        "points": [point.to_json() for point in loaded.points],
    }
    typer.echo(json.dumps(resolved, indent=1))
