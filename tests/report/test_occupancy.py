import numpy as np
import pandas as pd
import pytest

from s3sim.core.errors import InvariantError
from s3sim.core.events import Event
from s3sim.report.occupancy import last_finish, occupancy, occupancy_series
from tests.report.worlds import CAPACITY, NAMES, frames

RATES = (None, 12.0)
Levels = list[tuple[int, int, int, int]]  # start, end (ps), slots held, slots used


def rows(frame: pd.DataFrame, *names: str) -> list[list[int]]:
    """Columns of a frame as rows of integers."""
    cells: list[list[int]] = frame[list(names)].to_numpy().tolist()
    return cells


def levels(events: pd.DataFrame, steps: pd.DataFrame, end: int) -> Levels:
    """Slots from time 0 to the end, interval by interval, of a log of single steps."""
    idle = rows(events[events["event"] == Event.IDLE], "time_ps", "tokens", "detail")
    busy = rows(steps, "start_ps", "first_ps", "kv_held", "kv_used")
    starts = [start for start, *_ in busy + idle] + [end]
    found = [(start, start + first, held, used) for start, first, held, used in busy]
    found += [(at, min(time for time in starts if time > at), held, used) for at, held, used in idle if at < end]
    return sorted(found)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("name", NAMES)
def test_integrals_are_those_of_single_steps(name: str, rate: float | None) -> None:
    """With stretches the integrals equal, to the last slot and picosecond, a sum over steps and idle times."""
    events, steps = frames(name, rate=rate, single_steps=True)
    end = last_finish(events)
    assert end is not None
    told = levels(events, steps, end)
    assert told[0][0] == 0
    assert [start for start, *_ in told[1:]] == [stop for _, stop, *_ in told[:-1]], "time is covered without a hole"
    assert told[-1][1] == end
    stretched = occupancy(*frames(name, rate=rate), end_ps=end)
    assert stretched.held == sum((stop - start) * held for start, stop, held, _ in told)
    assert stretched.used == sum((stop - start) * used for start, stop, _, used in told)
    batch = steps["prefill_sequences"] + steps["decode_sequences"]
    assert stretched.busy == steps["first_ps"].sum()
    assert stretched.sequences == int((batch * steps["first_ps"]).sum())
    assert stretched == occupancy(events, steps, end_ps=end)


def test_the_worlds_grow_within_stretches_and_idle() -> None:
    """The law above is about something: paged stretches take blocks on their way, and replicas wait."""
    events, steps = frames("vllm", rate=12.0)
    assert (steps["kv_grown"] > 0).sum() > 20
    assert (events["event"] == Event.IDLE).sum() > 5
    held = frames("s3", rate=12.0)[0]
    assert (held.loc[held["event"] == Event.IDLE, "tokens"] > 0).any(), "slots are held while KV moves and nothing runs"


@pytest.mark.parametrize("name", NAMES)
def test_fractions_are_ordered(name: str) -> None:
    """Used <= reserved <= capacity; waste is what is missing between the first two."""
    events, steps = frames(name)
    found = occupancy(events, steps, end_ps=last_finish(events) or 0)
    used, reserved, waste = found.used_fraction(CAPACITY), found.reserved_fraction(CAPACITY), found.waste_fraction
    assert used is not None
    assert reserved is not None
    assert waste is not None
    assert 0 < used < reserved <= 1
    assert waste == pytest.approx(1 - used / reserved)


@pytest.mark.parametrize("points", [1, 7, 400])
@pytest.mark.parametrize("name", NAMES)
def test_a_series_keeps_the_integrals(name: str, points: int) -> None:
    """Bins times their width sum to the exact integrals, for any number of bins."""
    events, steps = frames(name, rate=12.0)
    exact = occupancy(events, steps, end_ps=last_finish(events) or 0)
    series = occupancy_series(events, steps, points=points)
    assert len(series) == points
    assert series["held"].sum() * exact.end / points == pytest.approx(exact.held, rel=1e-9)
    assert series["used"].sum() * exact.end / points == pytest.approx(exact.used, rel=1e-9)
    assert (series["used"] <= series["held"] + 1e-6).all()


@pytest.mark.parametrize("name", NAMES)
def test_bins_of_a_series_see_what_single_steps_see(name: str) -> None:
    """Bins that cut stretches hold the slots used at that time, exactly, and those held nearly."""
    single, stretched = (
        occupancy_series(*frames(name, rate=12.0, single_steps=single), points=997) for single in (True, False)
    )
    assert np.allclose(stretched["used"], single["used"], rtol=1e-6, atol=1e-6)
    assert np.abs(stretched["held"] - single["held"]).max() <= 16 * 4  # blocks taken within a stretch, spread evenly


def test_an_empty_window_is_null() -> None:
    """Where nothing finished there is no window, no fraction and no series."""
    events, steps = frames("s3")
    events, steps = events.iloc[:0], steps.iloc[:0]
    assert last_finish(events) is None
    found = occupancy(events, steps, end_ps=0)
    assert (found.reserved_fraction(9), found.waste_fraction, found.mean_batch_size) == (None, None, None)
    assert occupancy_series(events, steps).empty


def test_stretches_that_overlap_are_refused() -> None:
    """Lanes each tell of the whole device, so adding them would count slots twice."""
    events, steps = frames("s3")
    lanes = pd.concat([steps, steps.assign(lane=1)]).sort_values("start_ps", kind="stable")
    with pytest.raises(InvariantError, match="runs on past the next one"):
        occupancy(events, lanes, end_ps=last_finish(events) or 0)
