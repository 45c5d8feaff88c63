"""The starvation guard: whoever has been idle for too long comes first for a while."""

from collections import Counter
from dataclasses import replace
from math import ceil

import pytest

from s3sim.core.batch import Batch
from s3sim.core.events import Event, EventLog
from s3sim.core.replica import Replica
from s3sim.core.request import Sequence, State
from s3sim.policies.rivals import LTR
from tests.support.latency import LinearLatency
from tests.support.session import on_worlds
from tests.support.worlds import Row, World, world

STEP = 10  # ps, whatever is in it
SHORT = 3  # output tokens of each request of the stream
STREAM = 400  # requests; one arrives whenever one could end
VICTIM = 20  # output tokens of the long request
WAITS = 50  # steps that the guard is patient: more than any short request ever waits


def stream(*, guard: int | None, period: int = 1000) -> World:
    """A long request, just after the first of a stream of short ones that leaves the one place never free."""
    row = Row(prompt=2, output=SHORT, max_new=SHORT, predicted=SHORT)
    short = [replace(row, arrival=n * SHORT * STEP) for n in range(STREAM)]
    long = Row(arrival=1, prompt=2, output=VICTIM, max_new=VICTIM, predicted=VICTIM)
    choices = LTR(max_num_seqs=1, starvation_steps=guard, period_steps=period, block_tokens=1, watermark=0.0)
    rows = [short[0], long, *short[1:]]
    return world("ltr", rows, capacity=100, choices=choices, latency=LinearLatency(base=STEP, per_row=0))


def end(one: World, log: EventLog) -> int:
    """When the long request has finished, in ps."""
    (victim,) = (ident for ident, row in one.by_id.items() if row.arrival == 1)
    return next(row[0] for row in log.event_rows() if row[1] == Event.FINISHED and row[2] == victim)


def test_without_a_guard_a_long_request_starves() -> None:
    """Every short request that ever comes is served before it: the reason for the guard."""
    one = stream(guard=None)
    assert end(one, one.run()) >= STREAM * SHORT * STEP + VICTIM * STEP


def test_with_a_guard_it_finishes_within_its_patience_and_its_length() -> None:
    """It is noticed at the end of the step in which it came, waits out the patience, and runs through."""
    one = stream(guard=WAITS)
    assert end(one, one.run()) == (1 + WAITS + VICTIM) * STEP


@pytest.mark.parametrize("period", [1, 4, 6])
def test_with_a_short_period_it_finishes_in_turns(period: int) -> None:
    """It waits out the patience before each of its turns, and in each runs so many steps: that bounds its end."""
    one = stream(guard=WAITS, period=period)
    turns = ceil(VICTIM / period)
    assert end(one, one.run()) == (1 + turns * WAITS + VICTIM) * STEP


def test_an_impatient_guard_guards_nobody() -> None:
    """Where the short ones starve too, the score decides among the starved: the rule's own limit, as in its source."""
    one = stream(guard=7)
    assert end(one, one.run()) >= STREAM * SHORT * STEP


def test_whoever_starves_is_served_before_all_who_do_not() -> None:
    """By a count of its own, sequence by sequence and step by step: nobody else is admitted while one starves."""
    seen: Counter[str] = Counter()

    class Counting(Replica):
        def __init__(self, *arguments: object, **named: object) -> None:
            super().__init__(*arguments, **named)  # type: ignore[arg-type]
            self.unserved: Counter[Sequence] = Counter()

        def plan(self, now: int, lane: int = 0) -> Batch | None:
            patience = self.scheduler.admission.ranking.patience  # type: ignore[attr-defined]
            starving = {s for s in self.waiting if patience is not None and self.unserved[s] >= patience}
            batch = super().plan(now, lane)
            admitted = set() if batch is None else {chunk.sequence for chunk in batch.chunks if not chunk.context}
            if starving - admitted:
                left = {s for s in self.waiting if s in starving}
                seen["left"] += bool(left)
                assert not (left and {s for s in admitted - starving if not self.quantum(s)}), "passed by another"
            seen["served"] += len(starving & admitted)
            idle = {*self.waiting, *self.lanes[lane].paused}
            idle |= {s for s in self.moving if s.state is State.SWAPPING_OUT and self.unserved[s]}  # it was paused
            for sequence in {*self.unserved, *idle}:
                self.unserved[sequence] = self.unserved[sequence] + (batch is not None) if sequence in idle else 0
            return batch

        def quantum(self, sequence: Sequence) -> bool:
            """Whether it had been promoted before, and gave way before its period was over."""
            return bool(self.waiting.promoted(sequence, self.steps))

    on_worlds(lambda world: world.run_as(Counting, single_steps=True), "ltr", number=60)
    assert seen["served"] > 50
    assert seen["left"] > 50
