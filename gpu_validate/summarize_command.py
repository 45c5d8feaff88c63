"""`gpu-validate summarize`: metrics of a replay that was made where pandas was absent."""

import argparse
from importlib.util import find_spec
from pathlib import Path

from gpu_validate.results import ReplayDirectory
from s3sim.core.errors import InputError

__all__ = ["add"]

ABOUT = "Add the table of requests, summary.json and summary.csv to a replay that was made without pandas."


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command's parser."""
    parser = commands.add_parser("summarize", help=ABOUT, description=ABOUT)
    parser.set_defaults(run=_run)
    parser.add_argument("directory", type=Path, help="a run directory of `gpu-validate replay`")


def _run(given: argparse.Namespace) -> None:
    if find_spec("pandas") is None:
        raise InputError("summarize: pandas is not installed here; take the run directory to where it is")
    ReplayDirectory(given.directory).summarize()
