"""The slots of a strict fake device: what is written where, told apart token by token.

Every written slot holds a mark (whose token, which position), so a slot that somebody else wrote
over, or that nobody wrote, is noticed when it is read.
"""

from typing import Protocol

from s3sim.core.kv_cache import CountedKV
from tests.support.traits import block_tokens, granule
from tests.support.worlds import World

__all__ = ["ContiguousMemory", "CountedMemory", "Memory", "PagedMemory", "PiecewiseMemory", "memory"]

POSITIONS = 1 << 20  # more than any sequence has


def _marks(ident: int, start: int, stop: int) -> list[int]:
    return list(range(ident * POSITIONS + start, ident * POSITIONS + stop))


class Memory(Protocol):
    """Device memory, by request id."""

    @property
    def held(self) -> int:
        """Slots that somebody holds."""
        ...

    def knows(self, ident: int) -> bool:
        """Whether the request holds slots."""
        ...

    def hold(self, ident: int, address: int, length: int) -> None:
        """Give slots to a request that holds none."""
        ...

    def free(self, ident: int) -> None:
        """Take the request's slots back; what is written there stays until somebody writes over it."""
        ...

    def write(self, ident: int, start: int, stop: int) -> None:
        """Write the request's positions start … stop-1."""
        ...

    def check(self, ident: int, stop: int) -> None:
        """Read the request's positions 0 … stop-1."""
        ...

    def grow(self, ident: int, length: int) -> None:
        """Give so many slots more to a request."""
        ...

    def relocate(self, ident: int, *, source: int, target: int, tokens: int) -> None:
        """Move a request's slots, of which `tokens` are written."""
        ...

    def lengthen(self) -> None:
        """Make the rows longer by one slot, where a decode step does so by itself."""
        ...


class ContiguousMemory:
    """One address space; each request holds one extent."""

    def __init__(self, capacity: int) -> None:
        self._slots: list[int | None] = [None] * capacity
        self._extents: dict[int, tuple[int, int]] = {}  # address, length

    @property
    def held(self) -> int:
        """The extents' lengths together."""
        return sum(length for _, length in self._extents.values())

    def knows(self, ident: int) -> bool:
        """It has an extent."""
        return ident in self._extents

    def hold(self, ident: int, address: int, length: int) -> None:
        """An extent inside the memory that overlaps no other."""
        assert ident not in self._extents, f"{ident} holds an extent already"
        assert address >= 0, f"extent of {ident} begins at {address}"
        assert address + length <= len(self._slots), f"extent of {ident} ends at {address + length}"
        for other, (begin, size) in self._extents.items():
            assert address + length <= begin or begin + size <= address, f"extents of {ident} and {other} overlap"
        self._extents[ident] = (address, length)

    def grow(self, ident: int, length: int) -> None:
        """The slots right behind the extent, which nobody holds."""
        address, before = self._extents.pop(ident)
        self.hold(ident, address, before + length)

    def free(self, ident: int) -> None:
        """Forget the extent."""
        del self._extents[ident]

    def write(self, ident: int, start: int, stop: int) -> None:
        """Only inside the extent."""
        address, length = self._extents[ident]
        assert stop <= length, f"{ident} writes position {stop - 1} of {length} slots"
        self._slots[address + start : address + stop] = _marks(ident, start, stop)

    def check(self, ident: int, stop: int) -> None:
        """Every mark is in its place."""
        address, _ = self._extents[ident]
        assert self._slots[address : address + stop] == _marks(ident, 0, stop), f"{ident} reads what it did not write"

    def relocate(self, ident: int, *, source: int, target: int, tokens: int) -> None:
        """Copy the written slots in ascending order, as one move among several made one by one."""
        address, length = self._extents.pop(ident)
        assert address == source, f"{ident} lies at {address}, not at {source}"
        self.hold(ident, target, length)
        for position in range(tokens):
            self._slots[target + position] = self._slots[source + position]
        self.check(ident, tokens)

    def lengthen(self) -> None:
        """Nothing: each request has slots of its own."""


class PagedMemory:
    """Blocks of slots; a request takes a block when it first writes into it."""

    def __init__(self, capacity: int, block: int) -> None:
        self._block = block
        self._free = list(range(capacity // block))
        self._slots: list[int | None] = [None] * (capacity // block * block)
        self._tables: dict[int, list[int]] = {}

    @property
    def held(self) -> int:
        """The blocks in use, in slots."""
        return sum(len(table) for table in self._tables.values()) * self._block

    def knows(self, ident: int) -> bool:
        """It has blocks."""
        return ident in self._tables

    def hold(self, ident: int, address: int, length: int) -> None:
        """Blocks for `length` slots, wherever there are some."""
        assert ident not in self._tables, f"{ident} holds blocks already"
        self._tables[ident] = [self._take() for _ in range(-(-length // self._block))]

    def grow(self, ident: int, length: int) -> None:
        """Nothing: the block is taken when it is written."""

    def free(self, ident: int) -> None:
        """Return the blocks."""
        self._free += self._tables.pop(ident)

    def write(self, ident: int, start: int, stop: int) -> None:
        """Into the request's blocks, and at most one more, taken now."""
        table = self._tables[ident]
        if start == len(table) * self._block:
            table.append(self._take())
        for position, mark in enumerate(_marks(ident, start, stop), start):
            self._slots[table[position // self._block] * self._block + position % self._block] = mark

    def check(self, ident: int, stop: int) -> None:
        """Every mark is in its place."""
        seen: list[int | None] = []
        for number in self._tables[ident]:
            seen += self._slots[number * self._block : (number + 1) * self._block]
        assert seen[:stop] == _marks(ident, 0, stop), f"{ident} reads what it did not write"

    def relocate(self, ident: int, *, source: int, target: int, tokens: int) -> None:
        """Blocks never move."""
        raise AssertionError(f"{ident}: a block was asked to move from {source} to {target}")

    def lengthen(self) -> None:
        """Nothing: each request has slots of its own."""

    def _take(self) -> int:
        assert self._free, "a block is taken where none is free"
        return self._free.pop()


class CountedMemory:
    """Slots of which each request has as many as it reserved, wherever they are."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._rows: dict[int, list[int | None]] = {}

    @property
    def held(self) -> int:
        """The reservations together."""
        return sum(len(row) for row in self._rows.values())

    def knows(self, ident: int) -> bool:
        """It has slots."""
        return ident in self._rows

    def hold(self, ident: int, address: int, length: int) -> None:
        """As many slots as are free."""
        assert ident not in self._rows, f"{ident} holds slots already"
        assert self.held + length <= self._capacity, f"{length} slots for {ident}, {self.held} are held"
        self._rows[ident] = [None] * length

    def grow(self, ident: int, length: int) -> None:
        """So many more of those that are free."""
        assert self.held + length <= self._capacity, f"{length} more slots for {ident}, {self.held} are held"
        self._rows[ident] += [None] * length

    def free(self, ident: int) -> None:
        """Forget the slots."""
        del self._rows[ident]

    def write(self, ident: int, start: int, stop: int) -> None:
        """Only what is reserved."""
        row = self._rows[ident]
        assert stop <= len(row), f"{ident} writes position {stop - 1} of {len(row)} slots"
        row[start:stop] = _marks(ident, start, stop)

    def check(self, ident: int, stop: int) -> None:
        """Every mark is in its place."""
        assert self._rows[ident][:stop] == _marks(ident, 0, stop), f"{ident} reads what it did not write"

    def relocate(self, ident: int, *, source: int, target: int, tokens: int) -> None:
        """Slots never move."""
        raise AssertionError(f"{ident}: slots were asked to move from {source} to {target}")

    def lengthen(self) -> None:
        """Nothing: each request has slots of its own."""


class PiecewiseMemory(CountedMemory):
    """Rows of one length, which is that of the longest prompt and grows with each decode step."""

    def __init__(self, capacity: int, granule: int) -> None:
        super().__init__(capacity)
        self._granule = granule

    @property
    def held(self) -> int:
        """Rows times length, rounded up to granules."""
        slots = sum(len(row) for row in self._rows.values())
        return -(-slots // self._granule) * self._granule

    def hold(self, ident: int, address: int, length: int) -> None:
        """A row as long as the longest, for which all others are padded."""
        longest = max([length, *map(len, self._rows.values())])
        self._rows[ident] = []
        self._pad(longest)

    def lengthen(self) -> None:
        """One slot more for every row, written or not."""
        self._pad(max(map(len, self._rows.values())) + 1)

    def _pad(self, length: int) -> None:
        for row in self._rows.values():
            row.extend([None] * (length - len(row)))
        assert self.held <= self._capacity, f"{self.held} slots held of {self._capacity}"


def memory(world: World) -> Memory:
    """The memory that the world's system manages for one lane."""
    block, rounded = block_tokens(world), granule(world)
    capacity = world.capacity // world.lanes
    if block is not None:
        return PagedMemory(capacity, block)
    if rounded is not None:
        return PiecewiseMemory(capacity, rounded)
    return CountedMemory(capacity) if isinstance(world.kv(), CountedKV) else ContiguousMemory(capacity)
