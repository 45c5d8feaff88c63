"""The account of KV slots on one device: extents for contiguous systems, blocks for paged ones.

Always free + held == capacity, in slots. The account knows nothing of tensors: a simulated and a
real device obey the same addresses.
"""

from bisect import bisect_left
from itertools import chain
from typing import TYPE_CHECKING, Literal, Protocol

from s3sim.core.batch import Relocation
from s3sim.core.errors import InvariantError
from s3sim.core.growth import Growth, PagedGrowth, ReservedGrowth
from s3sim.core.request import Sequence, State

if TYPE_CHECKING:
    from s3sim.core.lane import Lane

__all__ = ["ContiguousKV", "CountedKV", "KVCacheManager", "Moves", "PagedKV", "size_class"]

Moves = Literal["none", "needed", "all"]  # which extents are slid together where no hole is long enough
CLASSES_PER_DOUBLING = 4  # as in jemalloc (its manual, "size classes"): at most a fifth of a reservation is rounding
PINNED = (State.SWAPPING_OUT, State.SWAPPING_IN)  # the host link is reading or writing these slots


class KVCacheManager(Protocol):
    """The account of KV slots on one device."""

    capacity: int
    free: int

    @property
    def longest(self) -> int:
        """Slots of the longest reservation that could be held now, if need be after moves."""
        ...

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

    def make_room(self, tokens: int) -> list[Relocation]:
        """Move extents so that a hole of so many slots appears; the moves, in an order in which they can be made."""
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


def size_class(tokens: int) -> int:
    """The least of the sizes 1 … 8, 10, 12, 14, 16, 20, 24, … that holds `tokens`, at least 1."""
    step = max(1, (1 << (tokens - 1).bit_length()) // (2 * CLASSES_PER_DOUBLING))
    return -(-tokens // step) * step


class ContiguousKV:
    """Slots in one address space, each reservation one extent, placed first fit.

    Where there are slots enough and no hole is long enough, `moves` says what is slid together: nothing, the extents
    between those neighbouring holes that are long enough together and whose extents have the least written, or all.
    With `classes` reservations are rounded up to a few sizes, so that holes fit again.
    """

    def __init__(self, capacity: int, *, moves: Moves = "all", classes: bool = False) -> None:
        self.capacity = capacity
        self.free = capacity
        self._moves = moves
        self._classes = classes
        self._holes: list[tuple[int, int]] = [(0, capacity)]  # (address, length) by address
        self._holders: dict[Sequence, None] = {}

    @property
    def longest(self) -> int:
        """All free slots, or the longest hole where nothing is moved."""
        return self.free if self._moves != "none" else max([length for _, length in self._holes], default=0)

    def demand(self, tokens: int) -> int:
        """A contiguous reservation takes just its tokens, or its size class, if the device is as large."""
        return max(tokens, min(size_class(tokens), self.capacity)) if self._classes else tokens

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

    def make_room(self, tokens: int) -> list[Relocation]:
        """Slide extents together as `moves` says; none where that cannot make a hole so long."""
        if self._moves == "all":
            return self.compact()
        return self._slide_few(tokens) if self._moves == "needed" else []

    def _slide_few(self, tokens: int) -> list[Relocation]:
        """Slide the extents between neighbouring holes down, where that makes one hole of `tokens` slots or more."""
        if not self._holes:
            return []
        between = self._between()
        first, last = self._cheapest_run(tokens, between)
        if first == last:
            return []
        relocations: list[Relocation] = []
        end = self._holes[first][0]
        for sequence in chain.from_iterable(between[first:last]):
            relocations.append(Relocation(sequence, sequence.address, end, sequence.cached))
            sequence.address = end
            end += sequence.reservation
        self._holes[first : last + 1] = [(end, sum(length for _, length in self._holes[first : last + 1]))]
        return relocations

    def _between(self) -> list[list[Sequence]]:
        """The extents between each hole and the next, by address."""
        between: list[list[Sequence]] = [[] for _ in self._holes]
        for sequence in sorted(self._holders, key=lambda holder: holder.address):
            between[bisect_left(self._holes, (sequence.address, 0)) - 1].append(sequence)  # before all holes: the last
        return between

    def _cheapest_run(self, tokens: int, between: list[list[Sequence]]) -> tuple[int, int]:
        """The first and the last hole to join: long enough together, the least written between; (0, 0): none."""
        best, found = None, (0, 0)
        first = slots = written = 0
        for last, (_, length) in enumerate(self._holes):
            if last and any(sequence.state in PINNED for sequence in between[last - 1]):
                first, slots, written = last, 0, 0
            elif last:
                written += sum(sequence.cached for sequence in between[last - 1])
            slots += length
            while slots - self._holes[first][1] >= tokens:
                slots -= self._holes[first][1]
                written -= sum(sequence.cached for sequence in between[first])
                first += 1
            if slots >= tokens and (best is None or written < best):
                best, found = written, (first, last)
        return found

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

    @property
    def longest(self) -> int:
        """All free slots."""
        return self.free

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

    def make_room(self, tokens: int) -> list[Relocation]:
        """Blocks never need to move."""
        return []

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

    @property
    def longest(self) -> int:
        """All free slots."""
        return self.free

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

    def make_room(self, tokens: int) -> list[Relocation]:
        """Blocks never need to move."""
        return []

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
