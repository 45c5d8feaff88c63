"""Supervisors: what happens to a sequence whose next write would exceed its reservation."""

from dataclasses import dataclass
from typing import Literal

from s3sim.core.errors import InvariantError
from s3sim.core.protocols import Abandon, Grow, Preempt, View, Wait
from s3sim.core.request import Sequence

__all__ = ["Doubling", "LastArrived", "NoOverrun", "OutOfMemory"]


@dataclass(frozen=True, slots=True)
class NoOverrun:
    """For reservations that cannot be exceeded."""

    def overrun(self, view: View, sequence: Sequence) -> Grow | Preempt:
        """Never asked; raises InvariantError."""
        raise InvariantError(f"{sequence} exceeded a reservation of the maximum length ({view.free} slots free)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubling:
    """S³: preempt the sequence that used up its reservation, and let it return with twice as much.

    With `in_place` a reservation grows where it is, if the slots right behind it are free. `doubled`
    names the quantity: the whole reservation, or its output part. Either grows at least geometrically up
    to prompt + max_new_tokens, which ends it after at most ceil(log2(cap / first)) overruns of a sequence.
    Instead of doubling, `returns_with` may ask for the maximum at once, or for `bucket_tokens` more.
    """

    doubled: Literal["reservation", "output"]
    swap: bool
    in_place: bool = False
    returns_with: Literal["double", "maximum", "bucket"] = "double"
    bucket_tokens: int = 1

    def overrun(self, view: View, sequence: Sequence) -> Grow | Preempt:
        """Grow where there is room for all of it, else preempt the sequence itself."""
        wanted = min(self._wanted(sequence), sequence.max_tokens)
        if self.in_place and wanted - sequence.reservation <= view.room_behind(sequence):
            return Grow(wanted - sequence.reservation)
        return Preempt([sequence], self.swap, wanted)

    def _wanted(self, sequence: Sequence) -> int:
        if self.returns_with == "maximum":
            return sequence.max_tokens
        if self.returns_with == "bucket":
            return sequence.reservation + self.bucket_tokens
        prompt = sequence.request.prompt_tokens if self.doubled == "output" else 0
        return prompt + 2 * (sequence.reservation - prompt)


@dataclass(frozen=True, slots=True, kw_only=True)
class LastArrived:
    """vLLM: take a block if one is free, else preempt whoever arrived last, perhaps the asker itself.

    A swapped victim's blocks are free only when its move has ended. Until then the asker waits, and for
    a swap-in too: whoever returns may have arrived after it, and is then the one to go.
    """

    block_tokens: int
    swap: bool = False

    def overrun(self, view: View, sequence: Sequence) -> Grow | Preempt | Wait:
        """Grow by one block, wait for a move, or preempt."""
        if view.free >= self.block_tokens:
            return Grow(self.block_tokens)
        if self.swap and view.moving:
            return Wait()
        return Preempt([max(view.running(), key=lambda other: other.order)], swap=self.swap)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfMemory:
    """A static batch that grows piece by piece: the allocation fails, and with it the batch."""

    rerun: bool

    def overrun(self, view: View, sequence: Sequence) -> Grow | Preempt | Abandon:
        """Lose the batch; its requests run again in smaller ones, or fail."""
        return Abandon(self.rerun)
