"""The driver: the SimPy process that owns time, and serves one replica step by step.

At one instant, in this order: moves completed, requests arrived, predictions ready, commit, plan.
Everything from outside is looked at once per step, at its end, as an engine's own loop does. A user who
waits for an answer gets it at its commit, so what is asked at once in return is seen at the next boundary.
"""

from collections.abc import Generator
from typing import Any

import simpy
from simpy.events import EventPriority

from s3sim.core.errors import InvariantError
from s3sim.core.replica import Replica
from s3sim.sim.device_predictor import DevicePredictor
from s3sim.sim.executor import Run, SimulatedExecutor
from s3sim.sim.inbox import Incoming
from s3sim.sim.link import HostLink

__all__ = ["boundary", "deliver", "next_event", "serve"]

STEP_BOUNDARY = EventPriority(2)  # after 1 (NORMAL): all else of the same instant has happened before


def boundary(env: simpy.Environment, delay: int) -> simpy.Event:
    """An event after `delay` ps that is processed last in its instant, whatever was scheduled when."""
    event = simpy.Event(env)
    event._ok, event._value = True, None
    env.schedule(event, priority=STEP_BOUNDARY, delay=delay)
    return event


def serve(
    env: simpy.Environment,
    replica: Replica,
    executor: SimulatedExecutor,
    inbox: Incoming,
    link: HostLink,
    *,
    single_steps: bool = False,
) -> Generator[simpy.Event, Any, None]:
    """Serve until every request has come and gone; raises InvariantError if work waits for nothing.

    With `single_steps` every stretch is cut after one step: the same schedule, more slowly. An inbox that
    predicts on the device has it at every step boundary for as long as it needs, before the next step.
    """
    now = 0
    deliver(replica, inbox, link, now)
    predictor = inbox if isinstance(inbox, DevicePredictor) else None
    while True:
        busy = 0 if predictor is None else predictor.work(replica, now)
        if busy:
            yield boundary(env, busy)
            now += busy
            deliver(replica, inbox, link, now)
            continue
        batch = replica.plan(now)
        inbox.observe(replica.log)
        for move in replica.take_moves():
            link.send(move)
        if batch is None:
            wake = next_event(inbox, link)
            if wake is None:
                break
            yield boundary(env, wake - now)
            now = wake
            deliver(replica, inbox, link, now)
            continue
        run = executor.start(batch)
        steps = 1 if single_steps else _cut(run, replica, inbox, link, now)
        elapsed = run.affine.elapsed(steps)
        yield boundary(env, elapsed)
        now += elapsed
        deliver(replica, inbox, link, now)
        replica.commit(batch, executor.finish(run, steps), now)
    if not replica.idle:
        raise InvariantError(f"{len(replica.waiting)} sequences wait, and nothing runs, moves or is due to arrive")


def deliver(replica: Replica, inbox: Incoming, link: HostLink, now: int) -> None:
    """Hand over what came from outside: moves completed, then requests that became visible."""
    if link.arrived:
        for at, sequence in link.arrived:
            inbox.deliver(replica, at - 1)  # in order of time, however many steps went by since the last look
            replica.moved(sequence, at)
        link.arrived.clear()
    inbox.deliver(replica, now)


def next_event(inbox: Incoming, link: HostLink) -> int | None:
    """When the next request or move comes; None if nothing is on its way."""
    times = [time for time in (inbox.next_time(), link.next_end()) if time is not None]
    return min(times, default=None)


def _cut(run: Run, replica: Replica, inbox: Incoming, link: HostLink, now: int) -> int:
    """Steps until the run ends, or until the first step boundary at or after an event that matters."""
    if run.steps == 1:
        return 1
    event = link.next_end()
    arrival = inbox.next_time()
    if (
        arrival is not None
        and (event is None or arrival < event)
        and (replica.arrival_matters() or isinstance(inbox, DevicePredictor))
    ):
        event = arrival
    return run.steps if event is None else min(run.steps, run.affine.boundary(event - now))
