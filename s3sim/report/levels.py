"""The log as levels of KV slots: intervals of time, in each of which the counts are known step by step."""

from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd

from s3sim.core.errors import InvariantError
from s3sim.core.events import Event
from s3sim.report.frames import Column, column

__all__ = ["FOREVER", "Level", "account", "durations", "last_finish"]

FOREVER = 1 << 62  # ps; longer than any run


@dataclass(frozen=True, slots=True)
class Level:
    """Intervals that do not overlap, ascending: stretches, or times as if of one step in which nothing changes.

    Step j (from 0) takes first + j·increment ps, uses used + j·decodes slots and holds `held` and
    what was taken since; `grown` is the sum of the latter over the steps, `moment` that of j times it.
    """

    start: Column
    first: Column
    increment: Column
    steps: Column
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


def account(events: pd.DataFrame, steps: pd.DataFrame, *, end_ps: int) -> Level:
    """The device's KV account from 0 to `end_ps`, from one plan to the next, on whatever lane.

    Every plan told the slots of the whole device, in a stretch or as IDLE, and they stand until the next
    one; where several lanes planned at one instant, the last. (Before the first, and where a log lacks
    the plan at a stretch's end, nothing is held.) Raises InvariantError where a stretch of several steps
    runs on past the next plan or past `end_ps`: such have one lane alone, and end with a plan.
    """
    idle = _idle(events)
    plans = _joined(idle, _stretches(steps))
    working = np.arange(len(plans)) >= len(idle)  # an idle lane changes nothing: at one instant the others' slots stand
    plans = plans[np.lexsort((working, plans.start))]
    plans = plans[: int(np.searchsorted(plans.start, end_ps))]
    room = np.append(plans.start[1:], [end_ps])[: len(plans)] - plans.start
    late = np.flatnonzero((plans.steps > 1) & (plans.elapsed > room))
    if len(late):
        place = f"the stretch at {plans.start[late[0]]} ps"
        raise InvariantError(f"{place} runs on past the next plan, or past {end_ps} ps")
    plans = replace(plans, first=np.where(plans.steps > 1, plans.first, np.minimum(plans.first, room)))
    return plans[np.flatnonzero(plans.first)]


def _idle(events: pd.DataFrame) -> Level:
    idle = events.iloc[np.flatnonzero(column(events, "event") == Event.IDLE)]
    start, held, used = (column(idle, name) for name in ("time_ps", "tokens", "detail"))
    nothing, one = np.zeros_like(start), np.ones_like(start)
    return Level(start, FOREVER * one, nothing, one, nothing, held, used, nothing, nothing)


def _stretches(steps: pd.DataFrame) -> Level:
    names = ["start_ps", "first_ps", "increment_ps", "steps", "decode_sequences"]
    names += ["kv_held", "kv_used", "kv_grown", "kv_grown_moment"]
    return Level(*(column(steps, name) for name in names))


def _joined(one: Level, other: Level) -> Level:
    return Level(*(np.append(getattr(one, field.name), getattr(other, field.name)) for field in fields(one)))


def durations(steps: pd.DataFrame) -> Column:
    """How long each stretch ran, in ps."""
    count = column(steps, "steps")
    return count * column(steps, "first_ps") + column(steps, "increment_ps") * (count * (count - 1) // 2)


def last_finish(events: pd.DataFrame) -> int | None:
    """Time of the last FINISHED in ps; None where nothing finished."""
    times = column(events, "time_ps")[column(events, "event") == Event.FINISHED]
    return int(times.max()) if len(times) else None
