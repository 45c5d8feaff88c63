"""Metrics of a point that was measured at a client: by the report's own code, from the tokens' own times."""

from pathlib import Path
from typing import TYPE_CHECKING

from s3sim.report.facts import RunFacts

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TOKENS", "client_metrics"]

TOKENS = "tokens"  # the table of a point that marks it as measured at a client


def client_metrics(
    folder: Path, events: "pd.DataFrame", steps: "pd.DataFrame", requests: "pd.DataFrame", facts: RunFacts
) -> "dict[str, int | float | None]":
    """The report's metrics of a point's folder; null for those that only a server could tell."""
    from s3sim.report.summary import summarize_client  # noqa: PLC0415  pandas may be absent

    return summarize_client(events, steps, requests, _tokens(folder), facts)


def _tokens(folder: Path) -> "pd.DataFrame":
    import pandas as pd  # noqa: PLC0415

    path = folder / f"{TOKENS}.parquet"
    return pd.read_parquet(path) if path.is_file() else pd.read_csv(folder / f"{TOKENS}.csv")
