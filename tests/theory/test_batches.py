"""How many run at once, and how many steps it takes at least: bounds that memory sets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3sim.core.events import Event, EventLog
from tests.support.session import examples, hold
from tests.support.traits import CONTIGUOUS, NAMES
from tests.support.worlds import Row, World, world

MAX_LENGTH = 32  # tokens


def held_long_enough(one: World) -> EventLog:
    """steps × capacity ≥ Σ over steps of slots held ≥ Σ least reservation × output tokens.

    Every output token is emitted in one step, by a prefill or by a decode, in which its sequence
    holds at least the least that it ever reserved. So a request of n tokens that finishes holds that
    in n steps, of which the prefill is the first.
    """
    log = one.run()
    least: dict[int, int] = {}
    for _, event, ident, tokens, *_ in log.event_rows():
        if event == Event.ADMITTED:
            least[ident] = min(tokens, least.get(ident, tokens))
    finished = [row[2] for row in log.event_rows() if row[1] == Event.FINISHED]
    needed = sum(least[ident] * one.outputs[ident] for ident in finished)
    steps = sum(row[3] for row in log.step_rows())
    held = sum(row[3] * row[10] + row[12] for row in log.step_rows())
    assert needed <= held <= steps * one.choices.kv(one.capacity).capacity
    return log


@pytest.mark.parametrize("name", NAMES)
def test_steps_times_capacity_cover_reservations_times_outputs(name: str) -> None:
    """No schedule is shorter than its reservations allow: steps × capacity ≥ Σ least reservation × output tokens."""
    hold(held_long_enough, name)


@pytest.mark.parametrize("name", CONTIGUOUS)
@examples(30)
@given(
    lengths=st.lists(st.tuples(st.integers(1, 16), st.integers(1, 16)), min_size=10, max_size=40),
    capacity=st.integers(MAX_LENGTH, 8 * MAX_LENGTH),
)
def test_a_saturated_batch_is_memory_over_reservation(name: str, lengths: list[tuple[int, int]], capacity: int) -> None:
    """While anybody waits, exactly floor(KV tokens ÷ reservation) run, where every reservation is the maximum."""
    rows = [
        Row(prompt=prompt, output=output, max_new=MAX_LENGTH - prompt, predicted=MAX_LENGTH - prompt)
        for prompt, output in lengths
    ]
    log = world(name, rows, capacity=capacity).run()
    batches = {row[5] + row[7] for row in log.step_rows() if row[-1]}
    assert batches <= {capacity // MAX_LENGTH}
    assert batches or len(rows) <= capacity // MAX_LENGTH
