"""Law 1: every request that arrives is finished or rejected; none is lost, none comes twice."""

from collections import Counter

import pytest

from s3sim.core.events import Event, EventLog, Reason
from s3sim.core.request import Prediction, Request, Sequence
from tests.support.ledger import audit
from tests.support.session import hold
from tests.support.traits import NAMES, block_tokens
from tests.support.worlds import Row, World

ENDS = (Event.FINISHED, Event.REJECTED)


def ends_once(world: World) -> EventLog:
    """One arrival and one end for each request; the end is a rejection just where the rules say so."""
    log = world.run()
    kv, scheduler = world.kv(), world.scheduler()
    failed = {row[2] for row in log.event_rows() if row[1] == Event.REJECTED and row[4] == Reason.OUT_OF_MEMORY}
    assert not failed or not getattr(scheduler.supervisor, "rerun", True)
    arrived = Counter(row[2] for row in log.event_rows() if row[1] == Event.ARRIVED)
    ends = [(row[2], Event(row[1])) for row in log.event_rows() if row[1] in ENDS]
    assert arrived == Counter(world.ids)
    assert len(ends) == len(world.ids)

    def end(ident: int, row: Row) -> Event:
        prediction = None if row.predicted is None else Prediction(row.predicted)
        new = Sequence(Request(ident, row.arrival, row.prompt, row.max_new), prediction, 0)
        most = max(row.prompt + row.max_new, scheduler.reservation.tokens(new))
        fits = kv.demand(most) <= kv.capacity
        return Event.FINISHED if fits and not row.excluded and ident not in failed else Event.REJECTED

    assert dict(ends) == {ident: end(ident, row) for ident, row in world.by_id.items()}
    return log


def tokens_are_true(world: World) -> EventLog:
    """A count of each request's tokens, step by step from the log alone, ends at its true length."""
    log = world.run(single_steps=True)
    capacity = world.choices.kv(world.capacity).capacity
    ledger = audit(world, log, block=block_tokens(world), capacity=capacity)
    for entry in ledger.entries.values():
        assert entry.phase == "rejected" or (entry.phase, entry.emitted) == ("finished", entry.row.output)
    return log


@pytest.mark.parametrize("name", NAMES)
def test_every_request_that_arrives_ends_once(name: str) -> None:
    """Every request that arrives is finished or rejected, none lost and none twice (law 1).

    The bug that taught it: a sequence that was swapped in joined the lane before the commit of the
    step that was running, counted a step it was not in, passed the step at which it should have
    finished, and decoded for ever. It joins at the next plan.
    """
    hold(ends_once, name, lanes=True)


@pytest.mark.parametrize("name", NAMES)
def test_tokens_counted_step_by_step_are_the_true_output(name: str) -> None:
    """Each request is in exactly as many steps as it has output tokens, by a second bookkeeping (laws 1 and 2)."""
    hold(tokens_are_true, name)
