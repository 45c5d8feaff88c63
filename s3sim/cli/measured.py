"""What was measured of a run, and how systems differ, as tables for a terminal."""

from collections.abc import Iterator, Sequence
from math import isnan
from typing import Any

import pandas as pd

from s3sim.cli.sheets import Column, Sheet
from s3sim.report.cautions import SATURATED, TOO_SHORT, marks
from s3sim.report.paired import Compared, baseline_of, paired_difference, paired_ratio

__all__ = ["by_seed", "differences", "explained", "interval_text", "mark", "setting_means", "windows"]


def setting_means(rows: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Means over the seeds, by setting and system."""
    return rows.groupby([*keys, "system"], sort=False, dropna=False).mean(numeric_only=True).reset_index()


def mark(mean: "pd.Series[Any]") -> str:
    """The signs of a setting: `*` where it was saturated in some seed, `†` where its burst was too short."""
    return marks(mean.to_frame().T)


def explained(means: pd.DataFrame) -> str | None:
    """A sentence for each sign that some row bears; None where none does."""
    signs = marks(means)
    told = [text for text in (SATURATED, TOO_SHORT) if text[0] in signs]
    return "; ".join(told) or None


def by_seed(rows: pd.DataFrame, setting: "pd.Series[Any]", keys: Sequence[str], metric: str) -> "pd.Series[float]":
    """A metric by seed, of the system that names a row of means, at its swept values."""
    chosen = rows["system"] == setting.name
    for key in keys:
        chosen &= rows[key].isna() if pd.isna(setting[key]) else rows[key] == setting[key]
    return rows[chosen].set_index("seed")[metric]


def interval_text(ratio: Compared) -> str:
    """The interval of a ratio, where several seeds give one."""
    return "" if isnan(ratio.low) else f" (95%: {ratio.low:.2f}–{ratio.high:.2f}, paired by seed)"


def windows(best: pd.DataFrame, keys: Sequence[str], *, title: str) -> Iterator[Sheet]:
    """The measured window of each row, where requests arrived at a rate."""
    if "offered_rate" not in best.columns or best["offered_rate"].isna().all():
        return
    rows = []
    for _, row in best.iterrows():
        at = ", ".join(f"{row[key]:g}" for key in keys)
        times = (f"{row[name]:.1f}" for name in ("offered_rate", "window_start_s", "window_end_s", "duration_s"))
        rows.append((f"{row['system']}{mark(row)}", at, *times, f"{row['measured_requests']:.0f}"))
    headings = ("offered\nreq/s", "from s", "to s", "of s", "requests")
    columns = (Column("system"), Column("at"), *(Column(heading, right=True) for heading in headings))
    yield Sheet(title=title, columns=columns, rows=tuple(rows), keys=2)


def differences(
    rows: pd.DataFrame, best: pd.DataFrame, keys: Sequence[str], metric: tuple[str, str], *, title: str
) -> Iterator[Sheet]:
    """Each system less the baseline, both at their best, paired by seed; nothing where one seed tells no spread."""
    baseline = baseline_of(best["system"])
    if baseline is None or rows["seed"].nunique() < 2:
        return
    name, unit = metric
    places = best.set_index("system")
    seeds = {system: by_seed(rows, place, keys, name) for system, place in places.iterrows()}
    lines = []
    for system, ours in seeds.items():
        if system != baseline:
            less, ratio = paired_difference(ours, seeds[baseline]), paired_ratio(ours, seeds[baseline])
            cells = (f"{less.mean:+.2f}", f"{less.low:+.2f} to {less.high:+.2f}")
            lines.append((str(system), *cells, f"{ratio.mean:.3f}", f"{ratio.low:.3f} to {ratio.high:.3f}"))
    headings = ("difference", "its 95% interval", "ratio", "ratio's 95%")
    yield Sheet(
        title=f"{title}: {unit} less {baseline}'s, paired by seed",
        columns=(Column("system"), *(Column(heading, right=True) for heading in headings)),
        rows=tuple(lines),
        caption="each at its best; both serve the very same requests of a seed; comparisons.csv: every setting",
    )
