"""From rows of a summary to means, ratios and lines, over seeds."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from s3sim.paper.claims import number
from s3sim.report.figures.panels import Line
from s3sim.report.intervals import mean_interval
from s3sim.report.paired import Compared, paired_ratio

__all__ = ["best", "lines", "mark", "markdown", "mean", "ordered", "percent", "ratio", "text", "times", "where"]

MODELS = ("gpt-j-6b", "llama-13b", "gpt-neox-20b")


def where(rows: pd.DataFrame, **equal: Any) -> pd.DataFrame:
    """The rows whose columns have these values; a key's dots are written as double underscores."""
    for key, value in equal.items():
        rows = rows[rows[key.replace("__", ".")] == value]
    return rows


def mean(rows: pd.DataFrame, metric: str) -> Compared:
    """The mean over seeds and its 95% interval (Student's t), not below 0; NaN where there is nothing."""
    values = rows[metric].dropna().astype(float).tolist()
    if not values:
        return Compared(float("nan"), float("nan"), float("nan"))
    found = mean_interval(values)
    return Compared(found.mean, *found.ends(least=0.0))


def ratio(
    rows: pd.DataFrame, system: str, baseline: str, metric: str = "request_throughput", over: pd.DataFrame | None = None
) -> Compared:
    """One system over another, seed by seed, of the same rows, or of `over` for the baseline."""
    ours, theirs = (
        where(frame, system=name) for frame, name in ((rows, system), (rows if over is None else over, baseline))
    )
    pair = (frame.groupby("seed")[metric].mean() for frame in (ours, theirs))
    found = paired_ratio(*pair)
    return found if len(ours) > 1 else Compared(found.mean, found.mean, found.mean)


def best(rows: pd.DataFrame, by: str, metric: str = "request_throughput") -> pd.DataFrame:
    """The rows of the value of column `by` at which the mean over seeds is highest."""
    means = rows.groupby(by)[metric].mean()
    return rows[rows[by] == means.idxmax()]


def lines(rows: pd.DataFrame, *, x: str, y: str, swept: str, scale: float = 1.0) -> list[Line]:
    """A line per system through its swept values: means over seeds, of y with intervals."""
    found = []
    for system, group in rows.groupby("system", sort=False):
        points = [(mean(part, x).mean, mean(part, y)) for _, part in group.groupby(swept)]
        middle, low, high = ([scale * getattr(one, end) for _, one in points] for end in ("mean", "low", "high"))
        found.append(Line(name=str(system), x=[at for at, _ in points], y=middle, low=low, high=high))
    return found


def mark(rows: pd.DataFrame) -> str:
    """A dagger where some burst was too short for its batch, so that its rates are low."""
    return "†" if (rows["too_short"].fillna(0) > 0).any() else ""


def percent(found: Compared) -> str:
    """A share, as a percentage with its interval."""
    return text(Compared(*(100 * value for value in found)))


def text(found: Compared, unit: str = "") -> str:
    """A mean with its interval, as tables write it."""
    spread = "" if found.low != found.low or found.low == found.high else f" ({number(found.low)}–{number(found.high)})"
    return f"{number(found.mean)}{unit}{spread}" if found.mean == found.mean else "–"


def times(found: Compared) -> str:
    """A ratio with its interval."""
    return text(found, "×")


def markdown(heading: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table of the page."""
    lines_of = [heading, ["---"] * len(heading), *rows]
    return "\n".join(f"| {' | '.join(str(cell).replace('|', '/') for cell in row)} |" for row in lines_of)


def ordered(rows: pd.DataFrame, column: str, first: Mapping[str, int] | Sequence[str] = MODELS) -> list[str]:
    """The values of a column, the known ones in their order."""
    known = list(first)
    return sorted(rows[column].unique(), key=lambda name: (known.index(name) if name in known else len(known), name))
