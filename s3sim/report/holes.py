"""The holes of one address space, as the extents beside them come and go."""

from bisect import bisect_right

from s3sim.core.errors import InvariantError

__all__ = ["Holes"]


class Holes:
    """Free extents (address, length) by address, of which no two touch."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._found = [(0, capacity)] if capacity else []
        self.free = capacity  # slots

    @property
    def largest(self) -> int:
        """Slots of the largest hole."""
        return max([length for _, length in self._found], default=0)

    def take(self, address: int, tokens: int) -> None:
        """Fill a part of a hole; raises InvariantError where that part is not free."""
        index = bisect_right(self._found, (address, self._capacity)) - 1
        begin, length = self._found[index] if index >= 0 else (0, 0)
        before, after = address - begin, begin + length - address - tokens
        if before < 0 or after < 0:
            raise InvariantError(f"slots {address} to {address + tokens} were given away, and are not free")
        rest = [(begin, before), (address + tokens, after)]
        self._found[index : index + 1] = [hole for hole in rest if hole[1]]
        self.free -= tokens

    def give(self, address: int, tokens: int) -> None:
        """Join an extent with the holes beside it."""
        found, end = self._found, address + tokens
        index = bisect_right(found, (address, 0))
        stop = index
        if index < len(found) and found[index][0] == end:
            stop, end = index + 1, end + found[index][1]
        if index and sum(found[index - 1]) == address:
            index, address = index - 1, found[index - 1][0]
        found[index:stop] = [(address, end - address)]
        self.free += tokens
