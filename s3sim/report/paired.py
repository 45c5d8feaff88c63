"""Paired comparisons: systems that served the very same trace, seed by seed."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from s3sim.report.intervals import mean_interval

__all__ = [
    "BASELINE",
    "Compared",
    "baseline_of",
    "comparisons",
    "paired_difference",
    "paired_differences",
    "paired_ratio",
]

BASELINE = "orca"  # what the paper compares with: Jin et al., "S³", NeurIPS 2023
COMPARED = (
    "request_throughput",
    "request_goodput",
    "slo_attainment",
    "normalized_latency_ms",
    "mean_ttft_ms",
    "mean_tpot_ms",
    "mean_e2el_ms",
    "p99_e2el_ms",
)
COLUMNS = ("difference", "difference_low", "difference_high", "ratio", "ratio_low", "ratio_high")
Reals = NDArray[np.float64]


class Compared(NamedTuple):
    """A mean over seeds and its 95% interval; that is NaN with a single seed."""

    mean: float
    low: float
    high: float


NOTHING = Compared(float("nan"), float("nan"), float("nan"))


def baseline_of(systems: Iterable[str]) -> str | None:
    """The system with which the others are compared: orca, or else the first; None where there are no others."""
    names = list(dict.fromkeys(systems))
    if len(names) < 2:
        return None
    return BASELINE if BASELINE in names else names[0]


def comparisons(summary: pd.DataFrame, *, keys: Sequence[str]) -> pd.DataFrame:
    """Every system against its scenario's baseline, by setting: a row for each metric of COMPARED that both have.

    `keys` are the columns of swept settings. Columns: scenario, the keys, metric, system, baseline, seeds,
    difference and ratio with their intervals; see `paired_differences`. Empty where no scenario has two systems.
    """
    columns = ["scenario", *keys, "metric", "system", "baseline", "seeds", *COLUMNS]
    found = [pd.DataFrame(columns=columns)]
    for _, rows in summary.groupby("scenario", sort=False):
        baseline = baseline_of(rows["system"])
        for metric in COMPARED:
            if baseline is not None and metric in rows.columns and rows[metric].notna().any():
                told = paired_differences(rows, metric, baseline=baseline, keys=["scenario", *keys])
                found.append(told.assign(metric=metric, baseline=baseline))
    known = [frame for frame in found if len(frame)]
    return pd.concat(known, ignore_index=True)[columns] if known else found[0]


def paired_differences(summary: pd.DataFrame, metric: str, *, baseline: str, keys: Sequence[str]) -> pd.DataFrame:
    """Ratio and difference of `metric` to the baseline's, per setting and system, with 95% intervals.

    A seed draws one trace that every system serves (common random numbers), so what is compared is the mean
    of per-seed differences, by Student's t; the ratio's interval is that of the mean log ratio. Intervals are
    NaN with a single seed. `keys` are the columns that tell settings apart, such as scenario and swept keys.
    """
    rows = []
    for names, group in summary.groupby(list(keys), sort=False, dropna=False):
        table = group.pivot_table(index="seed", columns="system", values=metric, sort=False)
        if baseline not in table:
            continue
        for system in table.columns.drop(baseline):
            pairs = table[[system, baseline]].dropna()
            if len(pairs):
                compared = _compare(*(pairs[name].to_numpy(dtype=np.float64) for name in (system, baseline)))
                rows.append({**dict(zip(keys, names, strict=True)), "system": system, "seeds": len(pairs), **compared})
    return pd.DataFrame(rows)


def _compare(ours: Reals, theirs: Reals) -> dict[str, float]:
    return dict(zip(COLUMNS, (*_interval(ours - theirs), *_ratio(ours, theirs)), strict=True))


def paired_difference(ours: "pd.Series[float]", theirs: "pd.Series[float]") -> Compared:
    """One system less another, each a column indexed by seed, over the seeds that both have."""
    one, other = _paired(ours, theirs)
    return _interval(one - other)


def paired_ratio(ours: "pd.Series[float]", theirs: "pd.Series[float]") -> Compared:
    """One system over another, each a column indexed by seed: exp of the mean log ratio; NaN where one is 0."""
    return _ratio(*_paired(ours, theirs))


def _paired(ours: "pd.Series[float]", theirs: "pd.Series[float]") -> tuple[Reals, Reals]:
    pairs = pd.concat({"ours": ours, "theirs": theirs}, axis=1).dropna()
    return pairs["ours"].to_numpy(dtype=np.float64), pairs["theirs"].to_numpy(dtype=np.float64)


def _ratio(ours: Reals, theirs: Reals) -> Compared:
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(ours / theirs)
    return Compared(*np.exp(_interval(logs)).tolist()) if np.isfinite(logs).all() else NOTHING


def _interval(values: Reals) -> Compared:
    if not len(values):
        return NOTHING
    mean, half = mean_interval(values.tolist())
    return Compared(mean, float("nan"), float("nan")) if half is None else Compared(mean, mean - half, mean + half)
