"""Policies of a ranking: who is admitted, who runs, who gives way, who is preempted where blocks run short."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from s3sim.core.growth import UNLIMITED_STEPS
from s3sim.core.protocols import Grow, Pause, Planner, Preempt, Selected, View
from s3sim.core.request import Sequence, State
from s3sim.policies.admission import fits
from s3sim.policies.ranking import Rank, Ranking

__all__ = [
    "Outranked",
    "PreemptivePrefillFirst",
    "RankedAdmission",
    "RankedChunks",
    "TopRanked",
    "WorstRanked",
]


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
        return head if fits(view, head.demand, headroom=self.headroom) else None

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
        self.ranking.observe(view)
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
class TopRanked:
    """Of all that hold KV and all that wait the first in rank run, as many as places and memory allow.

    The rule of hao-ai-lab/vllm-ltr (vllm/core/scheduler.py, `_general_schedule` and `reserve_free_blocks`). Who is
    outranked for a place is paused, its KV where it is; short of blocks, the worst in rank leave the device, paused
    or running, until there is one block for each that runs, `headroom` slots besides, and what the head of the queue
    needs if it stands before them. The first in rank never leaves.
    Where the source swaps within a step, here the host link takes its time: who waits for slots that are on their
    way waits, and who would need one of them at once is paused.
    """

    ranking: Ranking
    block_tokens: int
    headroom: int
    swap: bool

    # ------------------------------------------------------------------ of those that hold KV

    def select(self, view: View) -> Selected:
        """The first in rank run, the others are paused, and the worst leave where blocks run short."""
        self.ranking.observe(view)
        paused = dict.fromkeys(view.paused())
        here = self._ranked(view, [*view.decoding(), *paused])
        others = view.admitted - view.decodes  # they prefill, or their KV is on its way in
        places = len(here) if view.max_num_seqs is None else max(0, view.max_num_seqs - others)
        halves = self._owed(view) - view.decodes
        leave = self._leaving(view, here, running=min(places, len(here)), halves=halves)
        stay = [sequence for sequence in here if sequence not in leave]
        run = self._with_a_slot(stay[:places], view.free + self._at_once(view, leave))
        return Selected(
            paused=[s for s in stay if s not in run and s not in paused],
            resumed=[s for s in stay if s in run and s in paused],
            preempt=Preempt(list(leave), swap=self.swap) if leave else None,
        )

    def steps(self, view: View) -> int:
        """Until a rank changes, or blocks might run short: in `block_tokens` steps each that runs takes one."""
        running = view.decodes
        if not running:
            return UNLIMITED_STEPS
        if view.leaving:
            return 1  # what is on its way may no longer be enough, once others have grown
        others = len(view.waiting) or any(True for _ in view.paused())
        steps = self.ranking.steps(view) if others else UNLIMITED_STEPS
        spare = (view.free - self.headroom) // self.block_tokens - running
        return 1 if spare < 0 else min(steps, spare // running * self.block_tokens + 1)

    def _leaving(self, view: View, here: list[Sequence], *, running: int, halves: int) -> dict[Sequence, None]:
        """The worst of those that hold KV, until there is a block for each of the first `running` that stay."""
        short = (running + halves) * self.block_tokens + self.headroom - view.free - view.leaving
        leave: dict[Sequence, None] = {}
        for place in range(len(here) - 1, 0, -1):
            if short <= 0:
                break
            leave[here[place]] = None
            short -= view.held_by(here[place]) + (self.block_tokens if place < running else 0)
        return leave

    def _at_once(self, view: View, leave: Iterable[Sequence]) -> int:
        """Slots that are free in this very plan: of whoever is not swapped, by rule or for want of host memory."""
        room, free = view.host_free if self.swap else -1, 0
        for sequence in leave:
            if sequence.cached <= room:
                room -= sequence.cached
            else:
                free += view.held_by(sequence)
        return free

    def _with_a_slot(self, sequences: list[Sequence], free: int) -> dict[Sequence, None]:
        """Those that can write their next token: the last in rank of those that need a block go without."""
        run: dict[Sequence, None] = {}
        for sequence in sequences:
            needed = 0 if sequence.cached % self.block_tokens else self.block_tokens
            if needed <= free:
                free -= needed
                run[sequence] = None
        return run

    # ------------------------------------------------------------------ of those that wait

    def queue(self) -> Any:
        """A queue in order of rank."""
        return self.ranking.queue()

    def next(self, view: View, waiting: Any) -> Sequence | None:
        """The head, if it fits beside a block for each that runs, and nobody before it is paused."""
        head = self.ranking.head(view, waiting)
        if any(self._place(view, other) < self._place(view, head) for other in view.paused()):
            return None
        return head if self._short(view, head, running=self._owed(view)) <= 0 else None

    def arrival_matters(self, view: View, waiting: Any) -> bool:
        """Always: it may be the first in rank."""
        return True

    def displaced(self, view: View, waiting: Any, *, max_prefill_tokens: int) -> Preempt | Pause | None:
        """Whoever holds the head's place is paused, if all else is there; else the worst leave, if that is enough."""
        head = self.ranking.head(view, waiting)
        if max_prefill_tokens < 1:
            return None
        rank = self._place(view, head)
        if any(self._place(view, other) < rank for other in view.paused()):
            return None
        worse = [s for s in view.decoding() if self._place(view, s) > rank] if view.full else []
        if view.full and not worse:
            return None
        short = self._short(view, head, running=self._owed(view) - len(worse[:1]))
        if short <= 0:
            return Pause([max(worse, key=lambda s: self._place(view, s))]) if worse else None
        return self._make_room(view, rank, short - view.leaving)

    def _make_room(self, view: View, rank: Rank, short: int) -> Preempt | None:
        """The worst in rank of those behind, until so many slots are free or on their way; None if that cannot be."""
        here = self._ranked(view, [*view.decoding(), *view.paused()])
        victims: list[Sequence] = []
        for sequence in reversed(here):
            if short <= 0 or self._place(view, sequence) < rank:
                break
            victims.append(sequence)
            short -= view.held_by(sequence) + (self.block_tokens if sequence.state is State.DECODING else 0)
        return Preempt(victims, swap=self.swap) if victims and short <= 0 else None

    def _short(self, view: View, head: Sequence, *, running: int) -> int:
        """Slots that the head lacks, beside a block for each that runs; 0 where it fits."""
        most = -(-head.max_tokens // self.block_tokens) * self.block_tokens
        needed = min(head.demand + (self.block_tokens if head.state is State.SWAPPED else 0), most)
        if view.free == view.capacity:
            return 0
        return max(0, needed + self.headroom + running * self.block_tokens - view.free)

    def _owed(self, view: View) -> int:
        """Sequences that run on, each of which is owed a block: those that decode, and prompts that were cut."""
        return view.decodes + sum(1 for s in view.running() if s.state is State.PREFILLING and s.cached)

    def _place(self, view: View, sequence: Sequence) -> Rank:
        return (*self.ranking.rank(view, sequence), sequence.order)

    def _ranked(self, view: View, sequences: list[Sequence]) -> list[Sequence]:
        return sorted(sequences, key=lambda sequence: self._place(view, sequence))


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
        worst = max(
            [*view.running(), *view.paused()], key=lambda s: (ranking.gives_way(s), *ranking.rank(view, s), s.order)
        )
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


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedChunks:
    """Prompts in chunks beside the decodes of whoever is among the first in rank, up to a token budget.

    vllm-ltr's step: its walk down the ranking gives a running sequence one token, a prompt what is left of the
    budget. Here a prompt that was cut goes on before others, whatever its rank. With `at_ends` the batch is formed
    anew only where somebody has finished, or nobody runs; in between nobody joins it.
    """

    token_budget: int
    at_ends: bool = False

    def compose(self, step: Planner) -> None:
        """Say who of those that hold KV runs, admit whom there is or can be room for, then decode and prefill."""
        if not self.at_ends or step.batch_ended:
            step.select()
            step.admit(max_prefill_tokens=self._left(step), in_part=True)
            while step.displace(max_prefill_tokens=self._left(step)):
                step.admit(max_prefill_tokens=self._left(step), in_part=True)
        step.settle_overruns()
        step.decode()
        step.prefill(budget=max(0, self.token_budget - step.decodes))

    def _left(self, step: Planner) -> int:
        return self.token_budget - step.decodes - step.prefill_backlog
