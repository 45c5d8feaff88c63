"""Prompts computed in chunks: every system keeps its laws when its prefills are cut to a token budget."""

from dataclasses import dataclass, replace

import pytest

from s3sim.core.events import EventLog, canonical
from s3sim.core.kv_cache import KVCacheManager
from s3sim.core.protocols import Planner
from s3sim.core.replica import Scheduler
from s3sim.policies.registry import Choices
from tests.support.ledger import audit
from tests.support.session import hold
from tests.support.traits import ITERATION, block_tokens, scheduler
from tests.support.worlds import World
from tests.twin.replay import Replay

BUDGET = 7  # prompt tokens in a step


@dataclass(frozen=True, slots=True)
class InChunks:
    """Iteration-level scheduling whose steps compute no more than BUDGET prompt tokens."""

    def compose(self, step: Planner) -> None:
        """Decodes go on beside the chunks."""
        step.settle_overruns()
        step.admit()
        step.prefill(budget=BUDGET)
        step.decode()


@dataclass(frozen=True, slots=True)
class Chunked:
    """A system's choices, but for the way it fills a step."""

    inner: Choices

    def kv(self, capacity: int) -> KVCacheManager:
        """The same account."""
        return self.inner.kv(capacity)

    def scheduler(self, *, name: str, capacity: int, max_length: int) -> Scheduler:
        """The same decisions in chunks."""
        whole = self.inner.scheduler(name=name, capacity=capacity, max_length=max_length)
        return replace(whole, batching=InChunks())


def in_chunks(world: World) -> EventLog:
    """The twins agree, stretches change nothing, and the second bookkeeping comes out even."""
    chunked = world.but(choices=Chunked(world.choices))
    log, single = chunked.run(), chunked.run(single_steps=True)
    assert max(row[6] for row in log.step_rows()) <= BUDGET
    assert canonical(log) == canonical(single) == canonical(Replay(chunked).run().log)
    audit(chunked, single, block=block_tokens(world), capacity=world.choices.kv(world.capacity).capacity)
    return log


@pytest.mark.parametrize("name", [name for name in ITERATION if scheduler(name).selection is None])
def test_chunked_prefills_keep_the_laws(name: str) -> None:
    """A prompt in chunks emits its first token with the last one, and nothing is lost on the way (laws 1, 2, 8, 9)."""
    hold(in_chunks, name, number=60)
