"""What `s3sim predictor learn` does: the mispredicted of a run, learnt in the order in which they finished."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

from s3sim.core.errors import InputError
from s3sim.learn.packages import use_threads

__all__ = ["learn_command"]


def learn_command(
    model: Path, run: Path, texts: Path, *, out: Path, point: str | None, rule: Mapping[str, Any], threads: int
) -> None:
    """Read the events, learn, print the accuracy of each version, write the last."""
    use_threads(threads)
    from s3sim.learn.logs import LogRule, accuracy_text, learn_from_log  # noqa: PLC0415
    from s3sim.learn.model import load_model, save_model  # noqa: PLC0415

    if out.exists():
        raise InputError(f"{out}: is there already; name another folder")
    events = pd.read_parquet(_events(run, point))
    done = learn_from_log(load_model(model), events, texts, LogRule(**rule))
    save_model(done.model, out, card=done.card(model))
    table = Table(title=str(out), box=None)
    for name in ("version", "requests", "accuracy", "learnt"):
        table.add_column(name, justify="right")
    for row in done.versions:
        table.add_row(str(row.version), str(row.requests), accuracy_text(row), str(row.learnt))
    Console().print(table)


def _events(run: Path, point: str | None) -> Path:
    found = sorted((run / "points").glob("*/events.parquet"))
    if point is not None:
        found = [path for path in found if path.parent.name == point]
    if len(found) != 1:
        names = ", ".join(path.parent.name for path in sorted((run / "points").glob("*/events.parquet"))) or "none"
        raise InputError(f"{run}: {len(found)} points with an event log fit; name one with --point: {names}")
    return found[0]
