"""Queues of waiting sequences: first come first served, and indexed by size."""

from bisect import bisect_right, insort
from collections import deque
from collections.abc import Iterator
from heapq import heappop, heappush

from s3sim.core.request import Sequence, State

__all__ = ["FirstComeQueue", "SizeQueue", "SwappedFirstQueue"]

QUEUED = (State.WAITING, State.SWAPPED)


class FirstComeQueue:
    """Sequences in order of submission, also those that return after a preemption."""

    def __init__(self) -> None:
        self._sequences: deque[Sequence] = deque()

    def push(self, sequence: Sequence) -> None:
        """Add at its place, which for a new sequence is the end."""
        sequences = self._sequences
        if not sequences or sequences[-1].order < sequence.order:
            sequences.append(sequence)
            return
        place = 0
        while sequences[place].order < sequence.order:  # only those that return stand before
            place += 1
        sequences.insert(place, sequence)

    def push_front(self, sequence: Sequence) -> None:
        """Add at its place, which is among those that return."""
        self.push(sequence)

    def remove(self, sequence: Sequence) -> None:
        """Take out a sequence; the head in O(1)."""
        if self._sequences[0] is sequence:
            self._sequences.popleft()
        else:
            self._sequences.remove(sequence)

    def head(self) -> Sequence:
        """The sequence that came first; the queue must not be empty."""
        return self._sequences[0]

    def __len__(self) -> int:
        return len(self._sequences)

    def __iter__(self) -> Iterator[Sequence]:
        return iter(self._sequences)


class SwappedFirstQueue:
    """Those whose KV is on the host before all others, each in order of submission."""

    def __init__(self) -> None:
        self._swapped = FirstComeQueue()
        self._others = FirstComeQueue()

    def push(self, sequence: Sequence) -> None:
        """Add at its place among its like."""
        self._like(sequence).push(sequence)

    def push_front(self, sequence: Sequence) -> None:
        """Add at its place among its like."""
        self.push(sequence)

    def remove(self, sequence: Sequence) -> None:
        """Take out a sequence; the head in O(1)."""
        self._like(sequence).remove(sequence)

    def head(self) -> Sequence:
        """Of the swapped the one that came first, else of all; the queue must not be empty."""
        return (self._swapped if len(self._swapped) else self._others).head()

    def _like(self, sequence: Sequence) -> FirstComeQueue:
        return self._swapped if sequence.state is State.SWAPPED else self._others

    def __len__(self) -> int:
        return len(self._swapped) + len(self._others)

    def __iter__(self) -> Iterator[Sequence]:
        yield from self._swapped
        yield from self._others


class SizeQueue:
    """Sequences indexed by the slots they ask for, and by age.

    Finding the largest that fits costs O(log distinct sizes), where sorting the pool at each plan
    would be quadratic in its length.
    """

    def __init__(self) -> None:
        self._sizes: list[int] = []  # distinct demands, ascending
        self._by_size: dict[int, deque[Sequence]] = {}
        self._by_age: list[tuple[int, int, Sequence]] = []  # heap; entries of the admitted surface and are dropped
        self._length = 0

    def push(self, sequence: Sequence) -> None:
        """Add behind those of the same size."""
        self._bucket(sequence.demand).append(sequence)
        self._note(sequence)

    def push_front(self, sequence: Sequence) -> None:
        """Add ahead of those of the same size."""
        self._bucket(sequence.demand).appendleft(sequence)
        self._note(sequence)

    def remove(self, sequence: Sequence) -> None:
        """Take out a sequence; the first of its size in O(1)."""
        bucket = self._by_size[sequence.demand]
        if bucket[0] is sequence:
            bucket.popleft()
        else:
            bucket.remove(sequence)
        self._length -= 1
        if not bucket:
            del self._by_size[sequence.demand]
            del self._sizes[bisect_right(self._sizes, sequence.demand) - 1]

    def largest_at_most(self, slots: int) -> Sequence | None:
        """The first of the largest that ask for no more than `slots`."""
        index = bisect_right(self._sizes, slots)
        return self._by_size[self._sizes[index - 1]][0] if index else None

    def oldest(self) -> Sequence:
        """The sequence that arrived first; the queue must not be empty."""
        while self._by_age[0][2].state not in QUEUED:
            heappop(self._by_age)
        return self._by_age[0][2]

    def _bucket(self, size: int) -> deque[Sequence]:
        if size not in self._by_size:
            insort(self._sizes, size)
            self._by_size[size] = deque()
        return self._by_size[size]

    def _note(self, sequence: Sequence) -> None:
        heappush(self._by_age, (sequence.waiting_since, sequence.order, sequence))
        self._length += 1

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Sequence]:
        for size in reversed(self._sizes):
            yield from self._by_size[size]
