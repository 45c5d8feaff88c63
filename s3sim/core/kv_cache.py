"""The account of KV slots on one device: extents for contiguous systems, blocks for paged ones.

Always free + held == capacity, in slots. The account knows nothing of tensors: a simulated and a
real device obey the same addresses.
"""

from bisect import bisect_left
from typing import TYPE_CHECKING, Protocol

from s3sim.core.batch import Relocation
from s3sim.core.errors import InvariantError
from s3sim.core.growth import Growth, PagedGrowth, ReservedGrowth
from s3sim.core.request import Sequence, State

if TYPE_CHECKING:
    from s3sim.core.lane import Lane

__all__ = ["ContiguousKV", "CountedKV", "KVCacheManager", "PagedKV"]

PINNED = (State.SWAPPING_OUT, State.SWAPPING_IN)  # the host link is reading or writing these slots


class KVCacheManager(Protocol):
    """The account of KV slots on one device."""

    capacity: int
    free: int

    def demand(self, tokens: int) -> int:
        """Slots that a reservation of `tokens` takes."""
        ...

    def place(self, sequence: Sequence) -> bool:
        """Hold `sequence.demand` slots; False where no extent is long enough though the count would fit."""
        ...

    def release(self, sequence: Sequence) -> None:
        """Return every slot that the sequence holds."""
        ...

    def held_by(self, sequence: Sequence) -> int:
        """Slots that the sequence holds now."""
        ...

    def room_behind(self, sequence: Sequence) -> int:
        """Slots by which the sequence's reservation could grow where it is."""
        ...

    def grow(self, sequence: Sequence, tokens: int) -> None:
        """Hold so many slots more, of those in `room_behind`."""
        ...

    def compact(self) -> list[Relocation]:
        """Slide extents together; the moves, in an order in which they can be made one by one."""
        ...

    def growth(self, lane: "Lane") -> Growth:
        """A watch over the growth of the sequences that decode on one lane."""
        ...

    def check_integrity(self, holders: list[Sequence]) -> None:
        """Audit free + held == capacity, and that extents do not overlap; raises InvariantError."""
        ...


class ContiguousKV:
    """Slots in one address space, each reservation one extent, placed first fit."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.free = capacity
        self._holes: list[tuple[int, int]] = [(0, capacity)]  # (address, length) by address
        self._holders: dict[Sequence, None] = {}

    def demand(self, tokens: int) -> int:
        """A contiguous reservation takes just its tokens."""
        return tokens

    def place(self, sequence: Sequence) -> bool:
        """Hold the first extent that is long enough; False if none is."""
        tokens = sequence.demand
        for index, (address, length) in enumerate(self._holes):
            if length >= tokens:
                if length == tokens:
                    del self._holes[index]
                else:
                    self._holes[index] = (address + tokens, length - tokens)
                sequence.address, sequence.reservation = address, tokens
                self.free -= tokens
                self._holders[sequence] = None
                return True
        return False

    def release(self, sequence: Sequence) -> None:
        """Return the extent and join it with the holes beside it."""
        address, length = sequence.address, sequence.reservation
        del self._holders[sequence]
        self.free += length
        holes = self._holes
        index = bisect_left(holes, (address, 0))
        if index < len(holes) and holes[index][0] == address + length:
            length += holes.pop(index)[1]
        if index and sum(holes[index - 1]) == address:
            address, before = holes[index - 1]
            holes[index - 1] = (address, before + length)
        else:
            holes.insert(index, (address, length))
        sequence.reservation = 0

    def held_by(self, sequence: Sequence) -> int:
        """The extent's length."""
        return sequence.reservation

    def room_behind(self, sequence: Sequence) -> int:
        """The length of the hole that begins where the extent ends."""
        end = sequence.address + sequence.reservation
        index = bisect_left(self._holes, (end, 0))
        return self._holes[index][1] if index < len(self._holes) and self._holes[index][0] == end else 0

    def grow(self, sequence: Sequence, tokens: int) -> None:
        """Lengthen the extent into the hole behind it."""
        end = sequence.address + sequence.reservation
        index = bisect_left(self._holes, (end, 0))
        rest = self._holes[index][1] - tokens
        self._holes[index : index + 1] = [(end + tokens, rest)] if rest else []
        sequence.reservation += tokens
        self.free -= tokens

    def compact(self) -> list[Relocation]:
        """Slide every extent down as far as it goes; extents that a move pins stay where they are."""
        relocations: list[Relocation] = []
        holes: list[tuple[int, int]] = []
        end = 0
        for sequence in sorted(self._holders, key=lambda holder: holder.address):
            if sequence.state in PINNED:
                if sequence.address > end:
                    holes.append((end, sequence.address - end))
            elif sequence.address != end:
                relocations.append(Relocation(sequence, sequence.address, end, sequence.cached))
                sequence.address = end
            end = sequence.address + sequence.reservation
        if end < self.capacity:
            holes.append((end, self.capacity - end))
        self._holes = holes
        return relocations

    def growth(self, lane: "Lane") -> Growth:
        """A watch for sequences that outgrow their reservation."""
        return ReservedGrowth(lane)

    def check_integrity(self, holders: list[Sequence]) -> None:
        """Audit the account against the sequences that ought to hold slots, and extents for overlap."""
        held = sum(sequence.reservation for sequence in holders)
        _audit(self.free, held, self.capacity)
        spans = [(s.address, s.address + s.reservation) for s in holders]
        spans += [(address, address + length) for address, length in self._holes]
        spans.sort()
        ends = [0, *(end for _, end in spans)]
        if [start for start, _ in spans] != ends[:-1] or ends[-1] != self.capacity:
            raise InvariantError(f"extents and holes do not tile the {self.capacity} slots: {spans}")


class PagedKV:
    """Slots in blocks; a sequence takes a block when its next token needs one.

    Blocks are counted, not named: which physical block serves whom is the executor's own matter,
    and cannot change a schedule. A decoding sequence holds ceil(cached / block) blocks.
    """

    def __init__(self, capacity: int, *, block_tokens: int = 16) -> None:
        self.block_tokens = block_tokens
        self.capacity = capacity // block_tokens * block_tokens
        self.free = self.capacity

    def demand(self, tokens: int) -> int:
        """A reservation takes whole blocks."""
        return -(-tokens // self.block_tokens) * self.block_tokens

    def place(self, sequence: Sequence) -> bool:
        """Hold the blocks; any free block serves, so this never says no."""
        sequence.reservation = sequence.demand
        self.free -= sequence.demand
        return True

    def release(self, sequence: Sequence) -> None:
        """Return the blocks that the sequence has grown to."""
        self.free += self.held_by(sequence)
        sequence.reservation = 0

    def held_by(self, sequence: Sequence) -> int:
        """Blocks follow the cached tokens while decoding; before that the reservation stands."""
        if sequence.lane is None:
            return sequence.reservation
        return self.demand(sequence.cached + sequence.lane.writing)

    def room_behind(self, sequence: Sequence) -> int:
        """Any free block serves."""
        return self.free

    def grow(self, sequence: Sequence, tokens: int) -> None:
        """Take blocks for the sequence's next writes."""
        self.free -= tokens

    def compact(self) -> list[Relocation]:
        """Blocks never need to move."""
        return []

    def growth(self, lane: "Lane") -> Growth:
        """A watch that counts the blocks that the lane's sequences need at each step."""
        return PagedGrowth(lane, self)

    def check_integrity(self, holders: list[Sequence]) -> None:
        """Audit the account against the sequences that ought to hold blocks."""
        _audit(self.free, sum(self.held_by(sequence) for sequence in holders), self.capacity)


class CountedKV:
    """Slots that are counted only: a paged system that reserves blocks at admission and never asks for more."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.free = capacity

    def demand(self, tokens: int) -> int:
        """A reservation takes just its tokens."""
        return tokens

    def place(self, sequence: Sequence) -> bool:
        """Hold the slots, wherever they are."""
        sequence.reservation = sequence.demand
        self.free -= sequence.demand
        return True

    def release(self, sequence: Sequence) -> None:
        """Return the slots."""
        self.free += sequence.reservation
        sequence.reservation = 0

    def held_by(self, sequence: Sequence) -> int:
        """The reservation."""
        return sequence.reservation

    def room_behind(self, sequence: Sequence) -> int:
        """Any free slot serves."""
        return self.free

    def grow(self, sequence: Sequence, tokens: int) -> None:
        """Hold more slots, wherever they are."""
        sequence.reservation += tokens
        self.free -= tokens

    def compact(self) -> list[Relocation]:
        """Blocks never need to move."""
        return []

    def growth(self, lane: "Lane") -> Growth:
        """A watch for sequences that outgrow their reservation."""
        return ReservedGrowth(lane)

    def check_integrity(self, holders: list[Sequence]) -> None:
        """Audit the account against the sequences that ought to hold slots."""
        _audit(self.free, sum(sequence.reservation for sequence in holders), self.capacity)


def _audit(free: int, held: int, capacity: int) -> None:
    if free < 0 or free + held != capacity:
        raise InvariantError(f"free {free} + held {held} != capacity {capacity} slots")
