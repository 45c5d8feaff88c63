"""A predictor's scores, and what they are worth, as tables for a terminal."""

from collections.abc import Mapping

import pandas as pd

from s3sim.cli.sheets import Column, Sheet
from s3sim.learn.bootstrap import Difference
from s3sim.learn.metrics import Scores

__all__ = ["difference_table", "score_table", "worth_table"]

HEADINGS = {
    "accuracy": ("accuracy", "{:.3f}"),
    "macro_f1": ("macro\nF1", "{:.3f}"),
    "within_one": ("within\none", "{:.3f}"),
    "mae_tokens": ("MAE\ntokens", "{:.1f}"),
    "kendall_tau": ("Kendall\ntau", "{:.3f}"),
    "under_predicted": ("under\npredicted", "{:.3f}"),
}
WORTH = {
    "request_throughput": ("requests/s", "{:.2f}"),
    "ratio": ("× orca", "{:.3f}"),
    "ratio_low": ("95% from", "{:.3f}"),
    "ratio_high": ("to", "{:.3f}"),
    "preemptions": ("preemptions", "{:.0f}"),
    "mean_batch_size": ("batch", "{:.0f}"),
    "kv_waste_fraction": ("KV waste", "{:.0%}"),
}


def score_table(scores: Mapping[str, Scores], *, title: str) -> Sheet:
    """A line per predictor."""
    rows = []
    for name, found in scores.items():
        values = found.to_json()
        rows.append((name, *(_cell(values[key], form) for key, (_, form) in HEADINGS.items())))
    columns = (Column(""), *(Column(heading, right=True) for heading, _ in HEADINGS.values()))
    return Sheet(title=title, columns=columns, rows=tuple(rows))


def difference_table(differences: Mapping[str, Mapping[str, Difference]]) -> Sheet:
    """The model less each baseline, with 95% intervals."""
    rows = []
    for name, found in differences.items():
        accuracy, error = found["accuracy"], found["mae_tokens"]
        first = f"{accuracy.mean:+.3f} ({accuracy.low:+.3f} to {accuracy.high:+.3f})"
        rows.append((name, first, f"{error.mean:+.1f} ({error.low:+.1f} to {error.high:+.1f})"))
    columns = (Column(""), Column("accuracy", right=True), Column("MAE tokens", right=True))
    return Sheet(title="model less baseline (95%, paired bootstrap over rows)", columns=columns, rows=tuple(rows))


def worth_table(worth: pd.DataFrame) -> Sheet:
    """Throughput and preemptions with each predictor."""
    rows = [
        (str(row["system"]), str(row["predictor"]), *(_cell(row[key], form) for key, (_, form) in WORTH.items()))
        for _, row in worth.iterrows()
    ]
    numbers = (Column(heading, right=True) for heading, _ in WORTH.values())
    columns = (Column("system"), Column("predictor"), *numbers)
    return Sheet(title="simulated with each predictor's reservations", columns=columns, rows=tuple(rows), keys=2)


def _cell(value: float | None, form: str) -> str:
    return "–" if value is None or pd.isna(value) else form.format(value)
