"""Queues of waiting sequences in an order of priority, with and without a guard against starvation."""

from collections.abc import Callable, Iterable, Iterator
from heapq import heappop, heappush
from itertools import chain

from s3sim.core.request import Sequence, State

__all__ = ["GuardedQueue", "PriorityQueue", "ShortestOrOldestQueue"]

Key = Callable[[Sequence], int]
SITTING = (State.PAUSED, State.SWAPPING_OUT)  # idle, and not in the queue


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

    def __contains__(self, sequence: object) -> bool:
        return sequence in self._keys

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[Sequence]:
        return iter(self._keys)


class ShortestOrOldestQueue:
    """Sequences by a key, the least first, or, while `by_age` is set, in order of arrival."""

    def __init__(self, key: Key) -> None:
        self.by_age = False
        self._short, self._old = PriorityQueue(key), PriorityQueue(lambda sequence: sequence.waiting_since)

    def push(self, sequence: Sequence) -> None:
        """Add at its place in either order."""
        self._short.push(sequence)
        self._old.push(sequence)

    def push_front(self, sequence: Sequence) -> None:
        """Add at its place in either order."""
        self.push(sequence)

    def remove(self, sequence: Sequence) -> None:
        """Take out a sequence."""
        self._short.remove(sequence)
        self._old.remove(sequence)

    def head(self) -> Sequence:
        """The first in the order of the moment; the queue must not be empty."""
        return self.oldest() if self.by_age else self._short.head()

    def oldest(self) -> Sequence:
        """The sequence that arrived first; the queue must not be empty."""
        return self._old.head()

    def __len__(self) -> int:
        return len(self._short)

    def __iter__(self) -> Iterator[Sequence]:
        return iter(self._short)


class GuardedQueue:
    """A priority queue that promotes whoever has been idle for too many steps: the starvation guard of vllm-ltr.

    A sequence that waited `patience` steps stands before all that are not promoted, until it has run `period`
    steps since; promoted ones keep the order of their keys among themselves. One that gives way before its period
    is over keeps what is left of it. `notice` must be called at each plan before the queue is asked; a sequence
    is idle from the first notice after it was added, or paused while it holds its KV. With a patience of None
    nobody is promoted.
    """

    def __init__(self, key: Key, *, patience: int | None, period: int) -> None:
        self._patience, self._period = patience, period
        self._ranked, self._starved = PriorityQueue(key), PriorityQueue(key)
        self._steps = 0
        self._added: dict[Sequence, int | None] = {}  # since the last notice → idle from that step on, if not from now
        self._paused: dict[Sequence, None] = {}  # idle with their KV in place, or on its way to the host
        self._since: dict[Sequence, int] = {}  # idle and not promoted → step of its notice; the oldest first
        self._quantum: dict[Sequence, int] = {}  # idle and promoted → steps that it may run
        self._until: dict[Sequence, int] = {}  # running and promoted → step at which that ends

    def push(self, sequence: Sequence) -> None:
        """Add at its place one that came from outside: it is idle from the next notice on."""
        self._ranked.push(sequence)
        self._added[sequence] = None

    def push_front(self, sequence: Sequence) -> None:
        """Add at its place one that was preempted: it is idle from the last notice on."""
        self._ranked.push(sequence)
        self._added[sequence] = self._steps

    def remove(self, sequence: Sequence) -> None:
        """Take out a sequence; if it is promoted its period begins."""
        (self._starved if sequence in self._starved else self._ranked).remove(sequence)
        self._added.pop(sequence, None)
        self._runs(sequence)

    def notice(self, steps: int, paused: Iterable[Sequence] = ()) -> None:
        """Tell the queue how many steps have been run and who sits them out, and promote whoever is idle too long."""
        added, self._added = self._added, {}
        for sequence in [s for s in self._paused if s not in added and s.state not in SITTING]:
            del self._paused[sequence]
            self._runs(sequence)
        before, self._steps = self._steps, steps
        idle: dict[Sequence, int] = {}
        for sequence, since in added.items():
            if sequence not in self._paused:
                idle[sequence] = steps if since is None else since
            elif sequence in self._quantum:
                self._promote(sequence, self._quantum[sequence])
            self._paused.pop(sequence, None)
        for sequence in paused:
            if sequence not in self._paused:
                self._paused[sequence], idle[sequence] = None, before
        for sequence in sorted(idle, key=idle.__getitem__):
            self._idles(sequence, idle[sequence])
        self._until = {sequence: end for sequence, end in self._until.items() if end > steps}
        while self._since and self._next_promotion() <= steps:
            sequence = next(iter(self._since))
            del self._since[sequence]
            self._promote(sequence, self._period)

    def promoted(self, sequence: Sequence, steps: int) -> bool:
        """Whether a sequence, idle or running, stands before those that are not promoted."""
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

    def _idles(self, sequence: Sequence, since: int) -> None:
        left = self._until.pop(sequence, since) - since
        if left > 0:
            self._promote(sequence, left)
        elif self._patience is not None:
            self._since[sequence] = since

    def _runs(self, sequence: Sequence) -> None:
        self._since.pop(sequence, None)
        if sequence in self._quantum:
            self._until[sequence] = self._steps + self._quantum.pop(sequence)

    def _promote(self, sequence: Sequence, quantum: int) -> None:
        self._quantum[sequence] = quantum
        if sequence in self._ranked:
            self._ranked.remove(sequence)
            self._starved.push(sequence)

    def __len__(self) -> int:
        return len(self._ranked) + len(self._starved)

    def __iter__(self) -> Iterator[Sequence]:
        return chain(self._starved, self._ranked)
