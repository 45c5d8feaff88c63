"""Small worlds under starvation of KV slots, for the reports to be checked on."""

from functools import cache

import numpy as np
import pandas as pd

from s3sim.core.batch import Affine, Batch
from s3sim.core.events import Event, EventLog, canonical
from s3sim.policies.registry import SYSTEMS
from s3sim.report.facts import RunFacts, ServiceLevel
from s3sim.report.tables import event_frame, step_frame
from s3sim.sim.inbox import Inbox, ready_times
from s3sim.sim.link import LinkSpeed
from s3sim.sim.world import Device, run_world

__all__ = ["CAPACITY", "FACTS", "NAMES", "brute_gaps", "frames", "log_of"]

NAMES = tuple(SYSTEMS)
MAX_LENGTH = 96
REQUESTS = 120
CAPACITY = 400  # slots: for about four sequences of the maximum length
MILLISECOND = 10**9  # ps
FACTS = RunFacts(
    kv_capacity_tokens=CAPACITY,
    kv_bytes_per_token=1000,
    parameters=10**9,
    peak_flops=1e14,
    slo=ServiceLevel(ttft_ms=400.0, tpot_ms=12.0),
)


class Linear:
    """9 ms a step, and a little for every row, prompt token, slot read and slot moved."""

    def affine(self, batch: Batch) -> Affine:
        """The duration grows with the context that is read."""
        per_row, per_token, per_slot = 300_000_007, 70_000_003, 1_000_033
        first = 9 * MILLISECOND + per_row * batch.decode_sequences + per_token * batch.prefill_tokens
        first += per_slot * (batch.decode_context + batch.relocated_tokens)
        return Affine(first, per_slot * batch.decode_sequences, 1 << 40)


@cache
def log_of(name: str, *, rate: float | None = None, single_steps: bool = False) -> EventLog:
    """The log of one system: all at once, or at `rate` requests per second with late predictions."""
    random = np.random.default_rng(7)
    prompt = random.integers(1, 32, REQUESTS)
    output = np.clip(random.geometric(1 / 24, REQUESTS), 1, MAX_LENGTH - prompt)
    prompt[17] = CAPACITY  # never fits
    gaps = np.zeros(REQUESTS) if rate is None else random.exponential(1e12 / rate, REQUESTS)
    arrival = np.cumsum(gaps).astype(np.int64)
    needs = SYSTEMS[name].needs
    noisy = np.maximum(1, output * np.exp(0.5 * random.standard_normal(REQUESTS))).astype(np.int64)
    inbox = Inbox(
        ids=np.arange(REQUESTS)[::-1] + 1000,
        arrival=arrival,
        prompt_tokens=prompt,
        max_new_tokens=np.maximum(1, MAX_LENGTH - prompt),
        ready=arrival if rate is None else ready_times(arrival, seconds_ps=3 * MILLISECOND, concurrency=1),
        predicted=None if needs == "nothing" else noisy,
        excluded=np.arange(REQUESTS) == 5,
    )
    link = LinkSpeed(to_host_ps_per_token=90_000_011, to_device_ps_per_token=110_000_017)
    device = Device(model=Linear(), capacity=CAPACITY, host_tokens=150, link=link, max_length=MAX_LENGTH)
    return run_world(
        name=name,
        choices=SYSTEMS[name].choices(),
        device=device,
        inbox=inbox,
        output_tokens=dict(zip((np.arange(REQUESTS)[::-1] + 1000).tolist(), output.tolist(), strict=True)),
        single_steps=single_steps,
    )


def frames(name: str, *, rate: float | None = None, single_steps: bool = False) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The events and the steps of that log."""
    log = log_of(name, rate=rate, single_steps=single_steps)
    return event_frame(log), step_frame(log)


def brute_gaps(log: EventLog) -> list[int]:
    """All gaps between consecutive tokens, sorted: every token of every request, one step after the other."""
    decoding: dict[int, int] = {}  # since when
    last: dict[int, int] = {}
    gaps: list[int] = []

    def emit(ident: int, time: int) -> None:
        if ident in last:
            gaps.append(time - last[ident])
        last[ident] = time

    for time, kind, start_or_id, *rest in canonical(log):
        if kind == -1:
            rows = rest[3]
            here = [ident for ident, since in decoding.items() if since <= start_or_id] if rows else []
            assert len(here) == rows
            for ident in here:
                emit(ident, time)
        elif kind in (Event.PREFILLED, Event.SWAPPED_IN):
            decoding[start_or_id] = time
            if kind == Event.PREFILLED:
                emit(start_or_id, time)
        elif kind in (Event.FINISHED, Event.PREEMPTED):
            del decoding[start_or_id]
    return sorted(gaps)
