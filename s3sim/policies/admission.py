"""Admissions: who is admitted next."""

from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from s3sim.core.protocols import Admission, Queue, View
from s3sim.core.request import Sequence, State
from s3sim.policies.queues import FirstComeQueue, SizeQueue, SwappedFirstQueue

__all__ = ["DecreasingFirstFit", "FirstCome", "SwappedFirst", "TpotLimit", "WithinTpot", "fits", "within"]

PS_PER_MS = 10**9
READING_SPEED_MS = 187.5  # per token: 4 words/s at 0.75 word per token (S³ §5, recalled)
Q = TypeVar("Q", bound=Queue)
TpotLimit = float | Literal["reading_speed"] | None  # ms


def fits(view: View, slots: int, *, headroom: int) -> bool:
    """Whether so many slots are free, and `headroom` besides, which an empty device is not asked for.

    vLLM v0's `can_allocate` (vllm/core/block_manager.py) asks it always, and drops a prompt that can never leave the
    watermark free, also one that comes back longer after a preemption. Here whatever fits the device is served.
    """
    return slots <= view.longest and (slots + headroom <= view.free or view.free == view.capacity)


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstCome:
    """First come, first served: the walk stops at the first that does not fit.

    `headroom` slots must stay free after an admission (vLLM's watermark), unless the device is empty.
    """

    headroom: int = 0
    in_batches: bool = False  # how many wait decides too, so that an arrival matters also behind others

    def queue(self) -> FirstComeQueue:
        """A queue in order of submission."""
        return FirstComeQueue()

    def next(self, view: View, waiting: FirstComeQueue) -> Sequence | None:
        """The head, if it fits."""
        head = waiting.head()
        return head if fits(view, head.demand, headroom=self.headroom) else None

    def arrival_matters(self, view: View, waiting: FirstComeQueue) -> bool:
        """Only where nobody stands before it, or where their number counts."""
        return (self.in_batches or not waiting) and view.free > self.headroom


@dataclass(frozen=True, slots=True, kw_only=True)
class SwappedFirst:
    """First come, first served, and prompts only when nobody is swapped out: vLLM v0 with swap.

    Who returns must find one block more than it brings, for its next token, and leave `headroom` slots
    free; where its last block has room for all that it may write, that one is not asked for, or a long
    sequence could never return. Source: `can_swap_in` of vLLM 0.2's block manager.
    """

    block_tokens: int
    headroom: int

    def queue(self) -> SwappedFirstQueue:
        """A queue in order of submission, the swapped first."""
        return SwappedFirstQueue()

    def next(self, view: View, waiting: SwappedFirstQueue) -> Sequence | None:
        """The head, if it fits and, where it is a prompt, no KV is on the host or on the link."""
        head = waiting.head()
        needed = head.demand
        if head.state is State.SWAPPED:
            most = -(-head.max_tokens // self.block_tokens) * self.block_tokens
            needed = min(needed + self.block_tokens, most)
        elif view.swapped:
            return None
        return head if fits(view, needed, headroom=self.headroom) else None

    def arrival_matters(self, view: View, waiting: SwappedFirstQueue) -> bool:
        """Only where nobody stands before it, on the host or on the link."""
        return not waiting and not view.swapped and view.free > self.headroom


@dataclass(frozen=True, slots=True, kw_only=True)
class DecreasingFirstFit:
    """The largest that fits, again and again, into the one bin that is the free KV: S³.

    Over a pool that is refilled, this alone would starve whoever never is the largest that fits. So
    a sequence may not be overtaken by one that arrived more than `ageing` picoseconds after it: where
    the largest is that young, the oldest is next, and everybody waits until it fits. Only those that
    arrive within `ageing` can pass it, so its turn comes. In an offline run nobody is younger.
    """

    ageing: int | None

    def queue(self) -> SizeQueue:
        """A queue indexed by size and by age."""
        return SizeQueue()

    def next(self, view: View, waiting: SizeQueue) -> Sequence | None:
        """The largest that fits, unless it would overtake one too old for that."""
        largest = waiting.largest_at_most(view.longest)
        if self.ageing is None or largest is None:
            return largest
        oldest = waiting.oldest()
        if largest.waiting_since <= oldest.waiting_since + self.ageing:
            return largest
        return oldest if oldest.demand <= view.longest else None

    def arrival_matters(self, view: View, waiting: SizeQueue) -> bool:
        """Wherever a slot is free, a small request might fit."""
        return view.free > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WithinTpot(Generic[Q]):
    """Another admission, held back where a decode step with one more sequence would exceed `limit` picoseconds.

    The step is foretold with what is cached now and the candidate's prompt; one sequence is always let in. S³
    keeps its online batches so small that the time per token stays within the SLO.
    """

    admission: Admission[Q]
    limit: int

    def queue(self) -> Q:
        """The other admission's queue."""
        return self.admission.queue()

    def next(self, view: View, waiting: Q) -> Sequence | None:
        """The other admission's pick, if the step stays within the limit."""
        sequence = self.admission.next(view, waiting)
        if sequence is None or not view.admitted:
            return sequence
        time = view.decode_time(more_rows=1, more_slots=sequence.prefill_tokens)
        return sequence if time <= self.limit else None

    def arrival_matters(self, view: View, waiting: Q) -> bool:
        """As the other admission says; where the limit holds, a look in vain changes nothing."""
        return self.admission.arrival_matters(view, waiting)


def within(admission: Admission[Any], tpot_limit_ms: TpotLimit) -> Admission[Any]:
    """The admission, held back by a limit, if there is one."""
    if tpot_limit_ms is None:
        return admission
    limit = READING_SPEED_MS if tpot_limit_ms == "reading_speed" else float(tpot_limit_ms)
    return WithinTpot(admission=admission, limit=round(limit * PS_PER_MS))
