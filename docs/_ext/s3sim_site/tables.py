"""The files of a run directory and their columns."""

from collections.abc import Mapping

from s3sim.report import log_meanings, meanings
from s3sim.report.directions import BETTER
from s3sim.report.meanings import Column
from s3sim_site.texts import code, plain, table

__all__ = ["comparisons", "events", "files", "metrics", "requests", "steps"]


def files() -> str:
    """A row for each file."""
    return table(("file", "what it holds"), ((code(name), plain(text)) for name, text in meanings.FILES.items()))


def metrics() -> str:
    """A row for each metric of a point's summary, with the way in which it is better."""
    rows = (
        (code(name), plain(column.unit), BETTER[name], plain(column.meaning))
        for name, column in meanings.SUMMARY.items()
    )
    return table(("column", "unit", "better", "meaning"), rows)


def requests() -> str:
    """A row for each column of the requests."""
    return _columns(meanings.REQUESTS)


def steps() -> str:
    """A row for each column of the steps."""
    return _columns(log_meanings.STEPS)


def comparisons() -> str:
    """A row for each column of the comparisons."""
    return _columns(meanings.COMPARISONS)


def events() -> str:
    """A row for each column of the events, and one for each kind."""
    kinds = (
        (str(int(kind)), code(kind.name), plain(told.what), plain(told.tokens), plain(told.detail))
        for kind, told in log_meanings.EVENT_KINDS.items()
    )
    heading = ("event", "name", "what happened", "tokens", "detail")
    return f"{_columns(log_meanings.EVENTS)}\n\n{table(heading, kinds)}"


def _columns(columns: Mapping[str, Column]) -> str:
    rows = ((code(name), plain(column.unit) or "–", plain(column.meaning)) for name, column in columns.items())
    return table(("column", "unit", "meaning"), rows)
