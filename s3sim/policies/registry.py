"""The systems by name: named choices that build a Scheduler and its KV account.

Adding a system is one class of choices and one line in SYSTEMS; the law tests then run on it by name.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

from s3sim.core.errors import UnknownNameError
from s3sim.core.kv_cache import ContiguousKV, KVCacheManager, PagedKV
from s3sim.core.replica import Scheduler
from s3sim.policies.admission import DecreasingFirstFit, FirstCome
from s3sim.policies.batching import IterationLevel, PrefillFirst
from s3sim.policies.reservation import MaximumLength, Predicted, Written
from s3sim.policies.supervisor import Doubling, LastArrived, NoOverrun

__all__ = ["S3", "SYSTEMS", "VLLM", "Choices", "Needs", "Orca", "System", "system"]

PICOSECONDS = 10**12  # per second
Needs = Literal["nothing", "predictor", "oracle_bucket", "oracle_exact"]


def _about(text: str, **limits: int) -> dict[str, Any]:
    return {"description": text, **limits}


MAX_NUM_SEQS = _about("Most sequences running at once; null: memory decides, as in the paper's batches.", ge=1)


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

    def kv(self, capacity: int) -> KVCacheManager:
        """One address space."""
        return ContiguousKV(capacity)

    def scheduler(self, *, name: str, capacity: int, max_length: int) -> Scheduler:
        """Reserve the maximum, so that nothing ever overruns."""
        return Scheduler(
            name=name,
            reservation=MaximumLength(),
            admission=FirstCome(),
            batching=IterationLevel(),
            supervisor=NoOverrun(),
            max_num_seqs=self.max_num_seqs,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class S3:
    """S³ (NeurIPS'23): the prediction reserved, decreasing first fit; an overrun swaps out, doubles and returns."""

    max_num_seqs: int | None = field(default=None, metadata=MAX_NUM_SEQS)
    ageing_s: float | None = field(
        default=30.0,
        metadata=_about(
            "A request may not be overtaken by one that arrived more than this later; null: it may for ever."
            " The paper names no rule; 30 s is about the reading time of a 160-token answer.",
            ge=0,
        ),
    )
    doubled: Literal["reservation", "output"] = field(
        default="reservation",
        metadata=_about(
            "What an overrun doubles: the whole reservation ('the assigned memory is doubled') or its output part."
        ),
    )
    on_overrun: Literal["swap", "recompute"] = field(
        default="swap", metadata=_about("swap is the paper's; recompute drops the KV and prefills it again.")
    )
    compact: Literal["on_demand", "on_release"] = field(
        default="on_demand",
        metadata=_about(
            "When extents are shifted together: when an admission needs the room (cheaper), or at each"
            " release, as the paper has it."
        ),
    )

    def kv(self, capacity: int) -> KVCacheManager:
        """One address space."""
        return ContiguousKV(capacity)

    def scheduler(self, *, name: str, capacity: int, max_length: int) -> Scheduler:
        """Reserve what is predicted, and repair mistakes."""
        ageing = None if self.ageing_s is None else round(self.ageing_s * PICOSECONDS)
        return Scheduler(
            name=name,
            reservation=Predicted(),
            admission=DecreasingFirstFit(ageing=ageing),
            batching=IterationLevel(),
            supervisor=Doubling(doubled=self.doubled, swap=self.on_overrun == "swap"),
            max_num_seqs=self.max_num_seqs,
            compact_on_release=self.compact == "on_release",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class VLLM:
    """vLLM v0: paged KV, prefill first, first come first served; short of blocks it preempts the last arrived."""

    max_num_seqs: int | None = field(default=None, metadata=MAX_NUM_SEQS)
    block_tokens: int = field(default=16, metadata=_about("Slots in a block; 16 is vLLM's default.", ge=1))
    watermark: float = field(
        default=0.01,
        metadata=_about("Share of the blocks that an admission leaves free; 0.01 is vLLM v0's.", ge=0, lt=1),
    )
    max_num_batched_tokens: int | None = field(
        default=None,
        metadata=_about("Most prompt tokens in one step; null: max(2048, max_length), vLLM v0's default.", ge=1),
    )

    def kv(self, capacity: int) -> KVCacheManager:
        """Blocks."""
        return PagedKV(capacity, block_tokens=self.block_tokens)

    def scheduler(self, *, name: str, capacity: int, max_length: int) -> Scheduler:
        """Take blocks as they are needed, and recompute whoever must give way."""
        headroom = int(self.watermark * (capacity // self.block_tokens)) * self.block_tokens
        budget = max(max_length, self.max_num_batched_tokens or 2048)  # a recomputed prompt must fit a step
        return Scheduler(
            name=name,
            reservation=Written(),
            admission=FirstCome(headroom=headroom),
            batching=PrefillFirst(max_prefill_tokens=budget),
            supervisor=LastArrived(block_tokens=self.block_tokens),
            max_num_seqs=self.max_num_seqs,
            headroom=headroom,
        )


@dataclass(frozen=True, slots=True)
class System:
    """An entry of the registry: choices under a name, and the predictions that they are given."""

    choices: type[Choices]
    needs: Needs
    summary: str


SYSTEMS: dict[str, System] = {
    "orca": System(Orca, "nothing", "iteration-level scheduling, maximum length reserved"),
    "s3": System(S3, "predictor", "predicted length reserved, decreasing first fit, swap and double on overrun"),
    "oracle_bucket": System(S3, "oracle_bucket", "S³ whose predictor always names the right bucket"),
    "oracle_exact": System(S3, "oracle_exact", "S³ whose predictor knows the exact length"),
    "vllm": System(VLLM, "nothing", "paged blocks, prefill first, recompute the last arrived"),
}


def system(name: str, *, place: str = "systems") -> System:
    """Look a system up; raises UnknownNameError, which lists the known ones."""
    if name not in SYSTEMS:
        raise UnknownNameError("system", name, SYSTEMS, place=place)
    return SYSTEMS[name]
