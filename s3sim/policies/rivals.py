"""Other ways to serve with foresight, or without: choices of the systems that S³ is compared with."""

from dataclasses import dataclass, field
from math import ceil
from typing import Any, Literal

from s3sim.core.kv_cache import KVCacheManager, PagedKV
from s3sim.core.protocols import Admission
from s3sim.core.replica import Scheduler
from s3sim.policies.about import (
    BLOCK_TOKENS,
    MAX_NUM_BATCHED_TOKENS,
    MAX_NUM_SEQS,
    VLLM_BUDGET,
    VLLM_NUM_SEQS,
    about,
    prompt_budget,
)
from s3sim.policies.admission import DecreasingFirstFit, FirstCome
from s3sim.policies.batching import IterationLevel, PrefillFirst
from s3sim.policies.peak import History, LowerBound, PeakFits, SmallestBound, UpperBound
from s3sim.policies.ranked import (
    Outranked,
    PreemptivePrefillFirst,
    RankedAdmission,
    RankedChunks,
    TopRanked,
    WorstRanked,
)
from s3sim.policies.ranking import Guarded, RemainingTime, ShortestOrOldest, ShortestPredicted
from s3sim.policies.reservation import Written
from s3sim.policies.supervisor import LastArrived

__all__ = ["LTR", "SSJF", "AMax", "AMin", "Order", "PastFuture", "Trail", "ordered"]

Order = Literal["decreasing_first_fit", "shortest_predicted", "first_come"]
PICOSECONDS = 10**12  # per second
CHUNKED_TOKENS = about(
    "Most tokens in one step, decodes and prompts together; a prompt that is longer is computed in chunks. null:"
    " max(2048, max_length), vLLM's default.",
    ge=1,
)
FIRST_TOKENS = 1024  # remembered of requests at the start: default of LightLLM's --router_max_new_token_len
WATERMARK = about("Share of the blocks that an admission leaves free; 0.01 is vLLM v0's.", ge=0, lt=1)


def ordered(order: Order, *, ageing: int | None) -> Admission[Any]:
    """The admission of that order; `ageing` (ps) bounds overtaking in decreasing first fit alone."""
    if order == "decreasing_first_fit":
        return DecreasingFirstFit(ageing=ageing)
    return FirstCome() if order == "first_come" else RankedAdmission(ranking=ShortestPredicted())


@dataclass(frozen=True, slots=True, kw_only=True)
class SSJF:
    """SSJF (arXiv 2404.08509): the shortest predicted first, the batch formed anew whenever a request has finished.

    Source: model-serving/sjf_dynamic.py and util.py of James-QiuHaoran/LLM-serving-with-proxy-models, a simulator
    without a memory of its own, whose guard serves all by age where the oldest has waited too long. Memory is vLLM's
    here: blocks, and recompute of the worst in rank where they run short. Who is outranked when the batch is formed
    keeps its KV until its blocks are needed.
    """

    max_num_seqs: int | None = field(default=256, metadata=VLLM_NUM_SEQS)
    longest_wait_s: float | None = field(
        default=100.0,
        metadata=about(
            "Age of the oldest request from which on all are served by age; null: never; 100 s is its source's"
            " SJF_STARVATION_WAITING_TIME_THRES.",
            ge=0,
        ),
    )
    longest_wait_times: float | None = field(
        default=10.0,
        metadata=about(
            "The same as a multiple of the request's own duration; null: never; 10 is its source's"
            " SJF_STARVATION_WAITING_TIME_COEFFICIENT.",
            ge=0,
        ),
    )
    block_tokens: int = field(default=16, metadata=BLOCK_TOKENS)
    watermark: float = field(default=0.01, metadata=WATERMARK)
    max_num_batched_tokens: int | None = field(default=None, metadata=CHUNKED_TOKENS)

    def kv(self, capacity: int) -> KVCacheManager:
        """Blocks."""
        return PagedKV(capacity, block_tokens=self.block_tokens)

    def scheduler(self, *, name: str, capacity: int, max_length: int) -> Scheduler:
        """The shortest, or the oldest, run until one of them ends."""
        longest = None if self.longest_wait_s is None else round(self.longest_wait_s * PICOSECONDS)
        ranking = ShortestOrOldest(longest_wait=longest, times=self.longest_wait_times)
        return _top_ranked(self, name, ranking, capacity, max_length, swap=False, at_ends=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class AMax:
    """A_max (arXiv 2508.14544): every output is taken to be as long as the upper end of its predicted interval.

    Slots are taken as they are written. A sequence is admitted, the least upper end first, while the peak foreseen
    from upper ends fits, so that nothing runs short where the intervals hold. The paper knows no other case; here
    a sequence that outlives its interval is taken to have one token left, and short of slots the last arrived is
    recomputed.
    """

    max_num_seqs: int | None = field(default=None, metadata=MAX_NUM_SEQS)
    upper: float = field(
        default=1.0, metadata=about("Upper end ÷ prediction; 1: the prediction is its bucket's upper edge.", gt=0)
    )
    block_tokens: int = field(default=1, metadata=about("Slots in a block; 1: the paper's model counts tokens.", ge=1))

    def kv(self, capacity: int) -> KVCacheManager:
        """Blocks."""
        return PagedKV(capacity, block_tokens=self.block_tokens)

    def scheduler(self, *, name: str, capacity: int, max_length: int) -> Scheduler:
        """Prompts and decodes share a step, as in the paper's rounds."""
        admission = PeakFits(foresight=UpperBound(share=self.upper), limit=capacity, ahead=1)
        return Scheduler(
            name=name,
            reservation=Written(),
            admission=admission,
            batching=IterationLevel(),
            supervisor=LastArrived(block_tokens=self.block_tokens),
            max_num_seqs=self.max_num_seqs,
            horizon=admission,
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

    max_num_seqs: int | None = field(
        default=1000,
        metadata=about(
            "Most sequences running at once; 1000 is LightLLM's --running_max_req_size; null: memory decides.", ge=1
        ),
    )
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
    max_num_batched_tokens: int | None = field(default=None, metadata=MAX_NUM_BATCHED_TOKENS)

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
            batching=PrefillFirst(max_prefill_tokens=_budget(self, name, max_length)),
            supervisor=LastArrived(block_tokens=self.block_tokens),
            max_num_seqs=self.max_num_seqs,
            horizon=admission,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LTR:
    """Learning to rank (arXiv 2408.15792): of all that wait, run or are swapped the best score first, guarded.

    Source: vllm/core/scheduler.py of hao-ai-lab/vllm-ltr (`_general_schedule`, `reserve_free_blocks`): one ranked list
    of which the first run, up to max_num_seqs and a token budget, prompts in chunks beside decodes; who is outranked
    keeps its KV, and short of blocks the last in rank is swapped out. Only the order of the predictions counts. The
    guard's default is that of the code's own benchmarks, `starv200-period10`. Among the starved the score decides
    again, so a patience that short requests outwait under overload guards nobody.
    """

    max_num_seqs: int | None = field(default=256, metadata=VLLM_NUM_SEQS)
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
    max_num_batched_tokens: int | None = field(default=None, metadata=CHUNKED_TOKENS)

    def kv(self, capacity: int) -> KVCacheManager:
        """Blocks."""
        return PagedKV(capacity, block_tokens=self.block_tokens)

    def scheduler(self, *, name: str, capacity: int, max_length: int) -> Scheduler:
        """The first in rank run."""
        ranking = Guarded(patience=self.starvation_steps, period=self.period_steps)
        return _top_ranked(self, name, ranking, capacity, max_length, swap=True, at_ends=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """TRAIL (ICLR 2025, arXiv 2410.01035) over vLLM v0: the least predicted remaining first, preempting only the young.

    KV that is preempted is recomputed, as in the paper.
    """

    max_num_seqs: int | None = field(default=256, metadata=VLLM_NUM_SEQS)
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
    max_num_batched_tokens: int | None = field(default=None, metadata=MAX_NUM_BATCHED_TOKENS)

    def kv(self, capacity: int) -> KVCacheManager:
        """Blocks."""
        return PagedKV(capacity, block_tokens=self.block_tokens)

    def scheduler(self, *, name: str, capacity: int, max_length: int) -> Scheduler:
        """vLLM's in another order."""
        return _preemptive(self, name, RemainingTime(share=self.preemptible), capacity, max_length)


def _preemptive(choices: Trail, name: str, ranking: RemainingTime, capacity: int, max_length: int) -> Scheduler:
    block, headroom = choices.block_tokens, _headroom(choices, capacity)
    return Scheduler(
        name=name,
        reservation=Written(),
        admission=RankedAdmission(ranking=ranking, headroom=headroom, preemptive=True),
        batching=PreemptivePrefillFirst(max_prefill_tokens=_budget(choices, name, max_length)),
        supervisor=WorstRanked(ranking=ranking, block_tokens=block),
        max_num_seqs=choices.max_num_seqs,
        displacement=Outranked(ranking=ranking, block_tokens=block, headroom=headroom),
    )


def _top_ranked(
    choices: LTR | SSJF,
    name: str,
    ranking: Guarded | ShortestOrOldest,
    capacity: int,
    max_length: int,
    *,
    swap: bool,
    at_ends: bool,
) -> Scheduler:
    budget = choices.max_num_batched_tokens or max(max_length, VLLM_BUDGET)
    limit = (
        budget if choices.max_num_seqs is None else min(choices.max_num_seqs, budget)
    )  # each that runs takes a token
    top = TopRanked(
        ranking=ranking,
        block_tokens=choices.block_tokens,
        headroom=_headroom(choices, capacity),
        swap=swap,
    )
    return Scheduler(
        name=name,
        reservation=Written(),
        admission=top,
        batching=RankedChunks(token_budget=budget, at_ends=at_ends),
        supervisor=WorstRanked(ranking=ranking, block_tokens=choices.block_tokens),
        max_num_seqs=limit,
        selection=top,
        displacement=top,
    )


def _headroom(choices: LTR | SSJF | Trail, capacity: int) -> int:
    return int(choices.watermark * (capacity // choices.block_tokens)) * choices.block_tokens


def _budget(choices: PastFuture | Trail, name: str, max_length: int) -> int:
    place = f"{name}.max_num_batched_tokens"
    return prompt_budget(choices.max_num_batched_tokens, place=place, least=max_length)
