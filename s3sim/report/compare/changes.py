"""What came out otherwise, metric by metric, and whether seeds tell it from noise."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import fmean

import pandas as pd

from s3sim.report.compare.pairs import Pair, Setting
from s3sim.report.intervals import Interval, mean_interval, welch_interval

__all__ = ["METRICS", "Change", "Verdict", "changes_of"]

METRICS = (  # that are compared unless others are named; those that neither run has are left out
    "request_throughput",
    "request_goodput",
    "slo_attainment",
    "mean_ttft_ms",
    "mean_tpot_ms",
    "mean_e2el_ms",
    "p99_e2el_ms",
    "mean_batch_size",
    "kv_waste_fraction",
    "preemptions",
)


class Verdict(Enum):
    """What seeds say of a difference."""

    SAME = "the same"  # in every seed, to the last digit
    BEYOND = "beyond noise"  # its 95% interval excludes 0
    WITHIN = "within noise"  # its 95% interval holds 0
    UNTOLD = "cannot be told"  # too few seeds for an interval, or one run has no value


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A metric of one setting in two runs: their means, and the second less the first with its 95% interval."""

    setting: Setting
    metric: str
    ours: float | None  # mean over the seeds that are compared; None where the run has no value
    theirs: float | None
    difference: float | None
    low: float | None  # None where too few seeds tell no spread
    high: float | None
    method: str  # paired by seed, Welch, or why there is no interval
    seeds: tuple[int, int]  # with a value, of either run
    verdict: Verdict


def changes_of(pairs: Iterable[Pair], metrics: Sequence[str] = METRICS) -> list[Change]:
    """Every metric that either run has, of every setting that both have.

    Seeds that both ran are paired, for a seed draws the same requests: Student's t on their differences. Runs
    that share fewer than two seeds are compared by Welch's t. One seed tells no spread.
    """
    return [change for pair in pairs for change in _changes(pair, metrics)]


def _changes(pair: Pair, metrics: Sequence[str]) -> Iterator[Change]:
    for metric in metrics:
        ours, theirs = (_values(rows, metric) for rows in (pair.ours, pair.theirs))
        if len(ours) or len(theirs):
            yield _change(pair.setting, metric, ours, theirs)


def _values(rows: pd.DataFrame, metric: str) -> "pd.Series[float]":
    return rows[metric].dropna().astype(float).sort_index() if metric in rows.columns else pd.Series(dtype=float)


def _change(setting: Setting, metric: str, ours: "pd.Series[float]", theirs: "pd.Series[float]") -> Change:
    common = ours.index.intersection(theirs.index)
    seeds = (len(ours), len(theirs))
    paired = len(common) >= 2 or (len(common) == 1 and seeds == (1, 1))
    one, other = (ours.loc[common], theirs.loc[common]) if paired else (ours, theirs)
    interval = _interval(one.tolist(), other.tolist(), paired=paired)
    low, high = (None, None) if interval is None else _ends(interval)
    return Change(
        setting=setting,
        metric=metric,
        ours=fmean(one) if len(one) else None,
        theirs=fmean(other) if len(other) else None,
        difference=None if interval is None else interval.mean,
        low=low,
        high=high,
        method=_method(interval, paired=paired),
        seeds=seeds,
        verdict=_verdict(low, high, same=ours.equals(theirs)),
    )


def _interval(ours: list[float], theirs: list[float], *, paired: bool) -> Interval | None:
    if not (ours and theirs):
        return None
    if paired:
        return mean_interval([other - one for one, other in zip(ours, theirs, strict=True)])
    return welch_interval(ours, theirs)


def _ends(interval: Interval) -> tuple[float | None, float | None]:
    mean, half = interval
    return (None, None) if half is None else (mean - half, mean + half)


def _method(interval: Interval | None, *, paired: bool) -> str:
    if interval is None:
        return "one run has no value"
    if interval.half is None:
        return "one seed tells no spread"
    return "paired by seed" if paired else "Welch"


def _verdict(low: float | None, high: float | None, *, same: bool) -> Verdict:
    if same:
        return Verdict.SAME
    if low is None or high is None:
        return Verdict.UNTOLD
    return Verdict.WITHIN if low <= 0 <= high else Verdict.BEYOND
