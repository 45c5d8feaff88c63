"""Paired comparisons: systems that served the very same trace, seed by seed."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from s3sim.report.intervals import mean_interval

__all__ = ["paired_differences"]


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
            rows.append({**dict(zip(keys, names, strict=True)), "system": system, **_compare(pairs, system, baseline)})
    return pd.DataFrame(rows)


def _compare(pairs: pd.DataFrame, system: str, baseline: str) -> dict[str, float]:
    ours, theirs = pairs[system].to_numpy(dtype=np.float64), pairs[baseline].to_numpy(dtype=np.float64)
    difference, low, high = _interval(ours - theirs)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio, ratio_low, ratio_high = np.exp(_interval(np.log(ours / theirs)))
    return {
        "seeds": len(pairs),
        "difference": difference,
        "difference_low": low,
        "difference_high": high,
        "ratio": float(ratio),
        "ratio_low": float(ratio_low),
        "ratio_high": float(ratio_high),
    }


def _interval(values: NDArray[np.float64]) -> tuple[float, float, float]:
    if not len(values):
        return float("nan"), float("nan"), float("nan")
    mean, half = mean_interval(values.tolist())
    return (mean, mean - half, mean + half) if half is not None else (mean, float("nan"), float("nan"))
