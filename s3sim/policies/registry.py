"""The systems by name: named choices that build a Scheduler and its KV account.

Adding a system is one class of choices and one line in SYSTEMS; the law tests then run on it by name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Any, ClassVar, Literal, Protocol

from s3sim.core.errors import InputError, UnknownNameError
from s3sim.core.kv_cache import ContiguousKV, CountedKV, KVCacheManager, Moves, PagedKV
from s3sim.core.piecewise import PiecewiseKV
from s3sim.core.replica import Scheduler, StaticBatch
from s3sim.policies.about import BLOCK_TOKENS, MAX_NUM_BATCHED_TOKENS, MAX_NUM_SEQS, VLLM_NUM_SEQS, prompt_budget
from s3sim.policies.about import about as _about
from s3sim.policies.admission import FirstCome, SwappedFirst, TpotLimit, within
from s3sim.policies.batching import Chunked, IterationLevel, PrefillApart, PrefillFirst, PromptBatches, Static
from s3sim.policies.reservation import AllButLast, Fixed, MaximumLength, PowerOfTwo, Predicted, Written
from s3sim.policies.rivals import LTR, SSJF, AMax, AMin, Order, PastFuture, Trail, ordered
from s3sim.policies.supervisor import Doubling, LastArrived, NoOverrun, OutOfMemory

__all__ = [
    "S3",
    "SYSTEMS",
    "TGI",
    "VLLM",
    "Choices",
    "FasterTransformer",
    "HuggingFace",
    "Needs",
    "Orca",
    "OrcaPow2",
    "Sarathi",
    "System",
    "system",
]

PICOSECONDS = 10**12  # per second
BUCKETS = 10  # of S³'s predictor, over the maximum length (arXiv 2306.06000)
LONGEST = 9.2e6  # s: 106 days, which is all that 64 bits of picoseconds hold
Needs = Literal["nothing", "predictor", "oracle_bucket", "oracle_exact"]
Prefill = Literal["mixed", "apart"]


TPOT_LIMIT = _about(
    "Admit nobody whose company would make a decode step longer than this; reading_speed: the paper's SLO, 187.5 ms"
    " per token; null: never hold back.",
    gt=0,
)
PREFILL: dict[str, Any] = _about(
    "mixed: a prompt is computed in one step with the decodes, ORCA's selective batching; apart: in a step of its own."
)
DELIVERY = _about("When a client gets its tokens: one by one, or all when the whole batch has finished.")


class Choices(Protocol):
    """The open choices of a system: a frozen dataclass whose fields have defaults and reasons."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def kv(self, capacity: int) -> KVCacheManager:
        """The account of `capacity` slots."""
        ...

    def scheduler(self, *, name: str, capacity: int, max_length: int) -> Scheduler:
        """The decisions, for a device of `capacity` slots and sequences of up to `max_length` tokens."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Orca:
    """ORCA (OSDI'22): first come first served, the maximum length reserved."""

    max_num_seqs: int | None = field(default=None, metadata=MAX_NUM_SEQS)
    tpot_limit_ms: TpotLimit = field(default=None, metadata=TPOT_LIMIT)
    prefill: Prefill = field(default="mixed", metadata=PREFILL)

    def kv(self, capacity: int) -> KVCacheManager:
        """One address space."""
        return ContiguousKV(capacity)

    def scheduler(self, *, name: str, capacity: int, max_length: int) -> Scheduler:
        """Reserve the maximum, so that nothing ever overruns."""
        return Scheduler(
            name=name,
            reservation=MaximumLength(),
            admission=within(FirstCome(), self.tpot_limit_ms),
            batching=IterationLevel() if self.prefill == "mixed" else PrefillApart(),
            supervisor=NoOverrun(),
            max_num_seqs=self.max_num_seqs,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class S3:
    """S³ (NeurIPS'23): the prediction reserved, decreasing first fit; an overrun swaps out, doubles and returns."""

    max_num_seqs: int | None = field(default=None, metadata=MAX_NUM_SEQS)
    tpot_limit_ms: TpotLimit = field(default=None, metadata=TPOT_LIMIT)
    ageing_s: float | None = field(
        default=30.0,
        metadata=_about(
            "A request may not be overtaken by one that arrived more than this later; null: it may for ever."
            " The paper names no rule; 30 s is about the reading time of a 160-token answer.",
            ge=0,
            le=LONGEST,
        ),
    )
    order: Order = field(
        default="decreasing_first_fit",
        metadata=_about(
            "Who is next; the paper's is decreasing first fit, which alone ages; shortest_predicted is SSJF's."
        ),
    )
    doubled: Literal["reservation", "output"] = field(
        default="reservation",
        metadata=_about(
            "What an overrun doubles: the whole reservation ('the assigned memory is doubled') or its output part."
        ),
    )
    returns_with: Literal["double", "maximum", "bucket"] = field(
        default="double",
        metadata=_about(
            "What an overrun asks for next: twice as much, as in the paper; the maximum at once; or a bucket more,"
            " a tenth of the maximum length."
        ),
    )
    counts_prompt: bool = field(
        default=True,
        metadata=_about(
            "Reserve prompt + prediction; false: the prediction covers the prompt too, which the paper leaves open."
        ),
    )
    prefill: Prefill = field(default="mixed", metadata=PREFILL)
    on_overrun: Literal["swap", "recompute"] = field(
        default="swap", metadata=_about("swap is the paper's; recompute drops the KV and prefills it again.")
    )
    growth: Literal["preempt", "in_place"] = field(
        default="preempt",
        metadata=_about(
            "preempt is the paper's; in_place doubles a reservation where it is, if the slots right behind it are"
            " free, and preempts elsewhere."
        ),
    )
    placement: Literal["first_fit", "size_classes", "move_needed", "slide_all", "slide_on_release", "anywhere"] = field(
        default="first_fit",
        metadata=_about(
            "Where a reservation goes. first_fit, as in the paper's 'decreasing first fit': the first hole that is long"
            " enough, and nothing is ever moved, which serves most (docs/placement.md);"
            " size_classes: the same, reservations rounded up to four sizes a doubling; move_needed: where no hole is"
            " long enough, neighbouring holes are joined by moving the fewest written slots; slide_all: all extents are"
            " slid together then; slide_on_release: at each release; anywhere: slots need not be neighbours."
        ),
    )

    def kv(self, capacity: int) -> KVCacheManager:
        """One address space, unless slots need not be neighbours."""
        if self.placement == "anywhere":
            return CountedKV(capacity)
        moves: dict[str, Moves] = {"first_fit": "none", "size_classes": "none", "move_needed": "needed"}
        classes = self.placement == "size_classes"
        return ContiguousKV(capacity, moves=moves.get(self.placement, "all"), classes=classes)

    def scheduler(self, *, name: str, capacity: int, max_length: int) -> Scheduler:
        """Reserve what is predicted, and repair mistakes."""
        ageing = None if self.ageing_s is None else round(self.ageing_s * PICOSECONDS)
        return Scheduler(
            name=name,
            reservation=Predicted(counts_prompt=self.counts_prompt),
            admission=within(ordered(self.order, ageing=ageing), self.tpot_limit_ms),
            batching=IterationLevel() if self.prefill == "mixed" else PrefillApart(),
            supervisor=Doubling(
                doubled=self.doubled,
                swap=self.on_overrun == "swap",
                in_place=self.growth == "in_place",
                returns_with=self.returns_with,
                bucket_tokens=ceil(max_length / BUCKETS),
            ),
            max_num_seqs=self.max_num_seqs,
            compact_on_release=self.placement == "slide_on_release",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class VLLM:
    """vLLM v0: paged KV, prefill first, first come first served; short of blocks it preempts the last arrived.

    Source: vllm/core/scheduler.py (`_schedule_default`), vllm/core/block_manager.py and vllm/config.py of v0.4 to v0.5.
    """

    max_num_seqs: int | None = field(default=256, metadata=VLLM_NUM_SEQS)
    tpot_limit_ms: TpotLimit = field(default=None, metadata=TPOT_LIMIT)
    block_tokens: int = field(default=16, metadata=BLOCK_TOKENS)
    watermark: float = field(
        default=0.01,
        metadata=_about("Share of the blocks that an admission leaves free; 0.01 is vLLM v0's.", ge=0, lt=1),
    )
    max_num_batched_tokens: int | None = field(default=None, metadata=MAX_NUM_BATCHED_TOKENS)
    on_shortage: Literal["recompute", "swap"] = field(
        default="recompute",
        metadata=_about(
            "What becomes of the KV of whoever must give way: dropped and prefilled again, vLLM's default for one"
            " sequence a request, or moved to the host, from where it returns before any new prompt."
        ),
    )

    def kv(self, capacity: int) -> KVCacheManager:
        """Blocks."""
        return PagedKV(capacity, block_tokens=self.block_tokens)

    def scheduler(self, *, name: str, capacity: int, max_length: int) -> Scheduler:
        """Take blocks as they are needed, and recompute or swap whoever must give way."""
        swap = self.on_shortage == "swap"
        headroom = int(self.watermark * (capacity // self.block_tokens)) * self.block_tokens
        returning = SwappedFirst(block_tokens=self.block_tokens, headroom=headroom)
        budget = prompt_budget(self.max_num_batched_tokens, place=f"{name}.max_num_batched_tokens", least=max_length)
        return Scheduler(
            name=name,
            reservation=Written(),
            admission=within(returning if swap else FirstCome(headroom=headroom), self.tpot_limit_ms),
            batching=PrefillFirst(max_prefill_tokens=budget),
            supervisor=LastArrived(block_tokens=self.block_tokens, swap=swap),
            max_num_seqs=self.max_num_seqs,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sarathi:
    """Sarathi-Serve (OSDI'24): paged KV, chunked prefill under a token budget shared with decodes; vLLM v1's order.

    Source: sarathi/core/scheduler/sarathi_scheduler.py and sarathi/config/config.py of microsoft/sarathi-serve.
    """

    max_num_seqs: int | None = field(
        default=128,
        metadata=_about("Most sequences running at once; 128 is Sarathi-Serve's default; null: memory decides.", ge=1),
    )
    tpot_limit_ms: TpotLimit = field(default=None, metadata=TPOT_LIMIT)
    block_tokens: int = field(default=16, metadata=BLOCK_TOKENS)
    token_budget: int = field(default=512, metadata=_about("Most tokens in one step; 512 is Sarathi-Serve's.", ge=1))
    watermark: float = field(
        default=0.01,
        metadata=_about(
            "Share of the blocks that an admission leaves free; 0.01 is Sarathi-Serve's, 0 vLLM v1's.", ge=0, lt=1
        ),
    )

    def kv(self, capacity: int) -> KVCacheManager:
        """Blocks."""
        return PagedKV(capacity, block_tokens=self.block_tokens)

    def scheduler(self, *, name: str, capacity: int, max_length: int) -> Scheduler:
        """Never let more decode than the budget has tokens for."""
        headroom = int(self.watermark * (capacity // self.block_tokens)) * self.block_tokens
        limit = self.token_budget if self.max_num_seqs is None else min(self.max_num_seqs, self.token_budget)
        return Scheduler(
            name=name,
            reservation=Written(),
            admission=within(FirstCome(headroom=headroom), self.tpot_limit_ms),
            batching=Chunked(token_budget=self.token_budget),
            supervisor=LastArrived(block_tokens=self.block_tokens),
            max_num_seqs=limit,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TGI:
    """Text Generation Inference: prompt + max_new_tokens − 1 reserved at admission, prompts in batches, no preemption.

    Prompts pause the running batch, so they wait until enough of them have come together, or long enough. Source:
    `batching_task` and `next_batch` of backends/v3/src of huggingface/text-generation-inference, for models whose
    prompts are not chunked; defaults of launcher/src/main.rs.
    """

    max_num_seqs: int | None = field(default=None, metadata=MAX_NUM_SEQS)
    tpot_limit_ms: TpotLimit = field(default=None, metadata=TPOT_LIMIT)
    max_batch_prefill_tokens: int = field(
        default=4096,
        metadata=_about(
            "Most prompt tokens in one step; 4096 is TGI's default. Less than max_length is refused.", ge=1
        ),
    )
    waiting_served_ratio: float = field(
        default=0.3,
        metadata=_about(
            "Prompts wait until they are this many times the running sequences, rounded down; 0.3 is TGI's.", ge=0
        ),
    )
    max_waiting_tokens: int = field(
        default=20,
        metadata=_about("Decode steps, less one, after which they no longer wait for that; 20 is TGI's.", ge=1),
    )

    def kv(self, capacity: int) -> KVCacheManager:
        """Slots that are counted: its blocks need not be neighbours, and are all taken at admission."""
        return CountedKV(capacity)

    def scheduler(self, *, name: str, capacity: int, max_length: int) -> Scheduler:
        """Reserve all but the last token."""
        place = f"{name}.max_batch_prefill_tokens"
        batching = PromptBatches(
            max_prefill_tokens=prompt_budget(self.max_batch_prefill_tokens, place=place, least=max_length),
            waiting_served_ratio=self.waiting_served_ratio,
            max_waiting_tokens=self.max_waiting_tokens,
        )
        return Scheduler(
            name=name,
            reservation=AllButLast(),
            admission=within(FirstCome(in_batches=True), self.tpot_limit_ms),
            batching=batching,
            supervisor=NoOverrun(),
            max_num_seqs=self.max_num_seqs,
            horizon=batching,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OrcaPow2:
    """Orca(Pow2) of the vLLM paper: ORCA that reserves the next power of two of the true output."""

    max_num_seqs: int | None = field(default=None, metadata=MAX_NUM_SEQS)
    tpot_limit_ms: TpotLimit = field(default=None, metadata=TPOT_LIMIT)

    def kv(self, capacity: int) -> KVCacheManager:
        """One address space."""
        return ContiguousKV(capacity)

    def scheduler(self, *, name: str, capacity: int, max_length: int) -> Scheduler:
        """Reserve enough, so that nothing ever overruns."""
        return Scheduler(
            name=name,
            reservation=PowerOfTwo(),
            admission=within(FirstCome(), self.tpot_limit_ms),
            batching=IterationLevel(),
            supervisor=NoOverrun(),
            max_num_seqs=self.max_num_seqs,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FasterTransformer:
    """FasterTransformer: request-level static batches, one allocation of the maximum length for every row."""

    batch_size: int | None = field(
        default=None, metadata=_about("Rows of a batch; null: as many as memory holds.", ge=1)
    )
    delivery: Literal["token", "batch_end"] = field(default="batch_end", metadata=DELIVERY)
    on_oom: Literal["fail", "halve_and_rerun"] = field(
        default="fail", metadata=_about("Where batch_size rows do not fit: an error, or half as many, and so on.")
    )
    overallocation: float = field(
        default=1.44,
        metadata=_about(
            "Slots allocated per slot asked for: its buffers grow to 1.2 times the rows and 1.2 times the length"
            " (docs/oom.md). 1 is the paper's idea of a maximum-length reservation.",
            ge=1,
        ),
    )

    def kv(self, capacity: int) -> KVCacheManager:
        """One address space."""
        return ContiguousKV(capacity)

    def scheduler(self, *, name: str, capacity: int, max_length: int) -> Scheduler:
        """Reserve the maximum for each row, and hold all rows to the end; InputError where batch_size cannot fit."""
        row_tokens = ceil(self.overallocation * max_length)
        rows = _rows_that_fit(self.batch_size, capacity // row_tokens, name=name, halve=self.on_oom != "fail")
        return Scheduler(
            name=name,
            reservation=Fixed(row_tokens=row_tokens),
            admission=FirstCome(),
            batching=Static(batch_size=rows),
            supervisor=NoOverrun(),
            static=StaticBatch(delivery=self.delivery),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HuggingFace:
    """Transformers' generate: padded static batches whose KV tensors grow by copying, or are allocated once."""

    batch_size: int = field(default=32, metadata=_about("Rows of a batch, as the caller of generate chose.", ge=1))
    cache: Literal["dynamic", "static"] = field(
        default="dynamic",
        metadata=_about("dynamic: each step copies all KV to tensors one slot longer; static: max_length at once."),
    )
    delivery: Literal["token", "batch_end"] = field(default="batch_end", metadata=DELIVERY)
    on_oom: Literal["fail", "halve_and_rerun"] = field(
        default="halve_and_rerun",
        metadata=_about("When an allocation fails: the batch's requests fail, or run again in halves."),
    )
    granule_slots: int = field(
        default=256,
        metadata=_about("Slots to which a tensor is rounded: 2 MiB of PyTorch's allocator over 8 KiB a slot.", ge=1),
    )
    tensors: int = field(
        default=56, metadata=_about("KV tensors, two a layer; one exists twice while it is copied. GPT-J has 56.", ge=2)
    )

    def kv(self, capacity: int) -> KVCacheManager:
        """Tensors that grow, or one address space."""
        if self.cache == "static":
            return ContiguousKV(capacity)
        return PiecewiseKV(capacity, granule=self.granule_slots, tensors=self.tensors)

    def scheduler(self, *, name: str, capacity: int, max_length: int) -> Scheduler:
        """Hold all rows to the end; what memory does not hold is lost."""
        static, rerun = self.cache == "static", self.on_oom != "fail"
        rows = self.batch_size
        if static:
            rows = _rows_that_fit(rows, capacity // max_length, name=name, halve=rerun) or rows
        return Scheduler(
            name=name,
            reservation=Fixed(row_tokens=max_length) if static else Written(),
            admission=FirstCome(),
            batching=Static(batch_size=rows),
            supervisor=NoOverrun() if static else OutOfMemory(rerun=rerun),
            static=StaticBatch(delivery=self.delivery, reads_reserved=static, grows_by_copy=not static),
        )


def _rows_that_fit(rows: int | None, most: int, *, name: str, halve: bool) -> int | None:
    """Rows of a static batch: as asked, or halved until they fit."""
    if rows is None or rows <= most or most == 0:
        return rows
    if not halve:
        raise InputError(
            f"{name}.batch_size: {rows} rows of the maximum length do not fit, {most} do; lower it, or set"
            " on_oom: halve_and_rerun"
        )
    while rows > most:
        rows //= 2
    return rows


@dataclass(frozen=True, slots=True)
class System:
    """Choices that go by a name, and the predictions that they are given: an entry of the registry, or one's own."""

    choices: type[Choices]
    needs: Needs = "nothing"
    summary: str = ""


SYSTEMS: dict[str, System] = {
    "orca": System(Orca, "nothing", "iteration-level scheduling, maximum length reserved"),
    "s3": System(S3, "predictor", "predicted length reserved, decreasing first fit, swap and double on overrun"),
    "oracle_bucket": System(S3, "oracle_bucket", "S³ whose predictor always names the right bucket"),
    "oracle_exact": System(S3, "oracle_exact", "S³ whose predictor knows the exact length"),
    "orca_pow2": System(OrcaPow2, "oracle_exact", "ORCA that reserves the next power of two of the true output"),
    "fastertransformer": System(FasterTransformer, "nothing", "static batches, maximum length reserved for each row"),
    "huggingface": System(HuggingFace, "nothing", "static batches, padded, KV grown by copying the whole cache"),
    "past_future": System(PastFuture, "nothing", "admission by the peak foreseen from the lengths of late"),
    "ssjf": System(SSJF, "predictor", "paged blocks, the shortest predicted first, unless one waits too long"),
    "ltr": System(LTR, "predictor", "paged blocks, the best score runs, others pause or swap, with a guard"),
    "trail": System(Trail, "predictor", "paged blocks, the least predicted remaining first, preempting the young"),
    "a_min": System(AMin, "predictor", "lower end of the predicted interval, grown and preempted when short"),
    "a_max": System(AMax, "predictor", "admission by the peak of the predicted intervals' upper ends, the least first"),
    "sarathi": System(Sarathi, "nothing", "paged blocks, chunked prefill under a token budget"),
    "tgi": System(TGI, "nothing", "all but the last token reserved, prompts in batches, no preemption"),
    "vllm": System(VLLM, "nothing", "paged blocks, prefill first, recompute or swap the last arrived"),
}


def system(name: str, *, place: str = "systems", known: Mapping[str, System] = SYSTEMS) -> System:
    """Look a system up among the known ones; raises UnknownNameError, which lists them."""
    if name not in known:
        raise UnknownNameError("system", name, known, place=place)
    return known[name]
