from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from s3sim.core.errors import InvariantError
from s3sim.core.events import STEP_COLUMNS, Event
from s3sim.report.frames import event_frame, step_frame
from s3sim.report.occupancy import last_finish, occupancy, occupancy_series
from tests.report.worlds import LANES, NAMES, WORLDS, facts_of, frames, run_of

RATES = (None, 12.0)
ONE_LANE = tuple(name for name in NAMES if name not in LANES)
Levels = list[tuple[int, int, int, int]]  # start, end (ps), slots held, slots used


def rows(frame: pd.DataFrame, *names: str) -> list[list[int]]:
    """Columns of a frame as rows of integers."""
    cells: list[list[int]] = frame[list(names)].to_numpy().tolist()
    return cells


def levels(events: pd.DataFrame, steps: pd.DataFrame, end: int) -> Levels:
    """Slots from time 0 to the end, interval by interval, of a log of single steps."""
    idle = rows(events[events["event"] == Event.IDLE], "time_ps", "tokens", "detail")
    busy = rows(steps[steps["start_ps"] < end], "start_ps", "first_ps", "kv_held", "kv_used")
    starts = [start for start, *_ in busy + idle] + [end]
    found = [(start, start + first, held, used) for start, first, held, used in busy]
    found += [(at, min(time for time in starts if time > at), held, used) for at, held, used in idle if at < end]
    return sorted(found)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("name", ONE_LANE)
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
    inside = steps["start_ps"] < end  # a batch that is given up runs on after the last finish
    assert stretched.busy == steps["first_ps"][inside].sum()
    assert stretched.sequences == int((batch * steps["first_ps"])[inside].sum())
    assert stretched == occupancy(events, steps, end_ps=end)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("name", NAMES)
def test_integrals_are_those_of_the_replica_itself(name: str, rate: float | None) -> None:
    """From plan to plan, on any lane, held and used are what the replica's own account said after the plan."""
    events, steps = frames(name, rate=rate, single_steps=True)
    end = last_finish(events) or 0
    plans = run_of(name, rate=rate, single_steps=True).plans
    times = [min(plan.time, end) for plan in plans] + [end]
    found = occupancy(events, steps, end_ps=end)
    spans = [stop - start for start, stop in pairwise(times)]
    assert found.held == sum(span * plan.held for span, plan in zip(spans, plans, strict=True))
    assert found.used == sum(span * plan.used for span, plan in zip(spans, plans, strict=True))


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("name", LANES)
def test_lanes_are_busy_together(name: str, rate: float | None) -> None:
    """Busy is when any lane runs, and the batch is that of all lanes: swept event by event."""
    events, steps = frames(name, rate=rate)
    end = last_finish(events) or 0
    batch = (steps["prefill_sequences"] + steps["decode_sequences"]).tolist()
    starts, ends = steps["start_ps"].tolist(), (steps["start_ps"] + steps["first_ps"]).tolist()
    changes = sorted([*zip(starts, [1] * len(batch), batch, strict=True)])
    changes = sorted([*changes, *((stop, -1, -size) for stop, size in zip(ends, batch, strict=True))])
    busy = sequences = running = flying = last = 0
    for time, more, size in changes:
        busy += (time - last) * (running > 0)
        sequences += (time - last) * flying
        last, running, flying = time, running + more, flying + size
    found = occupancy(events, steps, end_ps=end)
    assert (found.busy, found.sequences) == (busy, sequences)
    assert busy < sum(ends) - sum(starts)


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
    found, capacity = occupancy(events, steps, end_ps=last_finish(events) or 0), facts_of(name).kv_capacity_tokens
    used, reserved, waste = found.used_fraction(capacity), found.reserved_fraction(capacity), found.waste_fraction
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
    taken = 16 * 4 if WORLDS[name].system == "vllm" else 40  # blocks, or tensors, taken within a stretch: spread evenly
    assert np.abs(stretched["held"] - single["held"]).max() <= taken


def test_an_empty_window_is_null() -> None:
    """Where nothing finished there is no window, no fraction and no series."""
    events, steps = frames("s3")
    events, steps = events.iloc[:0], steps.iloc[:0]
    assert last_finish(events) is None
    found = occupancy(events, steps, end_ps=0)
    assert (found.reserved_fraction(9), found.waste_fraction, found.mean_batch_size) == (None, None, None)
    assert occupancy_series(events, steps).empty


def test_lanes_worked_out() -> None:
    """Two lanes by hand: at one instant a working lane's slots stand, and a long step covers short ones within it."""
    events = event_frame(np.array([(0, Event.IDLE, 0, 0, 0, 0), (5, Event.IDLE, 1, 30, 8, 1)], np.int64))
    told = [
        {"start_ps": 0, "first_ps": 5, "lane": 1, "decode_sequences": 1, "kv_held": 10, "kv_used": 2},
        {"start_ps": 5, "first_ps": 95, "lane": 0, "prefill_sequences": 2, "kv_held": 30, "kv_used": 8},
        {"start_ps": 10, "first_ps": 10, "lane": 1, "decode_sequences": 3, "kv_held": 40, "kv_used": 9},
        {"start_ps": 30, "first_ps": 10, "lane": 1, "decode_sequences": 1, "kv_held": 20, "kv_used": 7},
    ]
    cells = [[step.get(name, int(name == "steps")) for name in STEP_COLUMNS] for step in told]
    found = occupancy(events, step_frame(np.array(cells, np.int64)), end_ps=100)
    assert found.held == 5 * 10 + 5 * 30 + 10 * 40 + 10 * 20  # nobody planned when the last two ended
    assert found.used == 5 * 2 + 5 * 8 + 10 * 9 + 10 * 7
    assert found.busy == 100
    assert found.sequences == 5 * 1 + 95 * 2 + 10 * 3 + 10 * 1


def test_stretches_that_overlap_are_refused() -> None:
    """Only single steps may overlap: a stretch tells of the whole device, which another lane's plans change."""
    events, steps = frames("s3")
    lanes = pd.concat([steps, steps.assign(lane=1)]).sort_values("start_ps", kind="stable")
    with pytest.raises(InvariantError, match="runs on past the next plan"):
        occupancy(events, lanes, end_ps=last_finish(events) or 0)


def test_a_stretch_across_the_end_is_refused() -> None:
    """A window ends between stretches; it may cut a single step, in which nothing changes."""
    events, steps = frames("s3")
    long = steps[steps["steps"] > 1].iloc[3]
    with pytest.raises(InvariantError, match="runs on past the next plan, or past"):
        occupancy(events, steps, end_ps=int(long["start_ps"] + long["first_ps"]))
    short = steps[steps["steps"] == 1].iloc[3]
    begin, half = int(short["start_ps"]), int(short["first_ps"]) // 2
    before, after = (occupancy(events, steps, end_ps=at) for at in (begin, begin + half))
    assert after.held - before.held == half * short["kv_held"]
    assert after.busy - before.busy == half
