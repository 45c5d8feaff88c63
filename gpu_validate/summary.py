"""What a report adds to a replayed point, where pandas is at hand: the table of requests, and the metrics."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from gpu_validate.endpoint.summary import TOKENS, client_metrics
from gpu_validate.tables import read_cells
from s3sim.report.facts import RunFacts

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["summarize_point"]


def summarize_point(folder: Path) -> None:
    """Write requests.parquet and summary.json into a point's folder, and its log as Parquet where it was CSV."""
    from s3sim.report.summary import summarize  # noqa: PLC0415  pandas may be absent
    from s3sim.report.tables import requests_table  # noqa: PLC0415

    events, steps = _frame(folder, "events"), _frame(folder, "steps")
    requests = requests_table(events)
    requests.to_parquet(folder / "requests.parquet", index=False, compression="zstd")
    about = json.loads((folder / "point.json").read_text(encoding="utf-8"))
    counts = json.loads((folder / "counts.json").read_text(encoding="utf-8"))
    facts = RunFacts.from_json(about["facts"])
    at_client = any(folder.glob(f"{TOKENS}.*"))
    metrics = (
        client_metrics(folder, events, steps, requests, facts)
        if at_client
        else summarize(events, steps, requests, facts)
    )
    metrics |= counts
    (folder / "summary.json").write_text(json.dumps(metrics, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def _frame(folder: Path, name: str) -> "pd.DataFrame":
    import pandas as pd  # noqa: PLC0415

    from s3sim.report.frames import event_frame, step_frame  # noqa: PLC0415

    path = folder / f"{name}.parquet"
    if path.is_file():
        return pd.read_parquet(path)
    frame = (event_frame if name == "events" else step_frame)(read_cells(folder / f"{name}.csv"))
    frame.to_parquet(path, index=False, compression="zstd")
    return frame
