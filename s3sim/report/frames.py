"""The event log as frames: views, not copies."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from s3sim.core.events import EVENT_COLUMNS, STEP_COLUMNS, EventLog

__all__ = ["PS_PER_MS", "PS_PER_S", "Column", "column", "event_frame", "step_frame"]

Column = NDArray[np.int64]
PS_PER_MS = 10**9
PS_PER_S = 10**12


def event_frame(source: EventLog | Column) -> pd.DataFrame:
    """The log's events, with EVENT_COLUMNS: a view, so the log must not be appended to while it lives."""
    return _frame(np.frombuffer(source.events, np.int64) if isinstance(source, EventLog) else source, EVENT_COLUMNS)


def step_frame(source: EventLog | Column) -> pd.DataFrame:
    """The log's stretches, with STEP_COLUMNS: a view, so the log must not be appended to while it lives."""
    return _frame(np.frombuffer(source.steps, np.int64) if isinstance(source, EventLog) else source, STEP_COLUMNS)


def column(frame: pd.DataFrame, name: str) -> Column:
    """A column of a frame as integers, without a copy where it holds such."""
    return frame[name].to_numpy(dtype=np.int64)


def _frame(cells: Column, names: tuple[str, ...]) -> pd.DataFrame:
    return pd.DataFrame(cells.reshape(-1, len(names)), columns=list(names), copy=False)
