"""Arguments and options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

from s3sim.cli.completion import complete_experiment, complete_setting

__all__ = ["AsJson", "Experiment", "Override"]

Experiment = Annotated[Path, typer.Argument(help="The experiment YAML.", autocompletion=complete_experiment)]
Override = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change a key, as in workload.requests=100; again for more.",
        autocompletion=complete_setting,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
