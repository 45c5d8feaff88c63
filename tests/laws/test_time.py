"""Law 3: time never runs back."""

from collections import defaultdict

import pytest

from s3sim.core.batch import Affine
from s3sim.core.events import Event, EventLog, Preemption
from tests.support.session import hold
from tests.support.traits import NAMES
from tests.support.worlds import World

LEGAL: dict[str, dict[tuple[Event, int | None], str]] = {
    "nowhere": {(Event.ARRIVED, None): "arrived"},
    "arrived": {
        (Event.PREDICTED, None): "waiting",
        (Event.REJECTED, None): "ended",
        (Event.ADMITTED, None): "prefilling",
    },
    "waiting": {(Event.REJECTED, None): "ended", (Event.ADMITTED, None): "prefilling"},
    "prefilling": {
        (Event.PREFILLED, None): "decoding",
        (Event.PREEMPTED, Preemption.RECOMPUTE): "recomputing",
        (Event.RELOCATED, None): "prefilling",
    },
    "decoding": {
        (Event.GROWN, None): "decoding",
        (Event.RELOCATED, None): "decoding",
        (Event.FINISHED, None): "ended",
        (Event.PREEMPTED, Preemption.RECOMPUTE): "recomputing",
        (Event.PREEMPTED, Preemption.HOST_FULL): "recomputing",
        (Event.PREEMPTED, Preemption.RESTART): "recomputing",
        (Event.PREEMPTED, Preemption.SWAP): "leaving",
        (Event.REJECTED, None): "ended",  # its static batch ran out of memory
        (Event.STALLED, None): "stalled",
    },
    "stalled": {
        (Event.GROWN, None): "stalled",
        (Event.RESUMED, None): "decoding",
        (Event.PREEMPTED, Preemption.RECOMPUTE): "recomputing",
        (Event.PREEMPTED, Preemption.HOST_FULL): "recomputing",
        (Event.PREEMPTED, Preemption.SWAP): "leaving",
    },
    "recomputing": {(Event.ADMITTED, None): "prefilling"},
    "leaving": {(Event.SWAPPED_OUT, None): "swapped"},
    "swapped": {(Event.ADMITTED, None): "returning"},
    "returning": {(Event.SWAPPED_IN, None): "decoding"},
    "ended": {},
}
AT_A_PLAN = (
    Event.ADMITTED,
    Event.PREEMPTED,
    Event.GROWN,
    Event.COMPACTED,
    Event.RELOCATED,
    Event.STALLED,
    Event.RESUMED,
)
AT_A_COMMIT = (Event.PREFILLED, Event.FINISHED)
NOBODYS = (Event.IDLE, Event.COMPACTED)  # their id column names a lane, or who needed the room


def in_order(world: World) -> EventLog:
    """Each request's life is a path through LEGAL on which time does not fall."""
    log = world.run()
    where: defaultdict[int, str] = defaultdict(lambda: "nowhere")
    when: defaultdict[int, int] = defaultdict(int)
    for time, code, ident, _, detail, _ in log.event_rows():
        event = Event(code)
        if event in NOBODYS:
            continue
        assert time >= when[ident], f"request {ident}: {event.name} at {time}, after something at {when[ident]}"
        step = (event, detail if event is Event.PREEMPTED else None)
        assert step in LEGAL[where[ident]], f"request {ident}: {event.name} while {where[ident]}"
        where[ident], when[ident] = LEGAL[where[ident]][step], time
    assert set(where.values()) == {"ended"}
    return log


def one_after_another(world: World) -> EventLog:
    """A lane's stretches follow each other; decisions are taken where one begins, and tokens come where one ends."""
    log = world.run()
    for lane in range(world.lanes):
        _in_its_lane(log, lane)
    return log


def _in_its_lane(log: EventLog, lane: int) -> None:
    end, begins, ends = 0, set[int](), set[int]()
    events = [row for row in log.event_rows() if row[5] == lane]
    idle = {row[0] for row in events if row[1] == Event.IDLE}
    for start, first, increment, steps, *_ in [row for row in log.step_rows() if row[4] == lane]:
        assert start >= end, "a step began before the one before it had ended"
        assert start == end or end in idle or not begins, "a lane stood still without saying so"
        assert first > 0
        assert steps > 0
        end = start + Affine(first, increment, steps).elapsed(steps)
        begins.add(start)
        ends.add(end)
    decided = {row[0] for row in events if row[1] in AT_A_PLAN}
    emitted = {row[0] for row in events if row[1] in AT_A_COMMIT}
    assert decided <= begins | idle
    assert emitted <= ends


@pytest.mark.parametrize("name", NAMES)
def test_a_request_lives_through_legal_states_in_order_of_time(name: str) -> None:
    """Nobody finishes before its prefill, returns before it left, or does anything before it arrived (law 3)."""
    hold(in_order, name, instant=True, lanes=True)


@pytest.mark.parametrize("name", NAMES)
def test_steps_of_a_lane_never_overlap(name: str) -> None:
    """A lane runs one step after another; plans are where steps begin, and tokens are where they end (law 3)."""
    hold(one_after_another, name, instant=True, lanes=True)
