"""Queues of waiting sequences in an order of priority, with and without a guard against starvation."""

from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from itertools import chain

from s3sim.core.request import Sequence

__all__ = ["GuardedQueue", "PriorityQueue"]

Key = Callable[[Sequence], int]


class PriorityQueue:
    """Sequences by a key that does not change while they wait, the least first, equals by submission."""

    def __init__(self, key: Key) -> None:
        self._key = key
        self._heap: list[tuple[int, int, Sequence]] = []  # entries of the removed surface and are dropped
        self._keys: dict[Sequence, int] = {}

    def push(self, sequence: Sequence) -> None:
        """Add at its place."""
        self._keys[sequence] = key = self._key(sequence)
        heappush(self._heap, (key, sequence.order, sequence))

    def push_front(self, sequence: Sequence) -> None:
        """Add at its place: whoever returns has no other right than its key."""
        self.push(sequence)

    def remove(self, sequence: Sequence) -> None:
        """Take out a sequence."""
        del self._keys[sequence]

    def head(self) -> Sequence:
        """The sequence of the least key; the queue must not be empty."""
        while self._keys.get(self._heap[0][2]) != self._heap[0][0]:
            heappop(self._heap)
        return self._heap[0][2]

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[Sequence]:
        return iter(self._keys)


class GuardedQueue:
    """A priority queue that promotes whoever has been idle for too many steps: the starvation guard of vllm-ltr.

    A sequence that waited `patience` steps stands before all that are not promoted, until it has run `period`
    steps since; promoted ones keep the order of their keys among themselves. One that gives way before its period
    is over keeps what is left of it. `notice` must be called at each plan before the queue is asked; a sequence
    is idle from the first notice after it was added. With a patience of None nobody is promoted.
    """

    def __init__(self, key: Key, *, patience: int | None, period: int) -> None:
        self._patience, self._period = patience, period
        self._ranked, self._starved = PriorityQueue(key), PriorityQueue(key)
        self._steps = 0
        self._added: list[Sequence] = []  # since the last notice
        self._since: dict[Sequence, int] = {}  # waiting and not promoted → step of its notice; the oldest first
        self._quantum: dict[Sequence, int] = {}  # waiting and promoted → steps that it may run
        self._until: dict[Sequence, int] = {}  # admitted and promoted → step at which that ends

    def push(self, sequence: Sequence) -> None:
        """Add at its place."""
        self._ranked.push(sequence)
        self._added.append(sequence)

    def push_front(self, sequence: Sequence) -> None:
        """Add at its place."""
        self.push(sequence)

    def remove(self, sequence: Sequence) -> None:
        """Take out a sequence; if it is promoted its period begins."""
        if sequence in self._quantum:
            self._starved.remove(sequence)
            self._until[sequence] = self._steps + self._quantum.pop(sequence)
        else:
            self._ranked.remove(sequence)
            self._since.pop(sequence, None)

    def notice(self, steps: int) -> None:
        """Tell the queue how many steps have been run, and promote whoever has been idle for too long."""
        self._steps = steps
        for sequence in self._added:
            left = self._until.pop(sequence, steps) - steps
            if left > 0:
                self._promote(sequence, left)
            elif self._patience is not None:
                self._since[sequence] = steps
        self._added.clear()
        self._until = {sequence: end for sequence, end in self._until.items() if end > steps}
        while self._since and self._next_promotion() <= steps:
            sequence = next(iter(self._since))
            del self._since[sequence]
            self._promote(sequence, self._period)

    def promoted(self, sequence: Sequence, steps: int) -> bool:
        """Whether a sequence, waiting or admitted, stands before those that are not promoted."""
        return sequence in self._quantum or self._until.get(sequence, 0) > steps

    def next_change(self) -> int | None:
        """The step at which somebody is promoted or a period ends, if nothing else happens."""
        ends = list(self._until.values())
        return min([*ends, self._next_promotion()] if self._since else ends, default=None)

    def head(self) -> Sequence:
        """The first of the promoted, else of the others; the queue must not be empty."""
        return self._starved.head() if len(self._starved) else self._ranked.head()

    def _next_promotion(self) -> int:
        return next(iter(self._since.values())) + (self._patience or 0)

    def _promote(self, sequence: Sequence, quantum: int) -> None:
        self._ranked.remove(sequence)
        self._starved.push(sequence)
        self._quantum[sequence] = quantum

    def __len__(self) -> int:
        return len(self._ranked) + len(self._starved)

    def __iter__(self) -> Iterator[Sequence]:
        return chain(self._starved, self._ranked)
