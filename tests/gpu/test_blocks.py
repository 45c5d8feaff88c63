"""Swaps of blocks: a paged system's KV goes to the host and comes back into other blocks."""

import numpy as np

from gpu_validate.clock import Foretold
from gpu_validate.world import Settings, World, replay_world
from s3sim.core.events import Event
from s3sim.policies.registry import VLLM
from s3sim.sim.inbox import Inbox
from tests.gpu.cases import Linear, rare
from tests.gpu.models import SEED, greedy, model_of


def test_swapped_blocks_come_back_whole() -> None:
    """vllm that swaps: three requests that outgrow the blocks say what they would have said alone."""
    ids, prompts = np.array([1, 4, 7]), np.array([5, 9, 5])
    world = World(
        name="vllm",
        choices=VLLM(on_shortage="swap", block_tokens=4),
        capacity=44,
        host_tokens=1 << 20,
        max_length=40,
        inbox=lambda: Inbox(ids=ids, arrival=ids * 0, prompt_tokens=prompts, max_new_tokens=prompts * 0 + 24),
        outputs={1: 11, 4: 12, 7: 14},
    )
    clock = Foretold(model=Linear(base=10, row=1, token=1, slot=0), to_host_ps_per_token=1, to_device_ps_per_token=1)
    for mode in ("packed", "padded"):
        replayed = replay_world(world, model_of("gptj"), Settings(clock=clock, seed=SEED, strict=True, mode=mode))
        assert rare(replayed.log)["SWAPPED_IN"] > 0
        assert sum(row[1] == Event.FINISHED for row in replayed.log.event_rows()) == 3
        for ident, tokens in zip(ids.tolist(), prompts.tolist(), strict=True):
            assert tuple(replayed.tokens[ident]) == greedy("gptj", ident, tokens)[: world.outputs[ident]]
