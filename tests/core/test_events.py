"""The event log and its canonical form."""

from hypothesis import given
from hypothesis import strategies as st

from s3sim.core.batch import Affine
from s3sim.core.events import EVENT_COLUMNS, STEP_COLUMNS, Event, EventLog, canonical
from tests.support.session import examples


def stretch(start: int, first: int, increment: int, steps: int) -> tuple[int, ...]:
    """A row of `steps` with 2 rows that decode on 10 slots."""
    row = (start, first, increment, steps, 0, 1, 5, 2, 10, 0, 16, 10)
    return row + (0,) * (len(STEP_COLUMNS) - len(row))


@examples(100)
@given(first=st.integers(1, 20), increment=st.integers(0, 5), steps=st.integers(1, 12), cut=st.integers(0, 12))
def test_a_stretch_and_its_parts_are_canonically_one(first: int, increment: int, steps: int, cut: int) -> None:
    """Cut anywhere, a stretch has the same canonical rows: each with its own start, end and context."""
    whole, parts = EventLog(), EventLog()
    whole.step(stretch(100, first, increment, steps))
    for step in range(steps):
        begin = 100 + Affine(first, increment, steps).elapsed(step)
        row = list(stretch(begin, first + step * increment, 0, 1))
        row[8] += 2 * step
        parts.step(tuple(row))
    assert canonical(whole) == canonical(parts)
    assert len(canonical(whole)) == steps


def test_rows_come_back_as_they_were_appended() -> None:
    """Both tables keep their columns' number and order."""
    log = EventLog()
    log.event(7, Event.FINISHED, 3, 12, 1)
    log.event(5, Event.ARRIVED, 4, 6, 8, 2)
    log.step(tuple(range(len(STEP_COLUMNS))))
    assert list(log.event_rows()) == [(7, 6, 3, 12, 1, 0), (5, 2, 4, 6, 8, 2)]
    assert list(log.step_rows()) == [tuple(range(len(STEP_COLUMNS)))]
    assert len(EVENT_COLUMNS) == 6


def test_at_one_instant_what_happens_first_is_sorted_first() -> None:
    """Moves, arrivals, predictions, the step's end, then the plan: the canonical order of one instant."""
    log = EventLog()
    for event in reversed(Event):
        log.event(100, event, 1, 0, 0)
    log.step(stretch(90, 10, 0, 1))
    assert [row[1] for row in canonical(log)] == [-1, *sorted(Event)]
    order = [Event.SWAPPED_OUT, Event.ARRIVED, Event.PREDICTED, Event.FINISHED, Event.PREEMPTED, Event.ADMITTED]
    assert order == sorted(order)
