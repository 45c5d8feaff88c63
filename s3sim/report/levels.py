"""The log as levels of KV slots: intervals of time, in each of which the counts are known step by step."""

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from s3sim.core.errors import InvariantError
from s3sim.core.events import Event
from s3sim.report.frames import Column, column

__all__ = ["Level", "busy_level", "idle_level", "last_finish"]


@dataclass(frozen=True, slots=True)
class Level:
    """Intervals that do not overlap, ascending: stretches, or idle times as stretches of one step.

    Step j (from 0) takes first + j·increment ps, uses used + j·decodes slots and holds `held` and
    what was taken since; `grown` is the sum of the latter over the steps, `moment` that of j times it.
    """

    start: Column
    first: Column
    increment: Column
    steps: Column
    sequences: Column
    decodes: Column
    held: Column
    used: Column
    grown: Column
    moment: Column

    def __getitem__(self, index: "Column | slice") -> "Level":
        return Level(*(getattr(self, field.name)[index] for field in fields(self)))

    def __len__(self) -> int:
        return len(self.start)

    @property
    def elapsed(self) -> Column:
        """Duration of each interval in ps."""
        return self.steps * self.first + self.increment * (self.steps * (self.steps - 1) // 2)


def busy_level(steps: pd.DataFrame, *, end_ps: int) -> Level:
    """The stretches that start before `end_ps`.

    Raises InvariantError where stretches overlap, as those of several lanes do: each tells of the
    whole device, so they cannot be added up; and where one is running at `end_ps`.
    """
    start = column(steps, "start_ps")
    steps = steps.iloc[: int(np.searchsorted(start, end_ps))]
    level = Level(
        start=column(steps, "start_ps"),
        first=column(steps, "first_ps"),
        increment=column(steps, "increment_ps"),
        steps=column(steps, "steps"),
        sequences=column(steps, "prefill_sequences") + column(steps, "decode_sequences"),
        decodes=column(steps, "decode_sequences"),
        held=column(steps, "kv_held"),
        used=column(steps, "kv_used"),
        grown=column(steps, "kv_grown"),
        moment=column(steps, "kv_grown_moment"),
    )
    late = np.flatnonzero(level.start + level.elapsed > np.append(level.start[1:], [end_ps])[: len(level)])
    if len(late):
        raise InvariantError(f"the stretch at {level.start[late[0]]} ps runs on past the next one, or past {end_ps} ps")
    return level


def idle_level(events: pd.DataFrame, steps: pd.DataFrame, *, end_ps: int) -> Level:
    """The times up to `end_ps` at which nothing ran: from an IDLE event to the next, or to a stretch."""
    idle = events.iloc[np.flatnonzero(column(events, "event") == Event.IDLE)]
    start, busy = column(idle, "time_ps"), np.append(column(steps, "start_ps"), [end_ps])
    until = np.minimum(np.append(start[1:], [end_ps])[: len(start)], busy[np.searchsorted(busy[:-1], start)])
    elapsed = np.minimum(until, end_ps) - start
    kept = elapsed > 0
    nothing, one = np.zeros(kept.sum(), np.int64), np.ones(kept.sum(), np.int64)
    held, used = column(idle, "tokens")[kept], column(idle, "detail")[kept]
    return Level(start[kept], elapsed[kept], nothing, one, nothing, nothing, held, used, nothing, nothing)


def last_finish(events: pd.DataFrame) -> int | None:
    """Time of the last FINISHED in ps; None where nothing finished."""
    times = column(events, "time_ps")[column(events, "event") == Event.FINISHED]
    return int(times.max()) if len(times) else None
