"""Summaries as tables for a terminal."""

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd
from rich.table import Table

__all__ = ["headlines", "summary_tables"]

# heading, column of summary.csv, format
COLUMNS = (
    ("req/s", "request_throughput", "{:.2f}"),
    ("tok/s", "output_throughput", "{:.0f}"),
    ("batch", "mean_batch_size", "{:.1f}"),
    ("KV reserved", "kv_reserved_fraction", "{:.0%}"),
    ("KV waste", "kv_waste_fraction", "{:.0%}"),
    ("TTFT p50 s", "p50_ttft_ms", "{:.2f}"),
    ("TPOT p50 ms", "p50_tpot_ms", "{:.1f}"),
    ("E2EL p50 s", "p50_e2el_ms", "{:.2f}"),
    ("E2EL p99 s", "p99_e2el_ms", "{:.2f}"),
    ("SLO met", "slo_attainment", "{:.0%}"),
    ("preempted", "preemptions", "{:.0f}"),
    ("rejected", "rejected", "{:.0f}"),
    ("mfu", "mfu", "{:.1%}"),
)
IN_SECONDS = 1e-3  # s per ms


def swept_keys(summary: pd.DataFrame) -> list[str]:
    """The columns that hold swept values: those between scenario and system."""
    columns = list(summary.columns)
    return columns[1 : columns.index("system")]


def summary_tables(summary: pd.DataFrame) -> Iterator[Table]:
    """A table per scenario: a row per swept value and system, means over the seeds."""
    for scenario, rows in summary.groupby("scenario", sort=False):
        keys = [key for key in swept_keys(summary) if rows[key].notna().any()]
        seeds = rows["seed"].nunique()
        table = Table(title=f"{scenario} (mean of {seeds} seeds)" if seeds > 1 else str(scenario))
        for heading in (*keys, "system", *(heading for heading, _, _ in COLUMNS)):
            table.add_column(heading, justify="left" if heading in ("system", *keys) else "right")
        for names, group in rows.groupby([*keys, "system"], sort=False, dropna=False):
            table.add_row(*map(_name, names), *(_cell(group, column, form) for _, column, form in COLUMNS))
        yield table


def _name(value: Any) -> str:
    if isinstance(value, float):
        return "none" if math.isnan(value) else f"{value:g}"
    return str(value)


def _cell(group: pd.DataFrame, column: str, form: str) -> str:
    mean = float(pd.to_numeric(group[column]).mean())
    if math.isnan(mean):
        return "–"
    if column.endswith(("ttft_ms", "e2el_ms")):
        mean *= IN_SECONDS
    return form.format(mean)


def headlines(summary: pd.DataFrame) -> Iterator[str]:
    """For each scenario, at its best swept value: the speed-up of S³ over ORCA, and the gap to the oracles."""
    keys = swept_keys(summary)
    for scenario, rows in summary.groupby("scenario", sort=False):
        metric = "request_goodput" if rows["request_goodput"].notna().any() else "request_throughput"
        means = rows.groupby([*keys, "system"], sort=False, dropna=False)[metric].mean().reset_index()
        best = means.groupby("system")[metric].max()
        if not {"s3", "orca"} <= set(best.index) or best["orca"] == 0:
            continue
        name = "goodput" if metric == "request_goodput" else "throughput"
        line = f"{scenario}: highest {name} of s3 ÷ orca = {best['s3'] / best['orca']:.2f}"
        for oracle in ("oracle_bucket", "oracle_exact"):
            if oracle in best.index:
                line += f"; {oracle} is {best[oracle] / best['s3'] - 1:+.1%} above s3"
        yield line
