"""`s3sim list`: the names that an experiment may use, each with what it stands for."""

from rich.console import Console
from rich.table import Table

from s3sim.api.listing import name_rows

__all__ = ["list_command"]


def list_command(kind: str) -> None:
    """Print the names of a kind; raises UnknownNameError for another kind."""
    heading, *rows = name_rows(kind)
    table = Table(*heading)
    for row in rows:
        table.add_row(*row)
    Console().print(table)
