"""Small worlds under starvation of KV slots, for the reports to be checked on."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
import pandas as pd

from s3sim.core.batch import Affine, Batch
from s3sim.core.events import EventLog
from s3sim.core.kv_cache import ContiguousKV
from s3sim.core.planner import StepPlanner
from s3sim.core.replica import Replica
from s3sim.policies.registry import SYSTEMS
from s3sim.report.facts import RunFacts, ServiceLevel
from s3sim.report.tables import event_frame, step_frame
from s3sim.sim.inbox import Inbox, ready_times
from s3sim.sim.link import LinkSpeed
from s3sim.sim.world import Device, run_world

__all__ = [
    "CAPACITY",
    "CONTIGUOUS",
    "FACTS",
    "LANES",
    "NAMES",
    "REQUESTS",
    "RESTARTING",
    "WORLDS",
    "Plan",
    "Run",
    "World",
    "facts_of",
    "frames",
    "log_of",
    "run_of",
]

MAX_LENGTH = 96
REQUESTS = 120
CAPACITY = 400  # slots a lane: for about four sequences of the maximum length
MILLISECOND = 10**9  # ps


@dataclass(frozen=True, slots=True)
class World:
    """A system, its choices where they are not the defaults, and how many lanes it has."""

    system: str
    choices: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    lanes: int = 1


def _world(system: str, lanes: int = 1, **choices: Any) -> World:
    return World(system, MappingProxyType(choices), lanes)


_SMALL = {"batch_size": 8, "granule_slots": 4, "tensors": 8}  # of huggingface, whose rows outgrow CAPACITY
_CHOICES: dict[str, dict[str, Any]] = {
    "huggingface": _SMALL,
    "sarathi": {"token_budget": 24},
    "s3": {"placement": "slide_all"},
}
WORLDS: dict[str, World] = {name: _world(name, **_CHOICES.get(name, {})) for name in SYSTEMS} | {
    "s3_recompute": _world("s3", on_overrun="recompute"),
    "s3_in_place": _world("s3", growth="in_place"),
    "s3_in_place_lanes": _world("s3", 3, growth="in_place", placement="slide_on_release"),
    "s3_on_release": _world("s3", placement="slide_on_release"),
    "vllm_swap": _world("vllm", on_shortage="swap", block_tokens=4),
    "vllm_swap_lanes": _world("vllm", 3, on_shortage="swap", block_tokens=4),
    "fastertransformer_token": _world("fastertransformer", delivery="token"),
    "huggingface_token": _world("huggingface", delivery="token", **_SMALL),
    "huggingface_fail": _world("huggingface", delivery="token", on_oom="fail", **_SMALL),
    "huggingface_static_cache": _world("huggingface", cache="static", batch_size=3, delivery="token"),
    **{f"{name}_lanes": _world(name, 3, **_CHOICES.get(name, {})) for name in SYSTEMS if "oracle" not in name},
    "huggingface_token_lanes": _world("huggingface", 2, delivery="token", **_SMALL),
}
NAMES = tuple(WORLDS)
LANES = tuple(name for name in NAMES if WORLDS[name].lanes > 1)
RESTARTING = ("huggingface", "huggingface_token", "huggingface_lanes", "huggingface_token_lanes")
CONTIGUOUS = tuple(
    name
    for name in NAMES
    if isinstance(SYSTEMS[WORLDS[name].system].choices(**WORLDS[name].choices).kv(CAPACITY), ContiguousKV)
)
FACTS = RunFacts(
    kv_capacity_tokens=CAPACITY,
    kv_bytes_per_token=1000,
    parameters=10**9,
    peak_flops=1e14,
    slo=ServiceLevel(ttft_ms=400.0, tpot_ms=12.0),
    streamed_weight_bytes=10**9,
    peak_bandwidth=1e12,
    attention_flops_per_pair=10**5,
)


def facts_of(name: str) -> RunFacts:
    """The facts of one world."""
    world = WORLDS[name]
    choices = SYSTEMS[world.system].choices(**world.choices)
    static = choices.scheduler(name=name, capacity=CAPACITY, max_length=MAX_LENGTH).static
    return replace(
        FACTS,
        kv_capacity_tokens=CAPACITY * world.lanes,
        delivery="token" if static is None else static.delivery,
        contiguous=name in CONTIGUOUS,
        reads_reserved=static is not None and static.reads_reserved,
    )


class Linear:
    """9 ms a step, and a little for every row, prompt token, slot read and slot moved."""

    def affine(self, batch: Batch) -> Affine:
        """The duration grows with the context that is read."""
        per_row, per_token, per_slot = 300_000_007, 70_000_003, 1_000_033
        first = 9 * MILLISECOND + per_row * batch.rows + per_token * (batch.prefill_tokens + batch.padding_tokens)
        first += per_slot * (batch.decode_context + batch.padding_slots + batch.relocated_tokens + batch.copied_slots)
        growth = batch.decode_sequences + batch.padding_slots_per_step + (batch.rows if batch.copied_slots else 0)
        return Affine(first, per_slot * growth, 1 << 40)


class Plan(NamedTuple):
    """What the replica itself held after one plan."""

    time: int
    held: int
    used: int
    extents: dict[tuple[int, int], tuple[int, int]]  # (lane, id) -> address and slots, where KV is contiguous
    free: list[tuple[int, int]]  # slots free, and those of the largest hole, by lane


class Run(NamedTuple):
    """The log of one world, every batch that was planned, and every plan in the order they were made."""

    log: EventLog
    batches: list[Batch]
    plans: list[Plan]


def _seen(now: int, replica: Replica) -> Plan:
    extents, free = {}, []
    for lane in replica.lanes:
        if isinstance(lane.kv, ContiguousKV):
            free.append((lane.kv.free, max([length for _, length in lane.kv._holes], default=0)))
            for sequence in lane.kv._holders:
                extents[lane.index, sequence.request.id] = (sequence.address, sequence.reservation)
    return Plan(now, replica.held, replica.used, extents, free)


@cache
def run_of(name: str, *, rate: float | None = None, single_steps: bool = False) -> Run:
    """The run of one world: all requests at once, or `rate` of them a second and late predictions.

    The predictors of S³ are all noisy, so that sequences overrun.
    """
    plans: list[Plan] = []
    batches: list[Batch] = []
    plan = StepPlanner.plan

    def watched(planner: StepPlanner, now: int) -> Batch | None:
        batch = plan(planner, now)
        plans.append(_seen(now, planner._replica))
        if batch is not None:
            batches.append(batch)
        return batch

    random, world = np.random.default_rng(7), WORLDS[name]
    prompt = random.integers(1, 32, REQUESTS)
    output = np.clip(random.geometric(1 / 24, REQUESTS), 1, MAX_LENGTH - prompt)
    prompt[17] = CAPACITY  # never fits
    gaps = np.zeros(REQUESTS) if rate is None else random.exponential(1e12 / rate, REQUESTS)
    arrival = np.cumsum(gaps).astype(np.int64)
    noisy = np.maximum(1, output * np.exp(0.5 * random.standard_normal(REQUESTS))).astype(np.int64)
    foreseen = {"nothing": None, "predictor": noisy, "oracle_bucket": noisy, "oracle_exact": noisy}
    ids = np.arange(REQUESTS)[::-1] + 1000
    inbox = Inbox(
        ids=ids,
        arrival=arrival,
        prompt_tokens=prompt,
        max_new_tokens=np.maximum(1, MAX_LENGTH - prompt),
        ready=arrival if rate is None else ready_times(arrival, seconds_ps=3 * MILLISECOND, concurrency=1),
        predicted=output if world.system == "orca_pow2" else foreseen[SYSTEMS[world.system].needs],
        excluded=np.arange(REQUESTS) == 5,
    )
    link = LinkSpeed(to_host_ps_per_token=90_000_011, to_device_ps_per_token=110_000_017)
    device = Device(
        model=Linear(),
        capacity=CAPACITY * world.lanes,
        host_tokens=150,
        link=link,
        max_length=MAX_LENGTH,
        stages=world.lanes,
    )
    with patch.object(StepPlanner, "plan", watched):
        log = run_world(
            name=name,
            choices=SYSTEMS[world.system].choices(**world.choices),
            device=device,
            inbox=inbox,
            output_tokens=dict(zip(ids.tolist(), output.tolist(), strict=True)),
            single_steps=single_steps and world.lanes == 1,
        )
    return Run(log, batches, plans)


def log_of(name: str, *, rate: float | None = None, single_steps: bool = False) -> EventLog:
    """The log of that run; lanes run single steps in any case."""
    return run_of(name, rate=rate, single_steps=single_steps).log


def frames(name: str, *, rate: float | None = None, single_steps: bool = False) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The events and the steps of that log."""
    log = log_of(name, rate=rate, single_steps=single_steps)
    return event_frame(log), step_frame(log)
