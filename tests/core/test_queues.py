"""The queues against plain lists."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from s3sim.core.request import Sequence, State
from s3sim.policies.queues import FirstComeQueue, SizeQueue
from tests.support.sequences import sequence
from tests.support.session import examples

SIZES = st.integers(1, 6)


class QueueMachine(RuleBasedStateMachine):
    """Both queues, and a list, through any order of arrivals, returns and admissions."""

    def __init__(self) -> None:
        super().__init__()
        self.by_size, self.first_come = SizeQueue(), FirstComeQueue()
        self.waiting: list[Sequence] = []
        self.away: list[Sequence] = []
        self.count = 0

    @rule(size=SIZES, arrival=st.integers(0, 9))
    def push(self, size: int, arrival: int) -> None:
        """Somebody new stands last, and last of its size."""
        new = sequence(self.count, arrival=arrival)
        self.count += 1
        self._enter(new, size, front=False)

    @precondition(lambda self: self.away)
    @rule(size=SIZES, data=st.data(), front=st.booleans(), state=st.sampled_from([State.WAITING, State.SWAPPED]))
    def come_back(self, size: int, data: st.DataObject, front: bool, state: State) -> None:
        """Somebody who was admitted returns, at either end of its size, which may be another one."""
        back = data.draw(st.sampled_from(self.away))
        self.away.remove(back)
        back.state = state
        self._enter(back, size, front=front)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def admit(self, data: st.DataObject) -> None:
        """Anybody may be taken out."""
        chosen = data.draw(st.sampled_from(self.waiting))
        self.waiting.remove(chosen)
        self.by_size.remove(chosen)
        self.first_come.remove(chosen)
        chosen.state = State.PREFILLING
        self.away.append(chosen)

    @rule(slots=st.integers(0, 8))
    def largest(self, slots: int) -> None:
        """The first among the largest that fit."""
        fits = [one for one in self.waiting if one.demand <= slots]
        size = max((one.demand for one in fits), default=0)
        expected = next((one for one in fits if one.demand == size), None)
        assert self.by_size.largest_at_most(slots) is expected

    @invariant()
    def the_queues_hold_what_the_list_holds(self) -> None:
        """By submission, or by size and then in the list's order; the oldest came first, by arrival then rank."""
        by_rank = sorted(self.waiting, key=lambda one: one.order)
        assert list(self.first_come) == by_rank
        assert list(self.by_size) == sorted(self.waiting, key=lambda one: -one.demand)
        assert len(self.first_come) == len(self.by_size) == len(self.waiting)
        if self.waiting:
            assert self.first_come.head() is by_rank[0]
            assert self.by_size.oldest() is min(self.waiting, key=lambda one: (one.waiting_since, one.order))

    def _enter(self, one: Sequence, size: int, *, front: bool) -> None:
        one.demand = size
        self.waiting.insert(0 if front else len(self.waiting), one)
        for queue in (self.by_size, self.first_come):
            (queue.push_front if front else queue.push)(one)


class TestQueues(QueueMachine.TestCase):  # type: ignore[misc, valid-type]
    """A queue by size and a queue by arrival agree with one list, whatever is done to them."""

    settings = settings(examples(60), stateful_step_count=40)
