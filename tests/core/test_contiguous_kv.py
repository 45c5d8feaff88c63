"""The contiguous account against a bitmap: placed first fit, returned, and slid together around pins."""

from itertools import groupby

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from s3sim.core.errors import InvariantError
from s3sim.core.kv_cache import ContiguousKV
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
        self.kv = ContiguousKV(CAPACITY)
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
