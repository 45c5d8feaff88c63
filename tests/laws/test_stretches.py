"""Law 9: a stretch of k steps is k single steps, in its times, its decisions and its slots."""

from dataclasses import replace

import pytest

from s3sim.core.batch import Affine
from s3sim.core.events import STEP_COLUMNS, Event, EventLog, canonical
from s3sim.sim.link import LinkSpeed
from tests.support.latency import LinearLatency
from tests.support.session import hold
from tests.support.traits import AGEING, NAMES
from tests.support.worlds import Row, World, world

HELD, GROWN, MOMENT = (STEP_COLUMNS.index(name) for name in ("kv_held", "kv_grown", "kv_grown_moment"))


def slots(log: EventLog) -> int:
    """Σ over single steps of slots held in them."""
    return sum(row[HELD] * row[3] + row[GROWN] for row in log.step_rows())


def slots_time(log: EventLog) -> int:
    """∫ slots held dt over the steps, in slots × ps."""
    total = 0
    for row in log.step_rows():
        _, first, increment, steps, *_ = row
        total += row[HELD] * Affine(first, increment, steps).elapsed(steps)
        total += first * row[GROWN] + increment * row[MOMENT]
    return total


def alike(one: World) -> EventLog:
    """Stretched and stepped singly, a world has one canonical log and one integral of held slots."""
    stretched, single = one.run(), one.run(single_steps=True)
    assert all(row[3] == 1 for row in single.step_rows())
    assert one.lanes == 1 or all(row[3] == 1 for row in stretched.step_rows()), "lanes wait for each other at each step"
    assert canonical(stretched) == canonical(single)
    assert slots(stretched) == slots(single)
    assert slots_time(stretched) == slots_time(single)
    return stretched


@pytest.mark.parametrize("name", NAMES)
def test_stretches_equal_single_steps(name: str) -> None:
    """The canonical log, Σ held and ∫ held dt do not depend on how steps are gathered (law 9)."""
    hold(alike, name, number=150, instant=True, lanes=True)


@pytest.mark.parametrize("name", NAMES)
def test_a_lonely_request_is_one_stretch(name: str) -> None:
    """Where nothing happens between the first token and the last, there is one row for all decode steps (law 9)."""
    row = Row(prompt=3, output=90, max_new=90, predicted=90)
    assert [row[3] for row in world(name, [row], capacity=160).run().step_rows()] == [1, 89]


@pytest.mark.parametrize("name", AGEING)
def test_a_sequence_that_returns_is_queued_at_the_time_of_its_return(name: str) -> None:
    """A swap ends at 130 and an equal request came at 100: it stands first, however steps are gathered (law 9).

    The bug that taught it: an arrival that could not be admitted did not cut the stretch, was
    delivered at the boundary that the swap did cut, and then stood behind it.
    """
    rows = [
        Row(prompt=10, output=8, max_new=20, predicted=1),
        Row(arrival=5, prompt=10, output=20, max_new=20, predicted=20),
        Row(arrival=100, prompt=2, output=20, max_new=20, predicted=20),
    ]
    link = LinkSpeed(to_host_ps_per_token=10, to_device_ps_per_token=1)
    one = world(name, rows, capacity=200, link=link, latency=LinearLatency(base=10, per_row=0))
    one = one.but(choices=replace(one.choices, max_num_seqs=1))
    stretched, single = one.run(), one.run(single_steps=True)
    assert canonical(stretched) == canonical(single)
    admitted = [row[2] for row in sorted(stretched.event_rows()) if row[1] == Event.ADMITTED]
    assert admitted == [1, 4, 7, 1]
