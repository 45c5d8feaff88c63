"""A sweep's rows as one curve of points for each system."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from s3sim.core.errors import InputError
from s3sim.report.intervals import Interval, mean_interval

__all__ = ["Curve", "Point", "curves", "require_columns", "value_text"]

SAME = 0.01  # two throughputs within 1% count as equal


@dataclass(frozen=True, slots=True)
class Point:
    """The replications of one system at one swept value; None is a field left open, as by `max_num_seqs: null`."""

    value: float | None
    x: Interval
    y: Interval
    batch: float | None  # mean batch size


@dataclass(frozen=True, slots=True)
class Curve:
    """One system's points, in the order of the swept value; one left open comes last."""

    system: str
    points: tuple[Point, ...]

    @property
    def at_memory_wall(self) -> bool:
        """Whether memory, no longer max_num_seqs, bounds the batch: unbounded, or raised without any effect."""
        last = self.points[-1]
        if last.value is None:
            return True
        return len(self.points) > 1 and abs(last.x.mean - self.points[-2].x.mean) <= SAME * abs(last.x.mean)


def curves(summary: pd.DataFrame, *, x: str, y: str, swept_over: str) -> list[Curve]:
    """The curves of all systems that have a point with both metrics, in the order of the frame."""
    require_columns(summary, ["system", swept_over, x, y])
    known = summary[summary[x].notna() & summary[y].notna()]
    if known.empty:
        raise InputError(f"no row has both {x} and {y}; nothing finished, so there is no curve to draw")
    found = []
    for system in dict.fromkeys(known["system"]):
        mine = known[known["system"] == system].sort_values(swept_over, kind="stable", na_position="last")
        points = [_point(rows, value, x, y) for value, rows in mine.groupby(swept_over, dropna=False)]
        found.append(Curve(system, tuple(points)))
    return found


def require_columns(frame: pd.DataFrame, names: list[str]) -> None:
    """Raise InputError for the columns that the frame lacks."""
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise InputError(f"no column {', '.join(map(repr, missing))} among {', '.join(map(repr, frame.columns))}")


def value_text(value: float | None) -> str:
    """A swept value as it is written in a figure."""
    return "unlimited" if value is None else f"{value:g}"


def _point(rows: pd.DataFrame, value: object, x: str, y: str) -> Point:
    batch = rows["mean_batch_size"].mean() if "mean_batch_size" in rows.columns else np.nan
    return Point(
        None if pd.isna(value) else float(value),  # type: ignore[call-overload, arg-type]
        mean_interval(rows[x].astype(float).tolist()),
        mean_interval(rows[y].astype(float).tolist()),
        None if np.isnan(batch) else float(batch),
    )
