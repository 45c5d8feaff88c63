"""What `s3sim predictor learn` does: the mispredicted of a run, learnt in the order in which they finished."""

from pathlib import Path
from typing import Any

from rich.console import Console

from s3sim.api.predictor import learn
from s3sim.cli.plain import print_json
from s3sim.cli.sheets import Column, Sheet, show

__all__ = ["learn_command"]


COLUMNS = ("version", "requests", "accuracy", "learnt")


def learn_command(model: Path, run: Path, texts: Path, *, out: Path, as_json: bool, **given: Any) -> None:
    """Learn, and print the accuracy of each version; `given` is `predictor.learn`'s."""
    done = learn(model, run, texts, out, **given)
    from s3sim.learn.logs import accuracy_text  # noqa: PLC0415 - only once its packages are known to be there

    if as_json:
        versions = [{name: getattr(row, name) for name in COLUMNS} for row in done.versions]
        print_json({"model": out, "versions": versions})
        return
    rows = ((str(row.version), str(row.requests), accuracy_text(row), str(row.learnt)) for row in done.versions)
    columns = tuple(Column(name, right=True) for name in COLUMNS)
    show(Sheet(title=str(out), columns=columns, rows=tuple(rows)), Console())
