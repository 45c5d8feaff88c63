"""A sweep's rows as one curve of points for each system."""

from dataclasses import dataclass
from math import isclose

import numpy as np
import pandas as pd

from s3sim.core.errors import InputError
from s3sim.report.cautions import marks
from s3sim.report.intervals import Interval, mean_interval
from s3sim.report.wording import value_text

__all__ = ["Curve", "Point", "curves", "require_columns", "value_text"]

SAME = 0.005  # two mean batches within 0.5% count as equal


@dataclass(frozen=True, slots=True)
class Point:
    """The replications of one system at one swept value; None is a field left open, as by `max_num_seqs: null`."""

    value: float | None
    x: Interval
    y: Interval
    batch: float | None  # mean batch size
    saturated: bool = False  # in some seed
    too_short: bool = False  # a burst, in some seed

    @property
    def hollow(self) -> bool:
        """Whether its numbers are not the system's, and its marker is left empty."""
        return self.saturated or self.too_short


@dataclass(frozen=True, slots=True)
class Curve:
    """One system's points, in the order of the swept value; one left open comes last."""

    system: str
    points: tuple[Point, ...]

    @property
    def at_wall(self) -> bool:
        """Whether the last rise of max_num_seqs let no more run: memory bounds the batch, or all that there is runs."""
        *before, last = self.points
        if last.value is None:
            return True
        return bool(before) and isclose(last.batch or 0.0, before[-1].batch or 1.0, rel_tol=SAME)

    @property
    def cliff(self) -> int | None:
        """The point from which on no rise of the swept value gives a larger batch; None where none stopped it.

        That needs a rise before, for a curve that is level all along may not heed the value; and a rise after,
        unless the last value is left open, where memory alone bounds the batch.
        """
        batches = [point.batch or 0.0 for point in self.points]
        last = len(batches) - (self.points[-1].value is not None)
        for index in range(1, last):
            if batches[index] > (1 + SAME) * batches[0] and max(batches[index:]) <= (1 + SAME) * batches[index]:
                return index
        return None


def curves(summary: pd.DataFrame, *, x: str, y: str, swept_over: str) -> list[Curve]:
    """The curves of all systems that have a point with both metrics, in the order of the frame."""
    require_columns(summary, ["system", swept_over, x, y])
    known = summary[summary[x].notna() & summary[y].notna()]
    if known.empty:
        raise InputError(f"no row has both {x} and {y}; nothing finished, so there is no curve to draw")
    found = []
    for system in dict.fromkeys(known["system"]):
        groups = known[known["system"] == system].groupby(swept_over, dropna=False)  # ascending, null last
        points = [_point(rows, value, x, y) for value, rows in groups]
        found.append(Curve(system, tuple(points)))
    return found


def require_columns(frame: pd.DataFrame, names: list[str]) -> None:
    """Raise InputError for the columns that the frame lacks."""
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise InputError(f"no column {', '.join(map(repr, missing))} among {', '.join(map(repr, frame.columns))}")


def _point(rows: pd.DataFrame, value: object, x: str, y: str) -> Point:
    batch = rows["mean_batch_size"].mean() if "mean_batch_size" in rows.columns else np.nan
    return Point(
        None if pd.isna(value) else float(value),  # type: ignore[call-overload, arg-type]
        mean_interval(rows[x].astype(float).tolist()),
        mean_interval(rows[y].astype(float).tolist()),
        None if np.isnan(batch) else float(batch),
        *("*" in marks(rows), "†" in marks(rows)),
    )
