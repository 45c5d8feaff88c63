"""Summaries as tables for a terminal."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from s3sim.cli.measured import by_seed, differences, explained, interval_text, mark, setting_means, windows
from s3sim.cli.sheets import Column, Sheet
from s3sim.report.paired import BASELINE, paired_ratio

__all__ = ["headlines", "summary_tables"]

MS_PER_S = 1e3
# heading, column of summary.csv, format, divisor
COLUMNS = (
    ("batch", "mean_batch_size", "{:.0f}", 1),
    ("KV\nwaste", "kv_waste_fraction", "{:.0%}", 1),
    ("TTFT\np50 s", "p50_ttft_ms", "{:.2f}", MS_PER_S),
    ("TPOT\np50 ms", "p50_tpot_ms", "{:.1f}", 1),
    ("E2EL\np99 s", "p99_e2el_ms", "{:.1f}", MS_PER_S),
    ("SLO\nmet", "slo_attainment", "{:.0%}", 1),
    ("preempted", "preemptions", "{:.0f}", 1),
)
COUNTS = {  # column of summary.csv → heading
    "rejected": "rejected",
    "over_length": "over length",
    "over_length_truncated": "of these cut",
    "over_length_dropped": "of these dropped",
    "invalid_rows_dropped": "invalid, dropped",
}
SUBJECT = "s3"
ORACLES = ("oracle_bucket", "oracle_exact")


def summary_tables(summary: pd.DataFrame) -> Iterator[Sheet]:
    """For each scenario: the metric by system and swept value, and every system at its best swept value."""
    for scenario, rows in summary.groupby("scenario", sort=False):
        metric, unit = _metric(rows)
        keys = _swept_keys(summary, rows)
        means = setting_means(rows, keys)
        seeds = rows["seed"].nunique()
        over = f", mean of {seeds} seeds" if seeds > 1 else ""
        if keys:
            yield _grid(means, keys, metric, title=f"{scenario}: {unit} by {keys[-1]}{over}")
        named = _named(keys, rows)
        numeric = [key for key in keys if key not in named]
        for place, group in means.groupby(_places(scenario, means, named), sort=False):
            served = group.dropna(subset=[metric])  # nothing finished: nothing is best
            best = served.loc[served.groupby("system", sort=False)[metric].idxmax()]
            shown = pd.concat([best, _unserved(group, best)]).sort_index()
            yield _details(shown, numeric, metric, title=f"{place}: each system at its best{over}")
            if len(best):
                yield from windows(best, numeric, title=f"{place}: what was measured of these{over}")
                yield from differences(rows, best, keys, (metric, unit), title=str(place))
    counts = {name: int(summary[name].max()) for name in COUNTS}
    if any(counts.values()):
        yield _counts(counts)


def _metric(rows: pd.DataFrame) -> tuple[str, str]:
    if rows["request_goodput"].notna().any():
        return "request_goodput", "goodput (requests/s)"
    return "request_throughput", "throughput (requests/s)"


def _swept_keys(summary: pd.DataFrame, rows: pd.DataFrame) -> list[str]:
    """The columns that hold this scenario's swept values: those between scenario and system."""
    columns = list(summary.columns)
    return [key for key in columns[1 : columns.index("system")] if rows[key].notna().any()]


def _named(keys: Sequence[str], rows: pd.DataFrame) -> list[str]:
    """The swept keys whose values are names, such as models: nobody is best across them."""
    return [key for key in keys if not pd.api.types.is_numeric_dtype(rows[key].infer_objects())]


def _places(scenario: object, means: pd.DataFrame, named: Sequence[str]) -> NDArray[np.str_]:
    """Scenario and named values of each row, in words."""
    return np.array([" ".join((str(scenario), *map(str, names))) for names in means[list(named)].to_numpy()])


def _grid(means: pd.DataFrame, keys: Sequence[str], metric: str, *, title: str) -> Sheet:
    """Systems down, the last swept key across, the other keys as further columns."""
    *outer, inner = keys
    values = list(dict.fromkeys(means[inner]))
    rows = []
    for names, group in means.groupby([*outer, "system"], sort=False, dropna=False):
        texts = (_cell(row[metric], "{:.1f}", 1) + mark(row) for _, row in group.iterrows())
        cells = dict(zip(group[inner], texts, strict=True))
        rows.append((*map(_name, names), *(cells.get(value, "–") for value in values)))
    return Sheet(
        title=title,
        columns=(*map(Column, (*outer, "system")), *(Column(_name(value), right=True) for value in values)),
        rows=tuple(rows),
        keys=len(outer) + 1,
        caption=explained(means),
    )


def _unserved(group: pd.DataFrame, best: pd.DataFrame) -> pd.DataFrame:
    """A row for each system that finished nothing at any value: where the most was rejected."""
    others = group[~group["system"].isin(best["system"])]
    return others.loc[others.groupby("system", sort=False)["rejected"].idxmax()]


def _details(best: pd.DataFrame, keys: Sequence[str], metric: str, *, title: str) -> Sheet:
    rejected = (("rejected", "rejected", "{:.0f}", 1),) if best["rejected"].gt(0).any() else ()
    best, bounded = _bounded(best)
    shown = (*bounded, *COLUMNS, *rejected)
    rows = []
    for _, row in best.iterrows():
        cells = (_cell(row[column], form, divisor) for _, column, form, divisor in shown)
        at = ", ".join(_name(row[key]) for key in keys)
        rows.append((str(row["system"]), at, _cell(row[metric], "{:.1f}", 1) + mark(row), *cells))
    headings = ("req/s", *(heading for heading, *_ in shown))
    columns = (Column("system"), Column("at"), *(Column(heading, right=True) for heading in headings))
    return Sheet(title=title, columns=columns, rows=tuple(rows), keys=2, caption=explained(best))


def _bounded(best: pd.DataFrame) -> tuple[pd.DataFrame, tuple[tuple[str, str, str, int], ...]]:
    """The rows with their share of the upper bound of throughput, and its column, where some row has a bound."""
    if "throughput_bound" not in best.columns or best["throughput_bound"].isna().all():
        return best, ()
    share = best["request_throughput"] / best["throughput_bound"]
    return best.assign(share_of_bound=share), (("of upper\nbound", "share_of_bound", "{:.0%}", 1),)


def _counts(counts: dict[str, int]) -> Sheet:
    columns = (Column(""), *(Column(COUNTS[name], right=True) for name in counts))
    title = "requests left out or cut short (most in any one point)"
    return Sheet(title=title, columns=columns, rows=(("", *map(str, counts.values())),))


def _name(value: Any) -> str:
    if isinstance(value, float):
        return "none" if math.isnan(value) else f"{value:g}"
    return str(value)


def _cell(value: Any, form: str, divisor: float) -> str:
    number = float("nan") if value is None else float(value)
    return "–" if math.isnan(number) else form.format(number / divisor)


def headlines(summary: pd.DataFrame) -> Iterator[str]:
    """For each scenario: the speed-up of S³ over ORCA, and its gap to the oracles, each at its best swept value."""
    for scenario, rows in summary.groupby("scenario", sort=False):
        metric, unit = _metric(rows)
        keys = _swept_keys(summary, rows)
        means = setting_means(rows, keys).dropna(subset=[metric])
        for place, group in means.groupby(_places(scenario, means, _named(keys, rows)), sort=False):
            best = group.loc[group.groupby("system", sort=False)[metric].idxmax()].set_index("system")
            values = {str(name): float(value) for name, value in best[metric].items()}
            if SUBJECT in values and values.get(BASELINE, 0.0) > 0:
                seeds = {name: by_seed(rows, row, keys, metric) for name, row in best.iterrows()}
                yield _headline(str(place), values, seeds, unit.split(" ", maxsplit=1)[0])


def _headline(place: str, best: dict[str, float], seeds: dict[Any, "pd.Series[float]"], metric: str) -> str:
    gaps = [f"{best[SUBJECT] / best[name]:.1%} of {name}'s" for name in ORACLES if name in best]
    ratio = best[SUBJECT] / best[BASELINE]
    interval = interval_text(paired_ratio(seeds[SUBJECT], seeds[BASELINE]))
    return "; ".join((f"{place}: highest {metric} of {SUBJECT} is {ratio:.2f} × {BASELINE}'s{interval}", *gaps))
