"""`s3sim list`: the names that an experiment may use, each with what it stands for."""

from collections.abc import Sequence

from rich.console import Console

from s3sim.cli.plain import print_json, yaml_word
from s3sim.cli.sheets import Column, Sheet, show
from s3sim.cli.topics import TOPICS
from s3sim.core.errors import UnknownNameError
from s3sim.experiment.names import Row

__all__ = ["list_command"]


def list_command(kind: str, names: Sequence[str], *, as_json: bool) -> None:
    """Print the names of a kind, or some of them; raises UnknownNameError for another kind or name."""
    if kind not in TOPICS:
        raise UnknownNameError("kind of name", kind, TOPICS)
    topic = TOPICS[kind]
    rows = topic.having(names)
    if as_json:
        print_json({"kind": kind, "names": rows})
        return
    console = Console()
    show(topic.sheet(rows), console)
    if kind == "systems" and names:
        for row in rows:
            show(_choices(row), console)


def _choices(row: Row) -> Sheet:
    """What a system leaves open, each with its default and what it means."""
    told = ((name, yaml_word(choice["default"]), choice["meaning"]) for name, choice in row["choices"].items())
    columns = (Column("choice"), Column("default"), Column("what it means", prose=True))
    return Sheet(title=f"choices of {row['name']}", columns=columns, rows=tuple(told))
