"""Policies of a ranking: who is admitted, who gives way, who is preempted where blocks run short."""

from dataclasses import dataclass
from typing import Any

from s3sim.core.protocols import Grow, Planner, Preempt, View
from s3sim.core.request import Sequence
from s3sim.policies.ranking import Rank, Ranking

__all__ = ["Outranked", "PreemptivePrefillFirst", "RankedAdmission", "WorstRanked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedAdmission:
    """The first in rank, if it fits; the walk stops there, as in first come, first served.

    `headroom` slots must stay free after an admission. `preemptive` says that arrivals matter even where nothing
    is free, since somebody may give way to them.
    """

    ranking: Ranking
    headroom: int = 0
    preemptive: bool = False

    def queue(self) -> Any:
        """A queue in order of rank."""
        return self.ranking.queue()

    def next(self, view: View, waiting: Any) -> Sequence | None:
        """The head, if it fits."""
        head = self.ranking.head(view, waiting)
        return head if head.demand + self.headroom <= view.free else None

    def arrival_matters(self, view: View, waiting: Any) -> bool:
        """Wherever it might be admitted: it may be the first in rank."""
        return self.preemptive or view.free > self.headroom


@dataclass(frozen=True, slots=True, kw_only=True)
class Outranked:
    """Decoding sequences of a worse rank give way to the head of the queue, the worst first, and no more than need be.

    Nobody does where even all of them would not make room. Equal ranks never preempt each other.
    """

    ranking: Ranking
    block_tokens: int
    headroom: int = 0

    def displaced(self, view: View, waiting: Any, *, max_prefill_tokens: int) -> Preempt | None:
        """The worst in rank, until the head fits."""
        head = self.ranking.head(view, waiting)
        short = head.demand + self.headroom - view.free
        if head.prefill_tokens > max_prefill_tokens or (short <= 0 and not view.full):
            return None
        victims: list[Sequence] = []
        for sequence in self._outranked(view, self.ranking.rank(view, head)):
            victims.append(sequence)
            short += -sequence.cached // self.block_tokens * self.block_tokens  # its blocks, rounded up
            if short <= 0:
                return Preempt(victims, swap=False)
        return None

    def _outranked(self, view: View, rank: Rank) -> list[Sequence]:
        ranking = self.ranking
        worse = [s for s in view.decoding() if ranking.rank(view, s) > rank and ranking.gives_way(s)]
        return sorted(worse, key=lambda s: (*ranking.rank(view, s), s.order), reverse=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstRanked:
    """Short of blocks, preempt the worst in rank until the others have theirs: vLLM's rule with another order.

    Those that may give way go first, and only then those that may not. Everybody's need is counted before the
    first block is taken, so that nobody is preempted who was just given one.
    """

    ranking: Ranking
    block_tokens: int

    def overrun(self, view: View, sequence: Sequence) -> Grow | Preempt:
        """Grow by one block, or preempt."""
        block = self.block_tokens
        needy = [s for s in view.decoding() if s.order >= sequence.order and s.cached % block == 0]
        if len(needy) * block <= view.free:
            return Grow(block)
        ranking = self.ranking
        worst = max(view.running(), key=lambda s: (ranking.gives_way(s), *ranking.rank(view, s), s.order))
        return Preempt([worst], swap=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreemptivePrefillFirst:
    """vLLM v0's prefill first, but running sequences give way to those that wait and come first in rank."""

    max_prefill_tokens: int

    def compose(self, step: Planner) -> None:
        """Admit whom there is room for, then whom room is made for; decode alone where nobody was admitted."""
        left = self.max_prefill_tokens
        left -= step.admit(max_prefill_tokens=left)
        while step.displace(max_prefill_tokens=left):
            left -= step.admit(max_prefill_tokens=left)
        if left < self.max_prefill_tokens:
            step.prefill()
        else:
            step.settle_overruns()
            step.decode()
