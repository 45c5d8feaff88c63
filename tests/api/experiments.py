"""A small experiment as an object, and a system of one's own that is S³ under another name."""

from dataclasses import dataclass, replace
from typing import Any

from s3sim import Experiment, System
from s3sim.core.kv_cache import ContiguousKV, KVCacheManager
from s3sim.core.replica import Scheduler
from s3sim.core.request import Sequence
from s3sim.policies.own import OwnSystems
from s3sim.policies.registry import S3
from tests.experiment.tiny import tiny

__all__ = ["CAREFUL", "TWIN", "Careful", "Twin", "experiment"]


def experiment(*, own_systems: OwnSystems | None = None, **keys: Any) -> Experiment:
    """The tiny experiment, offline alone, with keys replaced."""
    return Experiment(tiny(**{"scenarios": {"main": {}}, "seeds": [0], **keys}), own_systems=own_systems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """S³ under another name."""

    max_num_seqs: int | None = None

    def kv(self, capacity: int) -> KVCacheManager:
        """One address space."""
        return ContiguousKV(capacity)

    def scheduler(self, *, name: str, capacity: int, max_length: int) -> Scheduler:
        """As S³ has it."""
        return S3(max_num_seqs=self.max_num_seqs).scheduler(name=name, capacity=capacity, max_length=max_length)


@dataclass(frozen=True, slots=True)
class WithMargin:
    """Prompt, prediction and a margin, at most the maximum."""

    margin: int

    def tokens(self, sequence: Sequence) -> int:
        """Slots to hold."""
        assert sequence.predicted is not None
        wanted = sequence.request.prompt_tokens + sequence.predicted + self.margin
        return max(min(wanted, sequence.max_tokens), sequence.min_reservation_tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class Careful:
    """S³ that reserves a margin above the prediction."""

    max_num_seqs: int | None = None
    margin: int = 8

    def kv(self, capacity: int) -> KVCacheManager:
        """One address space."""
        return ContiguousKV(capacity)

    def scheduler(self, *, name: str, capacity: int, max_length: int) -> Scheduler:
        """S³'s decisions with another reservation."""
        s3 = S3(max_num_seqs=self.max_num_seqs).scheduler(name=name, capacity=capacity, max_length=max_length)
        return replace(s3, reservation=WithMargin(self.margin))


TWIN = System(Twin, needs="predictor", summary="S³ under another name")
CAREFUL = System(Careful, needs="predictor", summary="the prediction and a margin")
