"""A predictor's scores, and what they are worth, as tables for a terminal."""

from collections.abc import Mapping

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.table import Table

from s3sim.learn.bootstrap import Difference
from s3sim.learn.metrics import Scores

__all__ = ["difference_table", "score_table", "worth_table"]

HEADINGS = {
    "accuracy": ("accu-\nracy", "{:.3f}"),
    "macro_f1": ("macro\nF1", "{:.3f}"),
    "within_one": ("within\none", "{:.3f}"),
    "mae_tokens": ("MAE\ntokens", "{:.1f}"),
    "kendall_tau": ("Kendall\ntau", "{:.3f}"),
    "under_predicted": ("under-\npredicted", "{:.3f}"),
}
WORTH = {
    "request_throughput": ("requests/s", "{:.2f}"),
    "ratio": ("× orca", "{:.2f}"),
    "preemptions": ("preemptions", "{:.0f}"),
    "mean_batch_size": ("batch", "{:.0f}"),
    "kv_waste_fraction": ("KV waste", "{:.0%}"),
}


def score_table(scores: Mapping[str, Scores], *, title: str) -> Table:
    """A line per predictor."""
    table = Table(title=title, box=SIMPLE_HEAD)
    table.add_column("")
    for heading, _ in HEADINGS.values():
        table.add_column(heading, justify="right", no_wrap=True)
    for name, found in scores.items():
        values = found.to_json()
        table.add_row(name, *(_cell(values[key], form) for key, (_, form) in HEADINGS.items()))
    return table


def difference_table(differences: Mapping[str, Mapping[str, Difference]]) -> Table:
    """The model less each baseline, with 95% intervals."""
    table = Table(title="model less baseline (95%, paired bootstrap over rows)", box=SIMPLE_HEAD)
    for heading in ("", "accuracy", "MAE tokens"):
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    for name, found in differences.items():
        accuracy, error = found["accuracy"], found["mae_tokens"]
        table.add_row(
            name,
            f"{accuracy.mean:+.3f} ({accuracy.low:+.3f} to {accuracy.high:+.3f})",
            f"{error.mean:+.1f} ({error.low:+.1f} to {error.high:+.1f})",
        )
    return table


def worth_table(worth: pd.DataFrame) -> Table:
    """Throughput and preemptions with each predictor."""
    table = Table(title="simulated with each predictor's reservations", box=SIMPLE_HEAD)
    table.add_column("system")
    table.add_column("predictor")
    for heading, _ in WORTH.values():
        table.add_column(heading, justify="right", no_wrap=True)
    for _, row in worth.iterrows():
        cells = (_cell(row[key], form) for key, (_, form) in WORTH.items())
        table.add_row(str(row["system"]), str(row["predictor"]), *cells)
    return table


def _cell(value: float | None, form: str) -> str:
    return "–" if value is None or pd.isna(value) else form.format(value)
