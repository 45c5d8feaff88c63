"""Ageing: whoever waits is not overtaken for ever."""

from dataclasses import replace

import pytest

from s3sim.core.events import Event, EventLog
from s3sim.policies.registry import SYSTEMS
from s3sim.sim.link import LinkSpeed
from tests.support.latency import LinearLatency
from tests.support.traits import AGEING
from tests.support.worlds import Row, World, world

PICOSECOND = 1e-12  # seconds
STEP = 10  # ps, whatever is in it
OUTPUT = 10  # tokens of each request of the stream
SERVICE = STEP * OUTPUT  # ps
STREAM = 60  # requests
AGEING_PS = 5 * SERVICE
CAPACITY = 100  # slots


def stream(size: int) -> list[Row]:
    """Requests of `size` slots: whenever one ends another arrives, so that the room of one alone is ever free."""
    row = Row(prompt=size - OUTPUT, output=OUTPUT, max_new=OUTPUT, predicted=OUTPUT)
    return [replace(row, arrival=n * SERVICE // (CAPACITY // size)) for n in range(STREAM)]


def crowded(name: str, victim: Row, size: int, *, ageing_s: float | None) -> World:
    """The victim, which arrives just after the stream began, under a stream of requests of `size` slots."""
    first, *others = stream(size)
    rows = [first, replace(victim, arrival=1), *others]
    rows.sort(key=lambda row: row.arrival)
    choices = SYSTEMS[name].choices
    assert callable(choices)
    return world(
        name,
        rows,
        capacity=CAPACITY,
        latency=LinearLatency(base=STEP, per_row=0),
        choices=choices(ageing_s=ageing_s),  # type: ignore[call-arg]
    )


def overtakers(one: World, log: EventLog) -> list[int]:
    """Arrivals of those admitted before the victim although they came after it."""
    victim = next(ident for ident, row in one.by_id.items() if row.arrival == 1)
    admitted = [row[2] for row in log.event_rows() if row[1] == Event.ADMITTED]
    before = admitted[: admitted.index(victim)]
    return [one.by_id[ident].arrival for ident in before if one.by_id[ident].arrival > 1]


def returning(name: str) -> World:
    """A is preempted at 22, back in the queue at 28 and needs 10 slots; 8 are free when B comes at 30 and needs 4."""
    rows = [
        Row(arrival=0, prompt=6, output=6, max_new=6, predicted=6),
        Row(arrival=0, prompt=4, output=6, max_new=16, predicted=1),
        Row(arrival=30, prompt=2, output=2, max_new=2, predicted=2),
    ]
    one = world(name, rows, capacity=20, link=LinkSpeed(to_host_ps_per_token=1, to_device_ps_per_token=1, latency_ps=1))
    return one.but(choices=replace(one.choices, ageing_s=15 * PICOSECOND))


SMALL = Row(prompt=2, output=3, max_new=3, predicted=3)
LARGE = Row(prompt=80, output=10, max_new=10, predicted=10)
CROWDS = pytest.mark.parametrize(("victim", "size"), [(SMALL, 98), (LARGE, 48)], ids=["small", "large"])


@pytest.mark.parametrize("name", AGEING)
@CROWDS
def test_without_ageing_a_stream_starves_whoever_does_not_fit_in(name: str, victim: Row, size: int) -> None:
    """Decreasing first fit alone lets every later request of an endless stream pass: the reason for ageing."""
    one = crowded(name, victim, size, ageing_s=None)
    assert len(overtakers(one, one.run())) >= STREAM - 3


@pytest.mark.parametrize("name", AGEING)
@CROWDS
def test_with_ageing_nobody_is_overtaken_by_the_much_younger(name: str, victim: Row, size: int) -> None:
    """Only requests that arrived within the ageing time after a sequence are admitted before it."""
    one = crowded(name, victim, size, ageing_s=AGEING_PS * PICOSECOND)
    log = one.run()
    passed = overtakers(one, log)
    assert passed, "somebody passes, or the stream is not adversarial"
    assert max(passed) <= 1 + AGEING_PS
    waited = next(row[0] for row in log.event_rows() if row[1] == Event.ADMITTED and one.by_id[row[2]].arrival == 1)
    assert waited <= 1 + AGEING_PS + SERVICE, "those who may pass are served, then the victim is admitted"


@pytest.mark.parametrize("name", AGEING)
def test_a_preemption_does_not_make_anybody_younger(name: str) -> None:
    """A sequence that returns is as old as its request: the young wait for it although they would fit."""
    one = returning(name)
    admitted = [row[2] for row in one.run().event_rows() if row[1] == Event.ADMITTED]
    assert admitted == [1, 4, 4, 7]
