"""Law 2: free + held == capacity, nothing is written that is not reserved, extents never overlap."""

from collections import Counter
from itertools import pairwise

import pytest

from s3sim.core.events import Event, EventLog, Preemption
from s3sim.core.kv_cache import ContiguousKV
from tests.support.audited import AuditedReplica
from tests.support.session import hold
from tests.support.traits import CONTIGUOUS, NAMES
from tests.support.worlds import World

Extent = tuple[int, int, int, int, int]  # from, until (ps), address, length (slots), lane


def integrity(world: World) -> EventLog:
    """The replica's own audit holds whenever anybody could look."""
    return world.run_as(AuditedReplica).log


def extents(log: EventLog) -> list[Extent]:
    """Who holds which slots and when, from the log of a run without compactions."""
    found: list[Extent] = []
    since: dict[int, tuple[int, int, int, int]] = {}
    for time, event, ident, tokens, detail, lane in sorted(log.event_rows()):
        if event == Event.ADMITTED:
            assert ident not in since, "admitted while it still holds slots"
            since[ident] = (time, detail, tokens, lane)
        elif event == Event.GROWN:
            begin, address, length, home = since.pop(ident)
            assert lane == home, "slots grown on another lane"
            found.append((begin, time, address, length, lane))
            since[ident] = (time, address, length + tokens, lane)
        elif event in (Event.FINISHED, Event.SWAPPED_OUT) or (event == Event.PREEMPTED and detail != Preemption.SWAP):
            begin, address, length, home = since.pop(ident)
            assert lane == home, "slots that another lane returned"
            found.append((begin, time, address, length, lane))
    assert not since, "slots that nobody returned"
    return found


def count_fits(world: World) -> EventLog:
    """At no time do a lane's reservations together exceed its capacity."""
    log = world.run()
    for lane in range(world.lanes):
        changes: Counter[int] = Counter()
        for begin, until, _, length, _ in [extent for extent in extents(log) if extent[-1] == lane]:
            changes[begin] += length
            changes[until] -= length
        held = 0
        for time in sorted(changes):
            held += changes[time]
            assert 0 <= held <= world.kv().capacity
    return log


def overlapping(first: Extent, second: Extent) -> bool:
    """Whether two extents share a slot at some time."""
    together = max(first[0], second[0]) < min(first[1], second[1]) and first[4] == second[4]
    return together and max(first[2], second[2]) < min(first[2] + first[3], second[2] + second[3])


def disjoint(world: World) -> EventLog:
    """No slot belongs to two requests at once; where extents were moved, the twin's device says so."""
    log = world.run()
    if any(row[1] == Event.COMPACTED for row in log.event_rows()) or not isinstance(world.kv(), ContiguousKV):
        return log
    found = extents(log)
    assert all(address >= 0 and address + length <= world.kv().capacity for _, _, address, length, _ in found)
    for index, one in enumerate(found):
        assert not any(overlapping(one, other) for other in found[:index])
    return log


@pytest.mark.parametrize("name", NAMES)
def test_the_account_of_slots_agrees_with_the_holders(name: str) -> None:
    """After every plan, commit and move: free + held == capacity, and extents and holes tile the slots (law 2)."""
    hold(integrity, name, instant=True, lanes=True)


@pytest.mark.parametrize("name", CONTIGUOUS)
def test_reservations_never_exceed_the_capacity(name: str) -> None:
    """From the log alone: the slots held together never exceed those that the device has (law 2)."""
    hold(count_fits, name, instant=True, lanes=True)


@pytest.mark.parametrize("name", CONTIGUOUS)
def test_extents_never_overlap(name: str) -> None:
    """From the log alone: no slot is reserved for two requests at once (law 2)."""
    hold(disjoint, name, instant=True, lanes=True)


def test_overlaps_are_told_apart() -> None:
    """Extents overlap where they share a slot of one lane and a time, and touching is not sharing."""
    one = (0, 10, 0, 5, 0)
    apart = [(10, 20, 0, 5, 0), (0, 10, 5, 5, 0), (0, 10, 0, 5, 1)]
    assert not any(overlapping(one, other) for other in apart)
    assert overlapping(one, (9, 10, 4, 1, 0))
    assert all(not overlapping(a, b) for a, b in pairwise(sorted(apart)))
