"""Random combinations of the decisions: schedulers that no system of the registry is, and worlds for them.

Each part is drawn on its own, and `why_not` refuses what makes no sense together. One block size and one order go
through all parts of a combination, as they go through those of a system.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Literal

from hypothesis import strategies as st

from s3sim.core.growth import UNLIMITED_STEPS
from s3sim.core.kv_cache import ContiguousKV, CountedKV, KVCacheManager, Moves, PagedKV
from s3sim.core.protocols import Admission, Batching, Horizon, Reservation, Supervisor, View
from s3sim.core.replica import Scheduler
from s3sim.policies.admission import DecreasingFirstFit, FirstCome, SwappedFirst, WithinTpot
from s3sim.policies.batching import Chunked, IterationLevel, PrefillApart, PrefillFirst, PromptBatches
from s3sim.policies.peak import Foresight, History, LowerBound, PeakFits, SmallestBound, UpperBound
from s3sim.policies.ranked import (
    Outranked,
    PreemptivePrefillFirst,
    RankedAdmission,
    RankedChunks,
    TopRanked,
    WorstRanked,
)
from s3sim.policies.ranking import Guarded, Ranking, RemainingTime, ShortestOrOldest, ShortestPredicted
from s3sim.policies.reservation import AllButLast, Fixed, MaximumLength, PowerOfTwo, Predicted, Written
from s3sim.policies.supervisor import Doubling, LastArrived, NoOverrun
from tests.support.strategies import MOST_ROWS, random_world
from tests.support.worlds import World

__all__ = ["Combination", "combined", "combined_worlds", "why_not"]

WHOLE = (MaximumLength, AllButLast, PowerOfTwo, Fixed)
STARTS: tuple["Start", ...] = ("whole", "predicted", "written", "written", "outranked", "top")
DRAWS = 100_000  # about one in two hundred makes sense where somebody gives way, else one in ten or more
Start = Literal["whole", "predicted", "written", "outranked", "top"]  # the part that is drawn first, the rarest


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A kind of KV account."""

    kind: type[KVCacheManager]
    block: int = 1  # slots
    moves: Moves = "all"
    classes: bool = False


@dataclass(frozen=True, slots=True)
class Soonest:
    """The horizon of several parts, each of which may change its answers."""

    parts: tuple[Horizon[Any], ...]

    def steps(self, view: View, waiting: Any) -> int:
        """The least."""
        return min((part.steps(view, waiting) for part in self.parts), default=UNLIMITED_STEPS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Combination:
    """Choices that are the decisions themselves."""

    account: Account
    reservation: Reservation
    admission: Admission[Any]
    batching: Batching
    supervisor: Supervisor
    displacement: Outranked | TopRanked | None
    max_num_seqs: int | None
    compact_on_release: bool

    @property
    def inner(self) -> Admission[Any]:
        """The admission within a limit of TPOT, if there is one."""
        return self.admission.admission if isinstance(self.admission, WithinTpot) else self.admission

    @property
    def swaps(self) -> bool:
        """Whether a victim's KV goes to the host."""
        return any(getattr(part, "swap", False) for part in (self.supervisor, self.displacement))

    @property
    def top(self) -> bool:
        """Whether one ranked list says who runs."""
        return isinstance(self.displacement, TopRanked)

    @property
    def rankings(self) -> tuple[Ranking, ...]:
        """The orders that its parts go by."""
        parts: tuple[Any, ...] = (self.inner, self.supervisor, self.displacement)
        return tuple(part.ranking for part in parts if hasattr(part, "ranking"))

    @property
    def at_ends(self) -> bool:
        """Whether its batch is formed anew only where somebody has finished."""
        return isinstance(self.batching, RankedChunks) and self.batching.at_ends

    def ranked_by(self, kind: type[Ranking]) -> bool:
        """Whether any part goes by that order."""
        return any(isinstance(ranking, kind) for ranking in self.rankings)

    def kv(self, capacity: int) -> KVCacheManager:
        """A new account."""
        account = self.account
        if account.kind is PagedKV:
            return PagedKV(capacity, block_tokens=account.block)
        if account.kind is CountedKV:
            return CountedKV(capacity)
        return ContiguousKV(capacity, moves=account.moves, classes=account.classes)

    def scheduler(self, *, name: str, capacity: int, max_length: int) -> Scheduler:
        """The parts together; those whose answers change though nothing happens say for how long they hold."""
        parts = tuple(part for part in (self.inner, self.batching) if isinstance(part, PeakFits | PromptBatches))
        return Scheduler(
            name=name,
            reservation=self.reservation,
            admission=self.admission,
            batching=self.batching,
            supervisor=self.supervisor,
            max_num_seqs=self.max_num_seqs,
            compact_on_release=self.compact_on_release,
            selection=self.displacement if isinstance(self.displacement, TopRanked) else None,
            displacement=self.displacement,
            horizon=Soonest(parts) if parts else None,
        )


Rule = Callable[[Combination], bool]
RULES: dict[str, Rule] = {  # why a combination makes no sense → whether it is such a one
    "blocks follow what is written, and nothing is reserved ahead of it": lambda c: (
        c.account.kind is PagedKV and not isinstance(c.reservation, Written)
    ),
    "who takes slots as they are written would need those right behind": lambda c: (
        c.account.kind is ContiguousKV and isinstance(c.reservation, Written)
    ),
    "what covers the whole output is never exceeded, and all else is": lambda c: (
        isinstance(c.reservation, WHOLE) != isinstance(c.supervisor, NoOverrun)
    ),
    "a prediction that was exceeded must come back larger, which Doubling alone asks for": lambda c: (
        isinstance(c.reservation, Predicted) != isinstance(c.supervisor, Doubling)
    ),
    "they count who needs a block by what is cached": lambda c: (
        isinstance(c.supervisor, WorstRanked | SmallestBound) and c.account.kind is not PagedKV
    ),
    "who overruns leaves, perhaps as the last: somebody must be admitted after that": lambda c: (
        isinstance(c.supervisor, Doubling) and not isinstance(c.batching, IterationLevel | PrefillApart)
    ),
    "blocks are taken where overruns are settled, so that a decode must follow": lambda c: (
        c.account.kind is PagedKV and isinstance(c.batching, PrefillApart)
    ),
    "who returns must leave a block to whoever waits for one, or takes it again and again": lambda c: (
        isinstance(c.supervisor, LastArrived) and c.supervisor.swap and not isinstance(c.inner, SwappedFirst)
    ),
    "how many wait decides, and the admission must say that an arrival matters": lambda c: (
        isinstance(c.batching, PromptBatches) and not getattr(c.inner, "in_batches", not _first_come(c.inner))
    ),
    "each that runs takes a token of the budget": lambda c: (
        isinstance(c.batching, Chunked | RankedChunks)
        and (c.max_num_seqs is None or c.max_num_seqs > c.batching.token_budget)
    ),
    "room that is made must be used: one order says who gives way and who comes": lambda c: (
        isinstance(c.displacement, Outranked) != getattr(c.admission, "preemptive", False)
    ),
    "nobody else asks who gives way": lambda c: (
        isinstance(c.displacement, Outranked) and not isinstance(c.batching, PreemptivePrefillFirst | RankedChunks)
    ),
    "the ledger tells a swap from a recompute by the scheduler as a whole": lambda c: (
        c.swaps and (isinstance(c.displacement, Outranked) or (c.top and c.at_ends))
    ),
    "one ranked list is admission, selection and displacement at once": lambda c: (
        c.top != isinstance(c.admission, TopRanked) or isinstance(c.inner, TopRanked) != c.top
    ),
    "the paused hold blocks too, which WorstRanked alone takes back": lambda c: (
        c.top and not isinstance(c.supervisor, WorstRanked)
    ),
    "its step walks down the list": lambda c: c.top and not isinstance(c.batching, RankedChunks),
    "the guard counts idle steps at each plan, where one ranked list is asked": lambda c: (
        c.ranked_by(Guarded) and (not c.top or c.at_ends)
    ),
    "ages change with time, and are looked at where the batch is formed anew": lambda c: (
        c.ranked_by(ShortestOrOldest) and not (c.top and c.at_ends)
    ),
    "who outlives its prediction falls back, which the list would have to be told": lambda c: (
        c.top and c.ranked_by(RemainingTime)
    ),
}


def why_not(combination: Combination) -> str | None:
    """Why the parts make no sense together; None where they do."""
    return next((reason for reason, breaks in RULES.items() if breaks(combination)), None)


def combined_worlds(*, instant: bool = False, lanes: bool = False) -> st.SearchStrategy[World]:
    """Worlds that are short of memory, each with a combination of its own; `instant` and `lanes` as in `worlds`."""

    def make(seed: int, rows: int) -> World:
        random = Random(seed)
        return combined(
            random_world("s3", random, rows=rows, instant=instant, lanes=(1, 1, 2) if lanes else (1,)), random
        )

    return st.builds(make, seed=st.integers(0, 2**32 - 1), rows=st.integers(10, MOST_ROWS))


def combined(world: World, random: Random) -> World:
    """The world with choices drawn for it, and with true predictions where an oracle is relied on."""
    capacity = world.capacity // world.lanes
    start = random.choice(STARTS)
    draws = (draw(random, capacity, world.max_length, start) for _ in range(DRAWS))
    drawn = next(found for found in draws if why_not(found) is None)
    oracle = isinstance(drawn.reservation, PowerOfTwo)
    rows = tuple(replace(row, predicted=row.output) if oracle else row for row in world.rows)
    return world.but(name="combined", choices=drawn, rows=rows)


def draw(random: Random, capacity: int, max_length: int, start: Start) -> Combination:
    """One of each part, whether they go together or not, but for the first, which is given.

    Where somebody gives way the account is of blocks: by them is counted what that frees.
    """
    account = _paged(random) if start in ("outranked", "top") else _account(random)
    block, swap = account.block, random.random() < 1 / 2
    headroom = random.choice([0, 0, block, 3 * block])
    ranking = _ranking(random)
    top = TopRanked(ranking=ranking, block_tokens=block, headroom=headroom, swap=swap)
    outranked = Outranked(ranking=ranking, block_tokens=block, headroom=headroom)
    displaced: dict[Start, Outranked | TopRanked] = {"outranked": outranked, "top": top}
    displacement = displaced.get(start)
    inner = top if displacement is top else _admission(random, ranking, block, headroom, capacity, max_length)
    limit = random.choice([15, 30, 200])  # ps a decode step
    return Combination(
        account=account,
        reservation=_reservation(random, max_length, start),
        admission=inner if random.random() < 3 / 4 else WithinTpot(admission=inner, limit=limit),
        batching=_batching(random, max_length),
        supervisor=_supervisor(random, ranking, block, swap=swap),
        displacement=displacement,
        max_num_seqs=random.choice([None, 1, 2, 3, 5]),
        compact_on_release=random.random() < 1 / 4 and account.kind is ContiguousKV and account.moves == "all",
    )


def _first_come(admission: Admission[Any]) -> bool:
    return isinstance(admission, FirstCome | SwappedFirst)


def _account(random: Random) -> Account:
    contiguous = Account(
        kind=ContiguousKV, moves=random.choice(["none", "needed", "all"]), classes=random.random() < 1 / 2
    )
    return random.choice([contiguous, _paged(random), _paged(random), Account(kind=CountedKV)])


def _paged(random: Random) -> Account:
    return Account(kind=PagedKV, block=random.choice([1, 4, 16]))


def _ranking(random: Random) -> Ranking:
    kinds: list[Ranking] = [
        ShortestPredicted(),
        RemainingTime(share=random.choice([0.0, 0.5, 1.0])),
        Guarded(patience=random.choice([None, 1, 4, 15]), period=random.choice([1, 3, 100])),
        ShortestOrOldest(longest_wait=random.choice([None, 0, 300]), times=random.choice([None, 0.0, 2.0])),
    ]
    return random.choice(kinds)


def _reservation(random: Random, max_length: int, start: Start) -> Reservation:
    if start == "whole":
        whole: list[Reservation] = [MaximumLength(), AllButLast(), PowerOfTwo(), Fixed(row_tokens=max_length)]
        return random.choice(whole)
    return Predicted(counts_prompt=random.random() < 1 / 2) if start == "predicted" else Written()


def _admission(
    random: Random, ranking: Ranking, block: int, headroom: int, capacity: int, max_length: int
) -> Admission[Any]:
    foresights: list[Foresight] = [
        History(window=random.choice([4, 200]), lists=random.choice([1, 5]), longest=max_length),
        LowerBound(share=random.choice([0.0, 0.5, 1.0])),
        UpperBound(share=random.choice([0.5, 1.0, 2.0])),
    ]
    foresight = random.choice(foresights)
    return random.choice(
        [
            FirstCome(headroom=headroom, in_batches=random.random() < 1 / 2),
            SwappedFirst(block_tokens=block, headroom=headroom),
            DecreasingFirstFit(ageing=random.choice([None, 0, 40, 10**12])),
            RankedAdmission(ranking=ranking, headroom=headroom, preemptive=random.random() < 1 / 2),
            PeakFits(foresight=foresight, limit=random.choice([capacity, capacity // 2]), ahead=random.choice([0, 1])),
        ]
    )


def _batching(random: Random, max_length: int) -> Batching:
    whole = random.choice([max_length, 2 * max_length])  # tokens a step: a prompt is computed whole
    budget = random.choice([3, 7, 16, 512])
    kinds: list[Batching] = [
        IterationLevel(),
        PrefillApart(),
        PrefillFirst(max_prefill_tokens=whole),
        PromptBatches(
            max_prefill_tokens=whole,
            waiting_served_ratio=random.choice([0.0, 0.3, 1.2]),
            max_waiting_tokens=random.choice([1, 2, 5, 20]),
        ),
        Chunked(token_budget=budget),
        PreemptivePrefillFirst(max_prefill_tokens=whole),
        RankedChunks(token_budget=budget, at_ends=random.random() < 1 / 2),
    ]
    return random.choice(kinds)


def _supervisor(random: Random, ranking: Ranking, block: int, *, swap: bool) -> Supervisor:
    doubling = Doubling(
        doubled=random.choice(["reservation", "output"]),
        swap=swap,
        in_place=random.random() < 1 / 2,
        returns_with=random.choice(["double", "maximum", "bucket"]),
        bucket_tokens=random.choice([1, 5, 16]),
    )
    kinds: list[Supervisor] = [
        NoOverrun(),
        doubling,
        LastArrived(block_tokens=block, swap=swap),
        WorstRanked(ranking=ranking, block_tokens=block),
        SmallestBound(foresight=LowerBound(share=random.choice([0.0, 0.5])), block_tokens=block),
    ]
    return random.choice(kinds)
