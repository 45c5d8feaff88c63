"""What `s3sim predictor learn` does: the mispredicted of a run, learnt in the order in which they finished."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from s3sim.api.predictor import learn

__all__ = ["learn_command"]


def learn_command(model: Path, run: Path, texts: Path, *, out: Path, **given: Any) -> None:
    """Learn, and print the accuracy of each version; `given` is `predictor.learn`'s."""
    done = learn(model, run, texts, out, **given)
    from s3sim.learn.logs import accuracy_text  # noqa: PLC0415 - only once its packages are known to be there

    table = Table(title=str(out), box=None)
    for name in ("version", "requests", "accuracy", "learnt"):
        table.add_column(name, justify="right")
    for row in done.versions:
        table.add_row(str(row.version), str(row.requests), accuracy_text(row), str(row.learnt))
    Console().print(table)
