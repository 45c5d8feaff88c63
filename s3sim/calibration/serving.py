"""In-flight batching at an infinite request rate, simulated: the highest throughput of a server."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from s3sim.calibration.cases import Case
from s3sim.calibration.predict import Constants, kv_capacity, roofline
from s3sim.core.events import EventLog
from s3sim.core.kv_cache import CountedKV, KVCacheManager
from s3sim.core.replica import Scheduler
from s3sim.core.request import Sequence
from s3sim.policies.admission import FirstCome
from s3sim.policies.batching import Chunked
from s3sim.policies.supervisor import NoOverrun
from s3sim.sim.inbox import Inbox
from s3sim.sim.link import LinkSpeed
from s3sim.sim.world import Device, run_world

__all__ = ["MAX_NUM_TOKENS", "InFlight", "simulated_throughput_per_gpu"]

BLOCK_TOKENS: Final = 64  # slots of a block of TensorRT-LLM's paged KV cache
MAX_NUM_TOKENS: Final = 8192  # most tokens in one step, prompts and decodes together
ROUNDS: Final = 4  # requests are this many times what fits, so that filling and draining count little
_PICOSECONDS = 10**12  # per second


@dataclass(frozen=True, slots=True)
class WholeBlocks:
    """Prompt plus every token that the client allows, in whole blocks."""

    block_tokens: int

    def tokens(self, sequence: Sequence) -> int:
        """Slots that can never be exceeded."""
        return -(-sequence.max_tokens // self.block_tokens) * self.block_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class InFlight:
    """TensorRT-LLM's in-flight batching without eviction: first come first served, the maximum reserved in blocks.

    Prompts share steps with decodes, up to `token_budget` tokens a step. All blocks are taken at admission,
    and need not be neighbours, so that it is enough to count them.
    """

    token_budget: int
    max_num_seqs: int
    block_tokens: int = BLOCK_TOKENS

    def kv(self, capacity: int) -> KVCacheManager:
        """Slots that are counted."""
        return CountedKV(capacity)

    def scheduler(self, *, name: str, capacity: int, max_length: int) -> Scheduler:
        """Reserve the maximum, so that nothing ever overruns."""
        return Scheduler(
            name=name,
            reservation=WholeBlocks(self.block_tokens),
            admission=FirstCome(),
            batching=Chunked(token_budget=self.token_budget),
            supervisor=NoOverrun(),
            max_num_seqs=self.max_num_seqs,
        )


def simulated_throughput_per_gpu(case: Case, constants: Constants) -> float:
    """Output tokens per second and device when requests of one length never run out.

    All wait at time 0, and the log is read to its end. Raises InputError where the model does not fit.
    """
    length = case.prompt + case.output
    capacity = kv_capacity(case)
    budget = max(MAX_NUM_TOKENS, length)
    at_once = min(budget, case.row.batch or budget)  # a row may state the engine's largest batch
    requests = ROUNDS * max(1, min(at_once, capacity // length))
    log = run_world(
        name="in-flight",
        choices=InFlight(token_budget=budget, max_num_seqs=at_once),
        device=_device(case, constants, capacity),
        inbox=_inbox(case, requests),
        output_tokens=dict.fromkeys(range(requests), case.output),
    )
    return requests * case.output / (_end(log) / _PICOSECONDS) / case.parallel.devices


def _device(case: Case, constants: Constants, capacity: int) -> Device:
    return Device(
        model=roofline(case, constants),
        capacity=capacity,
        host_tokens=0,
        link=LinkSpeed(to_host_ps_per_token=1, to_device_ps_per_token=1, latency_ps=0),  # nothing is ever swapped
        max_length=case.prompt + case.output,
    )


def _inbox(case: Case, requests: int) -> Inbox:
    def column(value: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.full(requests, value, dtype=np.int64)

    return Inbox(
        ids=np.arange(requests, dtype=np.int64),
        arrival=column(0),
        prompt_tokens=column(case.prompt),
        max_new_tokens=column(case.output),
    )


def _end(log: EventLog) -> int:
    """Time of the last event, in ps: the last token's."""
    return max(row[0] for row in log.event_rows())
