"""The watches over growth against a count of each sequence at each step."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from s3sim.core.growth import UNLIMITED_STEPS, Grown
from s3sim.core.kv_cache import ContiguousKV, CountedKV, PagedKV
from s3sim.core.lane import Lane
from s3sim.core.request import Sequence
from tests.support.sequences import sequence
from tests.support.session import examples

SETTINGS = examples(150)
ACTIONS = st.lists(st.tuples(st.sampled_from(["join", "leave", "run", "run", "run"]), st.integers(0, 40)), max_size=30)


@dataclass
class Counted:
    """A lane, and beside it what each of its sequences has cached."""

    kv: ContiguousKV | PagedKV
    lane: Lane = field(init=False)
    cached: dict[Sequence, int] = field(default_factory=dict)
    count: int = 0

    def __post_init__(self) -> None:
        self.lane = Lane(0, self.kv)

    def join(self, prompt: int, reservation: int, *, max_new: int = 1000) -> None:
        """A sequence that has just been prefilled, where there is room."""
        new = sequence(self.count, prompt=prompt, max_new=max_new)
        new.demand = self.kv.demand(reservation)
        if new.demand > self.kv.free or not self.kv.place(new):
            return
        self.count += 1
        new.prefilled(prompt)
        new.emit()
        self.lane.join(new)
        self.cached[new] = prompt

    def leave(self, leaver: Sequence) -> None:
        """A sequence that is done, or must go."""
        self.kv.release(leaver)
        self.lane.leave(leaver)
        del self.cached[leaver]

    def leave_one(self, which: int) -> None:
        """Any one of them."""
        if self.cached:
            self.leave(list(self.cached)[which % len(self.cached)])

    def advance(self, steps: int) -> Grown:
        """Steps that all of them were in."""
        for member in self.cached:
            self.cached[member] += steps
        return self.lane.advance(steps)

    def agree(self) -> None:
        """Sequences that follow the lane count as if each had counted itself."""
        assert {member: member.cached for member in self.lane.decoding} == self.cached
        self.lane.check_integrity()


def blocks_needed(counted: Counted, step: int, block: int) -> int:
    """Blocks that the write of a step from now on takes, one for each that stands at a block's end."""
    return sum((cached + step) % block == 0 for cached in counted.cached.values())


def run_paged(counted: Counted, steps: int, block: int) -> None:
    """One plan and one stretch of a paged lane, every answer foretold by counting."""
    free = counted.kv.free // block
    need = blocks_needed(counted, 0, block)
    due = counted.lane.growth.due()
    if need > free:
        standing = [member for member, cached in counted.cached.items() if cached % block == 0]
        assert due == sorted(standing, key=lambda member: member.order)
        assert counted.kv.free == free * block, "where blocks run short nobody is given any"
        counted.leave(max(counted.cached, key=lambda member: member.order))
        return
    assert due == []
    free -= need
    limit, spare = 1, free
    while counted.cached and (taken := blocks_needed(counted, limit, block)) <= spare:
        limit, spare = limit + 1, spare - taken
    assert counted.lane.growth.limit() == (limit if counted.cached else UNLIMITED_STEPS)
    if not counted.cached:
        return
    steps = 1 + steps % limit
    later = [blocks_needed(counted, step, block) for step in range(1, steps)]
    beyond = [sum(later[:step]) * block for step in range(1, steps)]
    grown = counted.advance(steps)
    assert grown == Grown(sum(beyond), sum(step * more for step, more in enumerate(beyond, 1)))
    assert counted.kv.free == (free - sum(later)) * block


@SETTINGS
@given(actions=ACTIONS, block=st.sampled_from([1, 4, 16]), blocks=st.integers(2, 40))
def test_paged_growth_is_what_counting_each_sequence_gives(
    actions: list[tuple[str, int]], block: int, blocks: int
) -> None:
    """Who needs a block, for how many steps blocks last, and what a stretch takes: all as if counted one by one."""
    counted = Counted(PagedKV(block * blocks, block_tokens=block))
    for action, number in actions:
        if action == "join":
            counted.join(1 + number, 1 + number)
        elif action == "leave":
            counted.leave_one(number)
        else:
            run_paged(counted, number, block)
        counted.agree()
        counted.kv.check_integrity(list(counted.cached))


def run_reserved(counted: Counted, steps: int) -> None:
    """One plan and one stretch of a contiguous lane, every answer foretold by counting."""
    left = {
        member: member.reservation - cached
        for member, cached in counted.cached.items()
        if member.reservation < member.max_tokens - 1
    }
    over = sorted((member for member, spare in left.items() if spare == 0), key=lambda member: member.order)
    assert counted.lane.growth.due() == over
    for member in over:
        counted.leave(member)
        del left[member]
    limit = counted.lane.growth.limit()
    assert limit == min(left.values(), default=UNLIMITED_STEPS)
    room = min((m.max_tokens - 1 - cached for m, cached in counted.cached.items()), default=0)
    if counted.cached and room:
        assert counted.advance(1 + steps % min(limit, room)) == Grown()


@SETTINGS
@given(actions=ACTIONS, data=st.data())
def test_reservations_are_used_up_when_counting_says_so(actions: list[tuple[str, int]], data: st.DataObject) -> None:
    """Who overruns and when the next one will: as if each sequence's free slots were counted at each step."""
    counted = Counted(ContiguousKV(400))
    for action, number in actions:
        if action == "join":
            counted.join(3, 3 + number // 4, max_new=data.draw(st.sampled_from([number // 4 + 1, 1000])))
        elif action == "leave":
            counted.leave_one(number)
        else:
            run_reserved(counted, number)
        counted.agree()
        counted.kv.check_integrity(list(counted.cached))


def test_a_reservation_of_all_but_the_last_slot_is_not_watched() -> None:
    """A finished sequence has cached prompt + output − 1 tokens, so max_tokens − 1 slots always suffice."""
    for spare, watched in ((1, False), (2, True)):
        counted = Counted(ContiguousKV(400))
        counted.join(4, 4 + 10 - spare, max_new=10)
        assert (counted.lane.growth.limit() < UNLIMITED_STEPS) == watched


def test_a_counted_reservation_grows_into_any_free_slot() -> None:
    """Slots that are only counted need not be neighbours: all that are free may be added (law 2)."""
    kv, holders = CountedKV(20), [sequence(0), sequence(1)]
    for holder in holders:
        holder.demand = 4
        kv.place(holder)
    assert kv.room_behind(holders[0]) == 12
    kv.grow(holders[0], 5)
    assert (kv.held_by(holders[0]), kv.room_behind(holders[1])) == (9, 7)
    kv.check_integrity(holders)
