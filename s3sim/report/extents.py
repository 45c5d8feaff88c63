"""The KV address space over time, for contiguous systems: a replay of the event log.

The log tells where a reservation was placed, to which address it was moved, and when it was returned.
"""

from itertools import chain

import pandas as pd

from s3sim.report.addresses import STATES, Rectangle
from s3sim.report.replay import replay, replay_holes

__all__ = ["extents", "external_fragmentation", "free_space"]


def extents(events: pd.DataFrame, steps: pd.DataFrame, *, capacity_tokens: int) -> pd.DataFrame:
    """Every reservation as rectangles of addresses and time, one for each address and state of its sequence.

    Columns are those of Rectangle; state is a category of STATES: prefill, decode, swapping_out and
    swapping_in (the host link uses the slots), finished (a static batch's row that waits for the others;
    with delivery at the batch's end the log does not tell of that, and such a row decodes until then).
    used_begin and used_end are the slots written at the rectangle's begin and by its end: while it decodes one
    more with each step of the lane; what a prefill or the link writes counts at its end. Exact for systems
    whose KV is contiguous, of which each lane has an equal share of `capacity_tokens`; raises InvariantError
    where the log gives slots away twice.
    """
    spaces = replay(events, steps, capacity_tokens)
    rows = chain.from_iterable(space.rectangles for space in spaces)
    frame = pd.DataFrame(list(rows), columns=list(Rectangle._fields))
    frame["state"] = pd.Categorical(frame["state"], STATES)
    return frame.sort_values(["begin_ps", "lane", "address"], kind="stable", ignore_index=True)


def free_space(events: pd.DataFrame, steps: pd.DataFrame, *, capacity_tokens: int) -> pd.DataFrame:
    """Slots free and slots of the largest hole, from each time on until the lane's next: lane, time_ps, free, largest.

    External fragmentation at a time is 1 - largest / free: the share of the free slots that the
    largest hole lacks. See `extents` for what it needs and raises.
    """
    spaces = replay_holes(events, steps, capacity_tokens)
    rows = [(space.lane, *level) for space in spaces for level in space.levels]
    return pd.DataFrame(rows, columns=["lane", "time_ps", "free", "largest"])


def external_fragmentation(
    events: pd.DataFrame, steps: pd.DataFrame, *, capacity_tokens: int, end_ps: int, begin_ps: int = 0
) -> float | None:
    """1 - ∫ largest hole / ∫ free from `begin_ps` to `end_ps`, over all lanes; None where nothing was ever free."""
    free = largest = 0
    for space in replay_holes(events, steps, capacity_tokens):
        levels = [level for level in space.levels if level[0] < end_ps]
        ends = [*(time for time, *_ in levels[1:]), end_ps][: len(levels)]
        for (begin, now_free, now_largest), end in zip(levels, ends, strict=True):
            elapsed = max(0, end - max(begin, begin_ps))
            free += elapsed * now_free
            largest += elapsed * now_largest
    return (free - largest) / free if free else None
