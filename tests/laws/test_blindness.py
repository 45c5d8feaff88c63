"""Law 4: no policy can see a true length."""

from dataclasses import replace

import pytest

from s3sim.core.events import Event, EventLog, canonical
from s3sim.core.replica import Scheduler
from s3sim.core.request import Prediction, Request, Sequence
from s3sim.policies.supervisor import NoOverrun
from tests.support.session import hold
from tests.support.traits import NAMES
from tests.support.worlds import Row, World

STEP = -1  # in the place of the event's code


def same_until_the_first_finish(world: World) -> EventLog:
    """With every output as long as its client allows, all is the same until somebody finishes."""
    if hasattr(world.choices, "delivery"):  # tokens kept to the batch's end would hide who finished first
        world = world.but(choices=replace(world.choices, delivery="token"))
    log = world.run()
    longer = tuple(_stretched(world))
    finishes = [row[0] for row in log.event_rows() if row[1] == Event.FINISHED]
    horizon = min(finishes, default=1 << 62)
    assert _before(log, horizon) == _before(world.but(rows=longer).run(), horizon)
    return log


def _stretched(world: World) -> list[Row]:
    """Outputs as long as the clients allow; a system that relies on its oracle must not be told less than comes."""
    scheduler = world.scheduler()
    if not (world.predicts and isinstance(scheduler.supervisor, NoOverrun)):
        return [replace(row, output=row.max_new) for row in world.rows]
    return [replace(row, output=_reserved(scheduler, row)) for row in world.rows]


def _reserved(scheduler: Scheduler, row: Row) -> int:
    prediction = None if row.predicted is None else Prediction(row.predicted)
    new = Sequence(Request(1, row.arrival, row.prompt, row.max_new), prediction, 0)
    return min(row.max_new, scheduler.reservation.tokens(new) - row.prompt)


def _before(log: EventLog, horizon: int) -> list[tuple[int, ...]]:
    return [row for row in canonical(log) if row[0] < horizon or (row[0] == horizon and row[1] == STEP)]


def test_requests_and_sequences_have_no_output_length() -> None:
    """A request has four fields, a sequence only what the server itself counted; neither takes an attribute (law 4)."""
    assert Request._fields == ("id", "arrival", "prompt_tokens", "max_new_tokens")
    sequence = Sequence(Request(1, 0, 4, 8), None, 0)
    assert not hasattr(sequence, "__dict__")
    assert not [name for name in dir(sequence) if "output" in name or "true" in name or "length" in name]


@pytest.mark.parametrize("name", NAMES)
def test_decisions_do_not_depend_on_lengths_yet_to_come(name: str) -> None:
    """Two runs that differ only in how far outputs go on decide alike until the first one ends (law 4)."""
    hold(same_until_the_first_finish, name, instant=True, lanes=True)
