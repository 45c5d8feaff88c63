"""The contiguous account against a bitmap: placed first fit, returned, and slid together around pins."""

from itertools import groupby

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from s3sim.core.batch import Relocation
from s3sim.core.errors import InvariantError
from s3sim.core.kv_cache import ContiguousKV, size_class
from s3sim.core.request import Sequence, State
from tests.support.sequences import sequence
from tests.support.session import examples

CAPACITY = 60  # slots
PINS = (State.SWAPPING_OUT, State.SWAPPING_IN)


def holes(slots: list[int | None]) -> list[tuple[int, int]]:
    """Address and length of each run of free slots."""
    found, address = [], 0
    for owner, run in groupby(slots):
        length = len(list(run))
        if owner is None:
            found.append((address, length))
        address += length
    return found


class ContiguousMachine(RuleBasedStateMachine):
    """Any order of placing, returning, pinning, writing and compacting."""

    def __init__(self) -> None:
        super().__init__()
        self.kv = ContiguousKV(CAPACITY, moves="needed")
        self.slots: list[int | None] = [None] * CAPACITY  # owner by slot
        self.holders: list[Sequence] = []
        self.count = 0

    @rule(sizes=st.lists(st.integers(1, 12), min_size=3, max_size=6))
    def place(self, sizes: list[int]) -> None:
        """The first hole that is long enough is taken from its start; without one the answer is no."""
        for tokens in sizes:
            new = sequence(self.count)
            self.count += 1
            new.demand = tokens
            fit = next((address for address, length in holes(self.slots) if length >= tokens), None)
            assert self.kv.place(new) == (fit is not None)
            if fit is not None:
                assert (new.address, new.reservation) == (fit, tokens)
                self.slots[fit : fit + tokens] = [new.order] * tokens
                self.holders.append(new)

    @precondition(lambda self: self.holders)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        """All slots of a holder are free again."""
        self._return(data.draw(st.sampled_from(self.holders)))

    @precondition(lambda self: self.holders)
    @rule(states=st.lists(st.sampled_from([*PINS, State.DECODING, State.PREFILLING]), min_size=1))
    def pin(self, states: list[State]) -> None:
        """The host link begins or ends to work on some holders' slots."""
        for holder, state in zip(self.holders, states, strict=False):
            holder.state = state

    @precondition(lambda self: self.holders)
    @rule(data=st.data())
    def grow(self, data: st.DataObject) -> None:
        """The room behind a holder is the run of free slots that begins where it ends, and may be taken in part."""
        grower = data.draw(st.sampled_from(self.holders))
        end = grower.address + grower.reservation
        room = dict(holes(self.slots)).get(end, 0)
        assert self.kv.room_behind(grower) == room
        if room:
            tokens = data.draw(st.integers(1, room))
            self.kv.grow(grower, tokens)
            self.slots[end : end + tokens] = [grower.order] * tokens

    @rule()
    def thin_out(self) -> None:
        """Every second holder leaves: many holes."""
        for leaver in sorted(self.holders, key=lambda one: one.address)[::2]:
            self._return(leaver)

    @precondition(lambda self: self.holders)
    @rule(data=st.data())
    def write(self, data: st.DataObject) -> None:
        """A holder writes one more of its slots."""
        writer = data.draw(st.sampled_from(self.holders))
        writer.prefilled(min(1, writer.reservation - writer.cached))

    @rule()
    def compact(self) -> None:
        """Each extent slides down to the one before it, pinned ones stay, and the moves can be made one by one."""
        lowest, expected = 0, []
        for holder in sorted(self.holders, key=lambda one: one.address):
            if holder.state not in PINS and holder.address != lowest:
                expected.append((holder.order, holder.address, lowest, holder.cached))
            lowest = (holder.address if holder.state in PINS else lowest) + holder.reservation
        moves = self.kv.compact()
        assert [(move.sequence.order, *move[1:]) for move in moves] == expected
        self._carry_out(moves)

    @rule(tokens=st.integers(1, 20))
    def make_room(self, tokens: int) -> None:
        """A hole of so many slots appears for the fewest written slots moved, or nothing is moved and none can."""
        least = self._least_written(tokens)
        moves = self.kv.make_room(tokens)
        self._carry_out(moves)
        assert not any(move.sequence.state in PINS for move in moves)
        assert (least is None) == (max([length for _, length in holes(self.slots)], default=0) < tokens)
        assert sum(move.tokens for move in moves) == (least or 0)

    def _least_written(self, tokens: int) -> int | None:
        """By brute force over runs of neighbouring holes: the written slots between them; None where none is enough."""
        found = holes(self.slots)
        costs = []
        for first in range(len(found)):
            for last in range(first, len(found)):
                begin, end = found[first][0], sum(found[last])
                inside = [holder for holder in self.holders if begin <= holder.address < end]
                long_enough = sum(length for _, length in found[first : last + 1]) >= tokens
                if long_enough and not any(holder.state in PINS for holder in inside):
                    costs.append(sum(holder.cached for holder in inside))
        return min(costs, default=None)

    def _carry_out(self, moves: list[Relocation]) -> None:
        for move in moves:
            length = move.sequence.reservation
            self.slots[move.source : move.source + length] = [None] * length
            assert set(self.slots[move.target : move.target + length]) == {None}
            self.slots[move.target : move.target + length] = [move.sequence.order] * length
            assert move.sequence.address == move.target

    @invariant()
    def extents_and_holes_tile_the_slots(self) -> None:
        """The account agrees with the bitmap, and with its own audit."""
        assert self.kv.free == self.slots.count(None)
        for holder in self.holders:
            span = self.slots[holder.address : holder.address + holder.reservation]
            assert span == [holder.order] * self.kv.held_by(holder)
        self.kv.check_integrity(self.holders)

    def _return(self, leaver: Sequence) -> None:
        self.holders.remove(leaver)
        self.kv.release(leaver)
        self.slots = [None if owner == leaver.order else owner for owner in self.slots]
        assert self.kv.held_by(leaver) == 0


class TestContiguousKV(ContiguousMachine.TestCase):  # type: ignore[misc, valid-type]
    """The contiguous account of slots agrees with a bitmap, whatever is done to it (law 2)."""

    settings = settings(examples(100), stateful_step_count=50)


def test_an_audit_notices_a_slot_that_was_lost() -> None:
    """free + held ≠ capacity raises, with the numbers."""
    kv = ContiguousKV(16)
    kv.free -= 1
    with pytest.raises(InvariantError, match="free 15 \\+ held 0 != capacity 16"):
        kv.check_integrity([])


def test_an_audit_notices_extents_that_overlap() -> None:
    """Extents that share a slot raise although the counts are right."""
    kv = ContiguousKV(16)
    holders = [sequence(0), sequence(1)]
    for holder in holders:
        holder.demand = 4
        assert kv.place(holder)
    kv.check_integrity(holders)
    holders[1].address = 3
    with pytest.raises(InvariantError, match="do not tile"):
        kv.check_integrity(holders)


@pytest.mark.parametrize(
    ("tokens", "size"), [(1, 1), (8, 8), (9, 10), (10, 10), (11, 12), (16, 16), (17, 20), (2048, 2048)]
)
def test_size_classes_are_four_a_doubling(tokens: int, size: int) -> None:
    """Sizes up to 8, then 10, 12, 14, 16, 20, …: no more than a fifth of any is rounding."""
    assert size_class(tokens) == size
    assert all(count <= size_class(count) < 1.25 * count for count in range(1, 5000))


def test_a_size_class_is_no_longer_than_the_device() -> None:
    """What would fit without rounding is not turned away."""
    kv = ContiguousKV(9, moves="none", classes=True)
    assert (ContiguousKV(99, classes=True).demand(9), kv.demand(9), kv.demand(11)) == (10, 9, 11)
