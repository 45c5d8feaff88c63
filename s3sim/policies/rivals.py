"""Other ways to serve with foresight, or without: choices of the systems that S³ is compared with."""

from dataclasses import dataclass, field
from math import ceil
from typing import Any, Literal

from s3sim.core.kv_cache import ContiguousKV, KVCacheManager, PagedKV
from s3sim.core.protocols import Admission, Reservation
from s3sim.core.replica import Scheduler
from s3sim.policies.about import BLOCK_TOKENS, MAX_NUM_SEQS, about
from s3sim.policies.admission import DecreasingFirstFit, FirstCome
from s3sim.policies.batching import IterationLevel, PrefillFirst
from s3sim.policies.peak import History, LowerBound, PeakFits, SmallestBound
from s3sim.policies.ranked import Outranked, PreemptivePrefillFirst, RankedAdmission, WorstRanked
from s3sim.policies.ranking import Guarded, RemainingTime, ShortestPredicted
from s3sim.policies.reservation import Predicted, UpperBound, Written
from s3sim.policies.supervisor import Doubling, LastArrived

__all__ = ["LTR", "SSJF", "AMax", "AMin", "Order", "PastFuture", "Trail", "ordered"]

Order = Literal["decreasing_first_fit", "shortest_predicted", "first_come"]
DOUBLED = about("What an overrun doubles: the whole reservation or its output part.")
ON_OVERRUN = about("swap is S³'s; recompute drops the KV and prefills it again.")
PREFILL_TOKENS = about("Most prompt tokens in one step; null: max(2048, max_length), vLLM v0's default.", ge=1)
FIRST_TOKENS = 1024  # remembered of requests at the start: default of LightLLM's --router_max_new_token_len
WATERMARK = about("Share of the blocks that an admission leaves free; 0.01 is vLLM v0's.", ge=0, lt=1)


def ordered(order: Order, *, ageing: int | None) -> Admission[Any]:
    """The admission of that order; `ageing` (ps) bounds overtaking in decreasing first fit alone."""
    if order == "decreasing_first_fit":
        return DecreasingFirstFit(ageing=ageing)
    return FirstCome() if order == "first_come" else RankedAdmission(ranking=ShortestPredicted())


@dataclass(frozen=True, slots=True, kw_only=True)
class SSJF:
    """SSJF (arXiv 2404.08509): the shortest predicted output first, reserved and repaired as S³ does.

    It preempts nobody for a shorter one, and has no guard: a long request can starve.
    """

    max_num_seqs: int | None = field(default=None, metadata=MAX_NUM_SEQS)
    doubled: Literal["reservation", "output"] = field(default="reservation", metadata=DOUBLED)
    on_overrun: Literal["swap", "recompute"] = field(default="swap", metadata=ON_OVERRUN)

    def kv(self, capacity: int) -> KVCacheManager:
        """One address space."""
        return ContiguousKV(capacity)

    def scheduler(self, *, name: str, capacity: int, max_length: int) -> Scheduler:
        """S³ in another order."""
        return _reserving(self, name, Predicted(), "shortest_predicted")


@dataclass(frozen=True, slots=True, kw_only=True)
class AMax:
    """A_max (arXiv 2508.14544): the upper end of the predicted interval reserved, the least of them first.

    The paper's test is of the future peak; here the whole is reserved, as maximum-length systems do. Where the
    interval was wrong a reservation overruns, and is repaired as in S³: the paper knows no such case.
    """

    max_num_seqs: int | None = field(default=None, metadata=MAX_NUM_SEQS)
    upper: float = field(
        default=1.0, metadata=about("Upper end ÷ prediction; 1: the prediction is its bucket's upper edge.", gt=0)
    )
    order: Order = field(
        default="shortest_predicted", metadata=about("Who is next; the paper's is the least upper end.")
    )
    doubled: Literal["reservation", "output"] = field(default="reservation", metadata=DOUBLED)
    on_overrun: Literal["swap", "recompute"] = field(default="swap", metadata=ON_OVERRUN)

    def kv(self, capacity: int) -> KVCacheManager:
        """One address space."""
        return ContiguousKV(capacity)

    def scheduler(self, *, name: str, capacity: int, max_length: int) -> Scheduler:
        """Reserve the upper end."""
        return _reserving(self, name, UpperBound(share=self.upper), self.order)


def _reserving(choices: SSJF | AMax, name: str, reservation: Reservation, order: Order) -> Scheduler:
    return Scheduler(
        name=name,
        reservation=reservation,
        admission=ordered(order, ageing=None),
        batching=IterationLevel(),
        supervisor=Doubling(doubled=choices.doubled, swap=choices.on_overrun == "swap"),
        max_num_seqs=choices.max_num_seqs,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AMin:
    """A_min (arXiv 2508.14544): the lower end of the predicted interval is believed until it is outlived.

    Slots are taken as they are written. A sequence is admitted, the least lower end first, while the peak foreseen
    from lower ends fits; short of slots, the least lower end is preempted and raised to what it has generated.
    """

    max_num_seqs: int | None = field(default=None, metadata=MAX_NUM_SEQS)
    lower: float = field(
        default=0.5, metadata=about("Lower end ÷ prediction, the paper's alpha where that is the upper end.", ge=0)
    )
    block_tokens: int = field(default=1, metadata=about("Slots in a block; 1: the paper's model counts tokens.", ge=1))

    def kv(self, capacity: int) -> KVCacheManager:
        """Blocks."""
        return PagedKV(capacity, block_tokens=self.block_tokens)

    def scheduler(self, *, name: str, capacity: int, max_length: int) -> Scheduler:
        """Prompts and decodes share a step, as in the paper's rounds."""
        foresight = LowerBound(share=self.lower)
        admission = PeakFits(foresight=foresight, limit=capacity, ahead=1)
        return Scheduler(
            name=name,
            reservation=Written(),
            admission=admission,
            batching=IterationLevel(),
            supervisor=SmallestBound(foresight=foresight, block_tokens=self.block_tokens),
            max_num_seqs=self.max_num_seqs,
            horizon=admission,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PastFuture:
    """Past-Future (ASPLOS 2025), LightLLM's scheduler: no predictor, a peak foreseen from the lengths of late.

    First come, first served while the foreseen peak stays below the capacity less `reserved`; prefill first;
    short of slots, the last arrived is recomputed.
    """

    max_num_seqs: int | None = field(default=None, metadata=MAX_NUM_SEQS)
    window: int = field(
        default=200, metadata=about("Finished requests that are remembered; 200 is LightLLM's WINDOW_SIZE.", ge=1)
    )
    lists: int = field(
        default=5, metadata=about("Draws for each sequence, the worst counts; 5 is LightLLM's MAXIMUM_LISTS.", ge=1)
    )
    reserved: float = field(
        default=0.05, metadata=about("Share of the slots kept from the test; 0.05 is LightLLM's.", ge=0, lt=1)
    )
    block_tokens: int = field(default=1, metadata=about("Slots in a block; 1 is LightLLM's.", ge=1))
    max_num_batched_tokens: int | None = field(default=None, metadata=PREFILL_TOKENS)

    def kv(self, capacity: int) -> KVCacheManager:
        """Blocks."""
        return PagedKV(capacity, block_tokens=self.block_tokens)

    def scheduler(self, *, name: str, capacity: int, max_length: int) -> Scheduler:
        """The test is strict: the peak is less than what is not kept."""
        foresight = History(window=self.window, lists=self.lists, longest=min(max_length, FIRST_TOKENS))
        admission = PeakFits(foresight=foresight, limit=ceil(capacity * (1 - self.reserved)) - 1, ahead=0)
        return Scheduler(
            name=name,
            reservation=Written(),
            admission=admission,
            batching=PrefillFirst(max_prefill_tokens=max(max_length, self.max_num_batched_tokens or 2048)),
            supervisor=LastArrived(block_tokens=self.block_tokens),
            max_num_seqs=self.max_num_seqs,
            horizon=admission,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LTR:
    """Learning to rank (arXiv 2408.15792) over vLLM v0: the best score first, running or not, with a starvation guard.

    Only the order of the predictions counts. A running sequence of a worse score gives way; its KV is recomputed,
    where the paper's code swaps it or lets it idle. The guard's default is that of the code's own benchmarks,
    `starv200-period10`. Among the starved the score decides again, so a patience that short requests outwait under
    overload guards nobody.
    """

    max_num_seqs: int | None = field(default=None, metadata=MAX_NUM_SEQS)
    starvation_steps: int | None = field(
        default=200,
        metadata=about(
            "Idle steps after which a request comes first; null: no guard; 200 is the paper's code's.", ge=1
        ),
    )
    period_steps: int = field(
        default=10,
        metadata=about("Steps for which a starved request then comes first; 10 is its source's.", ge=1),
    )
    block_tokens: int = field(default=16, metadata=BLOCK_TOKENS)
    watermark: float = field(default=0.01, metadata=WATERMARK)
    max_num_batched_tokens: int | None = field(default=None, metadata=PREFILL_TOKENS)

    def kv(self, capacity: int) -> KVCacheManager:
        """Blocks."""
        return PagedKV(capacity, block_tokens=self.block_tokens)

    def scheduler(self, *, name: str, capacity: int, max_length: int) -> Scheduler:
        """vLLM's in another order."""
        return _preemptive(
            self, name, Guarded(patience=self.starvation_steps, period=self.period_steps), capacity, max_length
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """TRAIL (ICLR 2025, arXiv 2410.01035) over vLLM v0: the least predicted remaining first, preempting only the young.

    KV that is preempted is recomputed, as in the paper.
    """

    max_num_seqs: int | None = field(default=None, metadata=MAX_NUM_SEQS)
    preemptible: float = field(
        default=0.8,
        metadata=about(
            "The paper's c: a sequence gives way while it has less than this share of its prediction; 0.8 is the"
            " paper's, recalled. 0: shortest first, without preemption; 1: until the prediction is reached.",
            ge=0,
            le=1,
        ),
    )
    block_tokens: int = field(default=16, metadata=BLOCK_TOKENS)
    watermark: float = field(default=0.01, metadata=WATERMARK)
    max_num_batched_tokens: int | None = field(default=None, metadata=PREFILL_TOKENS)

    def kv(self, capacity: int) -> KVCacheManager:
        """Blocks."""
        return PagedKV(capacity, block_tokens=self.block_tokens)

    def scheduler(self, *, name: str, capacity: int, max_length: int) -> Scheduler:
        """vLLM's in another order."""
        return _preemptive(self, name, RemainingTime(share=self.preemptible), capacity, max_length)


def _preemptive(
    choices: LTR | Trail, name: str, ranking: Guarded | RemainingTime, capacity: int, max_length: int
) -> Scheduler:
    block = choices.block_tokens
    headroom = int(choices.watermark * (capacity // block)) * block
    return Scheduler(
        name=name,
        reservation=Written(),
        admission=RankedAdmission(ranking=ranking, headroom=headroom, preemptive=True),
        batching=PreemptivePrefillFirst(max_prefill_tokens=max(max_length, choices.max_num_batched_tokens or 2048)),
        supervisor=WorstRanked(ranking=ranking, block_tokens=block),
        max_num_seqs=choices.max_num_seqs,
        headroom=headroom,
        displacement=Outranked(ranking=ranking, block_tokens=block, headroom=headroom),
        horizon=ranking if isinstance(ranking, Guarded) else None,
    )
