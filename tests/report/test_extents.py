from bisect import bisect_right
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3sim.core.errors import InvariantError
from s3sim.core.events import Event
from s3sim.report.extents import extents, external_fragmentation, free_space
from s3sim.report.holes import Holes
from s3sim.report.occupancy import last_finish
from s3sim.report.replay import lane_count
from tests.report.worlds import CAPACITY, CONTIGUOUS, LANES, WORLDS, Plan, facts_of, frames, run_of

RATES = (None, 12.0)
TOLD = [name for name in CONTIGUOUS if name not in LANES and facts_of(name).delivery == "token"]


def capacity(name: str) -> int:
    """Slots of all lanes."""
    return facts_of(name).kv_capacity_tokens


def settled(plans: list[Plan]) -> list[Plan]:
    """The last plan of each instant."""
    return list({plan.time: plan for plan in plans}.values())


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("name", CONTIGUOUS)
def test_extents_lie_where_the_replica_put_them(name: str, rate: float | None) -> None:
    """After every plan, the rectangles that cover that time are the replica's own extents, lane by lane."""
    found = extents(*frames(name, rate=rate, single_steps=True), capacity_tokens=capacity(name))
    begin, end = found["begin_ps"].to_numpy(), found["end_ps"].to_numpy()
    cells = list(zip(*(found[column].tolist() for column in ("lane", "id", "address", "tokens")), strict=True))
    for plan in settled(run_of(name, rate=rate, single_steps=True).plans):
        here = [cells[row] for row in np.flatnonzero((begin <= plan.time) & (plan.time < end))]
        assert {(lane, ident): (address, tokens) for lane, ident, address, tokens in here} == plan.extents
        assert len(here) == len(plan.extents)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("name", CONTIGUOUS)
def test_free_space_is_the_replicas(name: str, rate: float | None) -> None:
    """After every plan, each lane's free slots and largest hole are those of its own account."""
    found = free_space(*frames(name, rate=rate, single_steps=True), capacity_tokens=capacity(name))
    told = {lane: rows.to_numpy()[:, 1:].tolist() for lane, rows in found.groupby("lane")}
    assert not found.duplicated(["lane", "time_ps"]).any()
    for plan in settled(run_of(name, rate=rate, single_steps=True).plans):
        for lane, (free, largest) in enumerate(plan.free):
            index = bisect_right(told[lane], [plan.time, CAPACITY + 1]) - 1
            assert told[lane][index][1:] == [free, largest]


@pytest.mark.parametrize("name", CONTIGUOUS)
def test_stretches_change_no_extent(name: str) -> None:
    """The map is the same from stretches and from single steps: its times are those of events."""
    one, other = (
        extents(*frames(name, single_steps=single), capacity_tokens=capacity(name)) for single in (True, False)
    )
    pd.testing.assert_frame_equal(one, other)


@pytest.mark.parametrize("name", TOLD)
def test_what_is_written_sums_to_what_the_log_says(name: str) -> None:
    """At each step's start the written slots of all rectangles are those of the log.

    Of one lane: with several, the log leaves out who came back over the link until the lane's next plan.
    """
    events, steps = frames(name, single_steps=True)
    found = extents(events, steps, capacity_tokens=capacity(name))
    begin, end, first = (found[column].to_numpy() for column in ("begin_ps", "end_ps", "used_begin"))
    decodes = (found["state"] == "decode").to_numpy()
    starts = steps.loc[steps["decode_sequences"] > 0, "start_ps"].to_numpy()
    for time, used in zip(steps["start_ps"], steps["kv_used"], strict=True):
        here = (begin <= time) & (time < end)
        steps_since = np.searchsorted(starts, time) - np.searchsorted(starts, begin)
        assert (first + decodes * steps_since)[here].sum() == used


@pytest.mark.parametrize("name", CONTIGUOUS)
def test_a_sequence_has_one_place_at_a_time(name: str) -> None:
    """Rectangles of a sequence follow each other; those of different ones never share a slot at one time."""
    found = extents(*frames(name), capacity_tokens=capacity(name)).sort_values(["id", "begin_ps"])
    later = found["id"] == found["id"].shift()
    assert (found["begin_ps"] >= found["end_ps"].shift())[later].all()
    assert (found["begin_ps"] < found["end_ps"]).all()
    assert (found["used_end"] <= found["tokens"]).all()
    assert (found["used_begin"] <= found["used_end"]).all()
    for _, rows in found.groupby("lane"):
        address, top, begin, end = (
            cells.to_numpy()[:, None]
            for cells in (rows["address"], rows["address"] + rows["tokens"], rows["begin_ps"], rows["end_ps"])
        )
        shared = (address < top.T) & (top > address.T) & (begin < end.T) & (end > begin.T)
        assert shared.sum() == len(rows)


@pytest.mark.parametrize("name", ["s3", "s3_lanes", "orca_pow2", "s3_on_release"])
def test_fragmentation_is_the_integral_over_a_map_of_bits(name: str) -> None:
    """1 - ∫ largest hole / ∫ free, slot by slot: from the rectangles alone, without any account of holes."""
    events, steps = frames(name)
    end, lanes = last_finish(events) or 0, WORLDS[name].lanes
    found = extents(events, steps, capacity_tokens=capacity(name))
    moments = sorted({0, *found["begin_ps"].tolist(), *found["end_ps"].tolist(), end})
    free = largest = 0
    for lane in range(lanes):
        rows = found[found["lane"] == lane]
        cells = list(zip(*(rows[n].tolist() for n in ("begin_ps", "end_ps", "address", "tokens")), strict=True))
        for begin, stop in pairwise(moments):
            bits = bytearray(b"." * CAPACITY)
            for first, last, address, tokens in cells:
                if first <= begin < last:
                    bits[address : address + tokens] = b"#" * tokens
            free += (stop - begin) * bits.count(b".")
            largest += (stop - begin) * max(map(len, bits.split(b"#")))
    share = external_fragmentation(events, steps, capacity_tokens=capacity(name), end_ps=end)
    assert share == pytest.approx((free - largest) / free, rel=1e-12)
    assert share is not None
    assert share > 0


def test_the_worlds_hold_every_state() -> None:
    """The laws above are about something: extents are pinned by the link while others slide, and rows wait finished."""
    states = set(extents(*frames("s3"), capacity_tokens=CAPACITY)["state"])
    assert states == {"prefill", "decode", "swapping_out", "swapping_in"}
    assert (extents(*frames("fastertransformer_token"), capacity_tokens=CAPACITY)["state"] == "finished").sum() > 20
    events, _ = frames("s3", rate=12.0)
    found = extents(*frames("s3", rate=12.0), capacity_tokens=CAPACITY)
    pinned = found[found["state"].isin(["swapping_out", "swapping_in"])]
    times = events.loc[events["event"] == Event.COMPACTED, "time_ps"]
    assert any(((pinned["begin_ps"] < time) & (time < pinned["end_ps"])).any() for time in times)
    assert lane_count(*frames("s3_lanes")) == WORLDS["s3_lanes"].lanes


def test_a_log_that_gives_slots_away_twice_is_refused() -> None:
    """Slots that somebody holds, and an extent that was moved onto another, are bugs and are told as such."""
    events, steps = frames("s3")
    late = int(np.flatnonzero(events["event"] == Event.FINISHED)[3])
    with pytest.raises(InvariantError, match=r"slots \d+ to \d+ were given away"):
        extents(events.drop(index=late), steps, capacity_tokens=CAPACITY)
    at = np.flatnonzero(events["event"] == Event.RELOCATED)[-1]
    wrong = events.copy()
    wrong.loc[at, "detail"] -= 1
    with pytest.raises(InvariantError, match=r"slots \d+ to \d+ were given away"):
        free_space(wrong, steps, capacity_tokens=CAPACITY)


def test_an_empty_log_has_an_empty_map() -> None:
    """Nothing was admitted: no rectangle, one hole; no window, no fragmentation."""
    events, steps = (frame.iloc[:0] for frame in frames("s3"))
    assert extents(events, steps, capacity_tokens=9).empty
    assert free_space(events, steps, capacity_tokens=9).to_numpy().tolist() == [[0, 0, 9, 9]]
    assert external_fragmentation(events, steps, capacity_tokens=9, end_ps=0) is None


SIZE = 24


@given(st.lists(st.tuples(st.booleans(), st.integers(0, SIZE - 1), st.integers(1, 8)), max_size=40))
def test_holes_are_those_of_a_row_of_bits(turns: list[tuple[bool, int, int]]) -> None:
    """However extents come and go, free slots and the largest hole are those counted slot by slot."""
    holes, bits, held = Holes(SIZE), [False] * SIZE, {}
    for take, address, tokens in turns:
        span = range(address, address + tokens)
        if take and address + tokens <= SIZE and not any(bits[slot] for slot in span):
            holes.take(address, tokens)
            held[address] = tokens
        elif take:
            with pytest.raises(InvariantError, match="are not free"):
                holes.take(address, tokens)
        elif held:
            gone = sorted(held)[address % len(held)]
            holes.give(gone, held.pop(gone))
        bits = [any(begin <= slot < begin + length for begin, length in held.items()) for slot in range(SIZE)]
        runs = "".join(".#"[bit] for bit in bits).split("#")
        assert (holes.free, holes.largest) == (bits.count(False), max(map(len, runs)))
