"""KV slots held and used as a series of averages, for drawing."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from s3sim.report.frames import PS_PER_S, Column
from s3sim.report.levels import Level, account, last_finish

__all__ = ["occupancy_series"]

Reals = NDArray[np.float64]


def occupancy_series(
    events: pd.DataFrame, steps: pd.DataFrame, *, points: int = 400, end_ps: int | None = None
) -> pd.DataFrame:
    """Averages over `points` equal bins of time: columns time_s (the bin's middle), held and used (slots).

    Ends with the last FINISHED, or at `end_ps`. A bin that cuts a stretch sees the slots used as
    they were, and those held as if they had been taken evenly. Empty where nothing finished.
    """
    end = last_finish(events) if end_ps is None else end_ps
    edges = np.linspace(0, end, points + 1) if end else np.zeros(1)
    level = account(events, steps, end_ps=end or 0)
    held, used = _before(level, edges) if len(level) else (np.zeros_like(edges), np.zeros_like(edges))
    middle, width = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    return pd.DataFrame({"time_s": middle / PS_PER_S, "held": np.diff(held) / width, "used": np.diff(used) / width})


def _before(level: Level, edges: Reals) -> tuple[Reals, Reals]:
    """∫ held and ∫ used from 0 to each edge."""
    at = np.searchsorted(level.start, edges, side="right") - 1  # the interval that began last
    begun = at >= 0
    here = level[at[begun]]
    into = np.minimum(edges[begun] - here.start, here.elapsed)
    results = []
    for full, part in zip(_areas(level, level.steps), _parts(here, into), strict=True):
        result = np.zeros_like(edges)
        result[begun] = (np.cumsum(full) - full)[at[begun]] + part
        results.append(result)
    return results[0], results[1]


def _parts(level: Level, into: Reals) -> tuple[Reals, Reals]:
    """∫ held and ∫ used over the first `into` ps of each interval: whole steps, and a part of one."""
    whole = _steps_within(level, into)
    held, used = _areas(level, whole)
    rest = into - (whole * level.first + level.increment * _pairs(whole))
    held_now = level.held + level.grown * whole / np.maximum(_pairs(level.steps), 1)
    return held + rest * held_now, used + rest * (level.used + whole * level.decodes)


def _steps_within(level: Level, into: Reals) -> Column:
    """Whole steps that end within `into` ps: the root of steps · first + increment · Σ j = into, rounded down."""
    b = 2.0 * level.first - level.increment
    root = 4.0 * into / (b + np.sqrt(b * b + 8.0 * level.increment * into))
    return np.minimum(np.floor(root).astype(np.int64), level.steps)


def _areas(level: Level, steps: Column) -> tuple[Reals, Reals]:
    """∫ held and ∫ used over the first `steps` steps of each interval."""
    pairs, squares = _pairs(steps), _squares(steps)
    elapsed = steps * level.first + level.increment * pairs
    total = level.grown * pairs / np.maximum(_pairs(level.steps), 1)
    moment = level.moment * squares / np.maximum(_squares(level.steps), 1)
    held = level.held * elapsed + level.first * total + level.increment * moment
    return held, level.used * elapsed + level.decodes * (level.first * pairs + level.increment * squares)


def _pairs(steps: Column) -> Reals:
    """Σ j over steps j from 0."""
    return steps * (steps - 1.0) / 2


def _squares(steps: Column) -> Reals:
    """Σ j² over steps j from 0."""
    return _pairs(steps) * (2.0 * steps - 1) / 3
