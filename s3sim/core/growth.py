"""Watches over decoding sequences: when does the next write need slots that nobody holds yet?

Both cost nothing per step and sequence: a heap of step numbers for reservations, a count per
residue of the step number for blocks.
"""

from heapq import heappop, heappush
from typing import TYPE_CHECKING, NamedTuple, Protocol

from s3sim.core.request import Sequence

if TYPE_CHECKING:
    from s3sim.core.kv_cache import PagedKV
    from s3sim.core.lane import Lane

__all__ = ["UNLIMITED_STEPS", "Grown", "Growth", "PagedGrowth", "ReservedGrowth"]

UNLIMITED_STEPS = 1 << 40  # steps; longer than any run


class Grown(NamedTuple):
    """Slots taken during the later steps of a stretch, as sums that give exact integrals of slots over time."""

    total: int = 0  # Σ over steps j of the slots held beyond those of step 0
    moment: int = 0  # Σ over steps j of j times those slots


class Growth(Protocol):
    """A watch over the growth of the sequences that decode on one lane."""

    def join(self, sequence: Sequence) -> None:
        """Watch a sequence that decodes from now on."""
        ...

    def leave(self, sequence: Sequence) -> None:
        """Stop watching; called while the sequence still follows its lane."""
        ...

    def due(self) -> list[Sequence]:
        """Sequences whose write in the next step finds no slot, after growing all that grows by itself."""
        ...

    def granted(self, sequence: Sequence) -> None:
        """Watch on a sequence that was due, and that a supervisor let grow."""
        ...

    def limit(self) -> int:
        """Steps (at least 1) until `due` must be asked again."""
        ...

    def grow(self, steps: int) -> Grown:
        """Take the slots that steps 1 … steps-1 of a stretch needed beyond its first."""
        ...


class ReservedGrowth:
    """A heap of the step numbers at which reservations are used up."""

    def __init__(self, lane: "Lane") -> None:
        self._lane = lane
        self._heap: list[tuple[int, int, Sequence]] = []

    def join(self, sequence: Sequence) -> None:
        """Watch the sequence, unless its reservation can never be exceeded."""
        if sequence.reservation < sequence.max_tokens - 1:
            step = self._lane.decode_steps + sequence.reservation - sequence.cached
            heappush(self._heap, (step, sequence.order, sequence))

    def leave(self, sequence: Sequence) -> None:
        """Entries are dropped when they surface."""

    def due(self) -> list[Sequence]:
        """Sequences that have used up their reservation, in the order of submission."""
        found: list[Sequence] = []
        while (top := self._top()) is not None and top[0] <= self._lane.decode_steps:
            found.append(heappop(self._heap)[2])
        return found

    def granted(self, sequence: Sequence) -> None:
        """Watch the longer reservation."""
        self.join(sequence)

    def limit(self) -> int:
        """Steps until the next reservation is used up."""
        top = self._top()
        return UNLIMITED_STEPS if top is None else top[0] - self._lane.decode_steps

    def grow(self, steps: int) -> Grown:
        """Nothing is taken."""
        return Grown()

    def _top(self) -> tuple[int, int, Sequence] | None:
        heap, steps = self._heap, self._lane.decode_steps
        while heap:
            step, _, sequence = heap[0]
            if sequence.lane is self._lane and sequence.reservation - sequence.cached == step - steps:
                return heap[0]
            heappop(heap)
        return None


class PagedGrowth:
    """Counts of sequences by the residue of the step number at which they need a block."""

    def __init__(self, lane: "Lane", kv: "PagedKV") -> None:
        self._lane = lane
        self._kv = kv
        self._block = kv.block_tokens
        self._needs = [0] * kv.block_tokens
        self._size = 0

    def join(self, sequence: Sequence) -> None:
        """Count the sequence under its residue."""
        self._needs[(self._lane.decode_steps - sequence.cached) % self._block] += 1
        self._size += 1

    def leave(self, sequence: Sequence) -> None:
        """Take the sequence out of its residue's count."""
        self._needs[(self._lane.decode_steps - sequence.cached) % self._block] -= 1
        self._size -= 1

    def due(self) -> list[Sequence]:
        """Give each sequence the block it needs; where blocks run short, name those in need by arrival."""
        need = self._needs[self._lane.decode_steps % self._block] * self._block
        if need <= self._kv.free:
            self._kv.free -= need
            return []
        needy = [s for s in self._lane.decoding if s.cached % self._block == 0]
        return sorted(needy, key=lambda sequence: sequence.order)

    def granted(self, sequence: Sequence) -> None:
        """Its residue is counted already."""

    def limit(self) -> int:
        """Steps until the free blocks no longer cover the growth."""
        blocks = self._kv.free // self._block
        if not self._size:
            return UNLIMITED_STEPS
        rounds, blocks = divmod(blocks, self._size)  # in `block` steps every sequence needs one block
        steps = 1 + rounds * self._block
        while blocks >= (need := self._needs[(self._lane.decode_steps + steps) % self._block]):
            blocks -= need
            steps += 1
        return steps

    def grow(self, steps: int) -> Grown:
        """Take the blocks of the stretch's later steps; called before the lane counts its steps."""
        held = total = moment = 0
        start = self._lane.decode_steps
        for step in range(1, steps):
            held += self._needs[(start + step) % self._block]
            total += held
            moment += step * held
        self._kv.free -= held * self._block
        return Grown(total * self._block, moment * self._block)
