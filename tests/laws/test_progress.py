"""Laws 6 and 7: no device stands idle while somebody could run, and everything ends."""

from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil, log2

import pytest
import simpy

from s3sim.core.errors import InvariantError
from s3sim.core.events import Event, EventLog, Preemption, Reason
from s3sim.core.protocols import View
from s3sim.core.replica import Replica
from s3sim.core.request import Sequence
from s3sim.policies.queues import FirstComeQueue
from s3sim.policies.registry import VLLM
from s3sim.policies.supervisor import Doubling
from s3sim.sim.driver import serve
from s3sim.sim.executor import SimulatedExecutor
from s3sim.sim.link import HostLink
from tests.support.audited import AuditedReplica
from tests.support.latency import LinearLatency
from tests.support.session import hold
from tests.support.traits import NAMES
from tests.support.worlds import SLOW_LINK, Row, World, world


def work_conserving(one: World) -> EventLog:
    """Idle means that nobody waits, or that the only ones who could run are on the link or yet to come."""
    log = one.run_as(AuditedReplica).log
    steps = list(log.step_rows())
    idle = sorted((row[0], row[3], row[5]) for row in log.event_rows() if row[1] == Event.IDLE)
    assert idle[-1][1] == 0, "slots are held at the end"
    for time, held, lane in idle:
        came = [row.arrival for row in one.rows if row.arrival <= time]
        moving = any(row[1] in (Event.SWAPPED_OUT, Event.SWAPPED_IN) and row[0] >= time for row in log.event_rows())
        assert came or held == 0
        others = any(row[0] <= time < row[0] + row[1] and row[4] != lane for row in steps)
        assert moving or others or held == 0, f"{held} slots held at {time} by nobody that runs or moves"
    assert all(row[5] or row[7] for row in steps), "a step that computes nothing"
    return log


def every_step_counts(one: World) -> EventLog:
    """A step emits a token or computes a part of a prompt, so there is an end to them."""
    log = one.run()
    outputs = sum(row.output for row in one.rows)
    chunks = sum(row[5] for row in log.step_rows())
    emitted = sum(row[3] * row[7] for row in log.step_rows())
    prefilled = sum(row[1] == Event.PREFILLED for row in log.event_rows())
    finished = sum(row[3] for row in log.event_rows() if row[1] == Event.FINISHED)
    prompts = {ident: row.prompt for ident, row in one.by_id.items()}
    restarts = [row for row in log.event_rows() if row[1] == Event.PREEMPTED and row[4] == Preemption.RESTART]
    lost = sum(cached - prompts[ident] + 1 for _, _, ident, cached, _, _ in restarts)  # n tokens fill n-1 slots
    failed = any(row[1] == Event.REJECTED and row[4] == Reason.OUT_OF_MEMORY for row in log.event_rows())
    assert finished <= outputs
    assert emitted + prefilled >= finished + lost
    assert failed or emitted + prefilled == finished + lost
    assert sum(row[3] for row in log.step_rows()) <= emitted + chunks
    return log


def doubled_seldom(one: World) -> EventLog:
    """Each overrun doubles what is reserved, or its output part, adds a bucket, or goes to the most it can need."""
    log = one.run()
    supervisor, kv = one.scheduler().supervisor, one.kv()
    if not isinstance(supervisor, Doubling):
        return log
    overruns: defaultdict[int, int] = defaultdict(int)
    reserved: defaultdict[int, list[int]] = defaultdict(list)
    for _, event, ident, tokens, detail, _ in log.event_rows():
        overruns[ident] += event in (Event.PREEMPTED, Event.GROWN)
        reserved[ident] += [tokens] if event == Event.ADMITTED else [detail] if event == Event.GROWN else []
    for ident, row in one.by_id.items():
        part = row.prompt if supervisor.doubled == "output" else 0
        series, cap = [tokens - part for tokens in reserved[ident]], row.prompt + row.max_new - part
        for sooner, later in pairwise(series):
            exact = _next(supervisor, sooner, cap)
            assert later in (exact, kv.demand(part + exact) - part), "as asked, or rounded up to a size class"
        assert len(series) == (overruns[ident] + 1 if series else 0)
        assert not series or overruns[ident] <= max(0, _most(supervisor, series[0], cap))
    return log


def _next(supervisor: Doubling, reserved: int, cap: int) -> int:
    """What an overrun asks for, of the quantity that is doubled."""
    asked = {"double": 2 * reserved, "maximum": cap, "bucket": reserved + supervisor.bucket_tokens}
    return min(asked[supervisor.returns_with], cap)


def _most(supervisor: Doubling, first: int, cap: int) -> int:
    """Overruns until the most is reserved."""
    most = {"double": ceil(log2(cap / first)), "maximum": 1, "bucket": ceil((cap - first) / supervisor.bucket_tokens)}
    return most[supervisor.returns_with]


@dataclass(frozen=True, slots=True)
class Nobody:
    """An admission that lets nobody in."""

    def queue(self) -> FirstComeQueue:
        """An ordinary queue."""
        return FirstComeQueue()

    def next(self, view: View, waiting: FirstComeQueue) -> Sequence | None:
        """Never."""
        return None

    def arrival_matters(self, view: View, waiting: FirstComeQueue) -> bool:
        """Never."""
        return False


@pytest.mark.parametrize("name", NAMES)
def test_nobody_waits_for_an_idle_device(name: str) -> None:
    """A device is idle only if nobody waits or something moves: whoever waits would fit alone (law 6)."""
    hold(work_conserving, name, instant=True, lanes=True)


@pytest.mark.parametrize("name", NAMES)
def test_every_step_makes_progress(name: str) -> None:
    """Tokens are emitted once each, and no step passes without a token or a part of a prompt (law 7)."""
    hold(every_step_counts, name, lanes=True)


@pytest.mark.parametrize("name", NAMES)
def test_overruns_of_a_sequence_are_few(name: str) -> None:
    """Doubling preempts a sequence at most ceil(log2(cap / first)) times, of the quantity doubled (law 7)."""
    hold(doubled_seldom, name, lanes=True)


def test_the_bound_on_overruns_is_reached() -> None:
    """From 3 slots to 24 there are three doublings and three overruns: the bound is tight (law 7)."""
    row = Row(prompt=2, output=22, max_new=22, predicted=1)
    log = world("s3", [row], capacity=24).run()
    assert [event[3] for event in log.event_rows() if event[1] == Event.ADMITTED] == [3, 6, 12, 24]


def test_whoever_is_swapped_out_can_return() -> None:
    """A swapped sequence with as many blocks as it may ever need asks for no further one to go on with (law 7)."""
    rows = [Row(prompt=2, output=4, max_new=4), Row(prompt=15, output=5, max_new=5)]
    choices = VLLM(block_tokens=4, watermark=0.17, on_shortage="swap")
    log = world("vllm", rows, capacity=24, choices=choices).run()
    moved = [row[1:4] for row in log.event_rows() if row[1] in (Event.SWAPPED_OUT, Event.SWAPPED_IN)]
    assert moved == [(Event.SWAPPED_OUT, 4, 17), (Event.SWAPPED_IN, 4, 17)]


def test_work_that_waits_for_nothing_raises() -> None:
    """Where somebody waits and nothing runs, moves or is due to arrive, the driver raises (law 7)."""
    one = world("orca", [Row(prompt=1, output=1, max_new=1)], capacity=16)
    scheduler = replace(one.scheduler(), admission=Nobody())
    replica = Replica(scheduler, one.choices.kv(16), log=EventLog(), host_tokens=0)
    env = simpy.Environment(initial_time=0)
    executor, link = SimulatedExecutor(LinearLatency(), one.outputs), HostLink(env, SLOW_LINK)
    with pytest.raises(InvariantError, match="1 sequences wait"):
        env.run(env.process(serve(env, replica, executor, one.inbox(), link)))
