"""Small worlds: a few rows of a trace, a small device and one system, run in simulated time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import simpy

from s3sim.core.events import EventLog
from s3sim.core.kv_cache import KVCacheManager
from s3sim.core.protocols import LatencyModel
from s3sim.core.replica import Replica, Scheduler
from s3sim.policies.registry import SYSTEMS, Choices
from s3sim.sim.driver import serve
from s3sim.sim.executor import SimulatedExecutor
from s3sim.sim.inbox import Inbox, ready_times
from s3sim.sim.link import HostLink, LinkSpeed
from s3sim.sim.pipeline import Pipeline
from s3sim.sim.world import Device, run_world
from tests.support.latency import LinearLatency
from tests.support.watchdog import time_limit

__all__ = ["SLOW_LINK", "Row", "World", "small_choices", "world"]

STEPS_OF_10 = LinearLatency()
SLOW_LINK = LinkSpeed(to_host_ps_per_token=2, to_device_ps_per_token=3, latency_ps=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of a trace with its prediction; times in ps, lengths in tokens."""

    arrival: int = 0
    prompt: int
    output: int
    max_new: int
    predicted: int | None = None
    excluded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that one run depends on. The id of row i is 3·i + 1, so that neither rank nor lane can pass for it."""

    name: str
    choices: Choices
    rows: tuple[Row, ...]
    capacity: int  # slots of all lanes together
    max_length: int
    latency: LatencyModel = STEPS_OF_10
    host_tokens: int = 1 << 30
    link: LinkSpeed = SLOW_LINK
    predictor_ps: int = 0
    servers: int | None = None
    lanes: int = 1

    @property
    def ids(self) -> list[int]:
        """Request ids, in the order of the rows."""
        return [3 * index + 1 for index in range(len(self.rows))]

    @property
    def by_id(self) -> dict[int, Row]:
        """The rows by request id."""
        return dict(zip(self.ids, self.rows, strict=True))

    @property
    def outputs(self) -> dict[int, int]:
        """True output tokens by request id."""
        return {ident: row.output for ident, row in self.by_id.items()}

    @property
    def ready(self) -> list[int]:
        """When each row's prediction is ready, in ps; the arrival where nobody predicts."""
        arrival = _column([row.arrival for row in self.rows])
        delay = self.predictor_ps if self.predicts else 0
        return [int(at) for at in ready_times(arrival, seconds_ps=delay, concurrency=self.servers)]

    @property
    def predicts(self) -> bool:
        """Whether the rows come with predictions."""
        return any(row.predicted is not None for row in self.rows)

    def scheduler(self) -> Scheduler:
        """A new scheduler for this device: each lane has its share of slots and of max_num_seqs."""
        capacity = self.capacity // self.lanes
        made = self.choices.scheduler(name=self.name, capacity=capacity, max_length=self.max_length)
        return made if made.max_num_seqs is None else replace(made, max_num_seqs=-(-made.max_num_seqs // self.lanes))

    def kv(self) -> KVCacheManager:
        """A new account of one lane's slots."""
        return self.choices.kv(self.capacity // self.lanes)

    def replica(self, log: EventLog, *, kind: type[Replica] = Replica) -> Replica:
        """A new replica that writes to `log`."""
        first, *further = [self.kv() for _ in range(self.lanes)]
        return kind(
            self.scheduler(),
            first,
            further_lanes=further,
            log=log,
            host_tokens=self.host_tokens,
            latency=self.latency,
        )

    def inbox(self) -> Inbox:
        """The rows on their way to a replica."""
        rows = self.rows
        return Inbox(
            ids=_column(self.ids),
            arrival=_column([row.arrival for row in rows]),
            prompt_tokens=_column([row.prompt for row in rows]),
            max_new_tokens=_column([row.max_new for row in rows]),
            ready=_column(self.ready),
            predicted=_column([row.predicted or 0 for row in rows]) if self.predicts else None,
            excluded=np.array([row.excluded for row in rows], dtype=np.bool_),
        )

    def run(self, *, single_steps: bool = False) -> EventLog:
        """The log of a run by the simulator's own entry."""
        device = Device(
            model=self.latency,
            capacity=self.capacity,
            host_tokens=self.host_tokens,
            link=self.link,
            max_length=self.max_length,
            stages=self.lanes,
        )
        with time_limit(self):
            return run_world(
                name=self.name,
                choices=self.choices,
                device=device,
                inbox=self.inbox(),
                output_tokens=self.outputs,
                single_steps=single_steps,
            )

    def run_as(self, kind: type[Replica], *, single_steps: bool = False) -> Replica:
        """Serve with another kind of replica, such as one that audits itself; returns it with its log."""
        replica = self.replica(EventLog(), kind=kind)
        env = simpy.Environment(initial_time=0)
        executor = SimulatedExecutor(self.latency, self.outputs, lanes=self.lanes)
        inbox, link = self.inbox(), HostLink(env, self.link)
        with time_limit(self):
            if self.lanes > 1:
                Pipeline(env, replica, executor, inbox, link).run()
            else:
                env.run(env.process(serve(env, replica, executor, inbox, link, single_steps=single_steps)))
        return replica

    def but(self, **changes: object) -> "World":
        """The same world with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]


def small_choices(name: str) -> Choices:
    """The system's default choices, on a device whose allocator is as small as its memory."""
    kind: Any = SYSTEMS[name].choices
    made: Choices = kind(**({"granule_slots": 4} if "granule_slots" in kind.__dataclass_fields__ else {}))
    return made


def world(name: str, rows: Sequence[Row], **fields: object) -> World:
    """A world for the system of that name, with its default choices unless `choices` is given."""
    fields.setdefault("choices", small_choices(name))
    fields.setdefault("max_length", max(row.prompt + row.max_new for row in rows))
    return World(name=name, rows=tuple(rows), **fields)  # type: ignore[arg-type]


def _column(values: list[int]) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.array(values, dtype=np.int64)
