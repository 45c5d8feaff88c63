"""Pipeline parallelism: one process per lane, whose micro-batches pass the stages one after another."""

from collections.abc import Generator
from typing import Any

import simpy
from simpy.events import EventPriority

from s3sim.core.errors import InvariantError
from s3sim.core.replica import Replica
from s3sim.sim.driver import boundary, deliver, next_event
from s3sim.sim.executor import Run, SimulatedExecutor
from s3sim.sim.inbox import Incoming
from s3sim.sim.link import HostLink

__all__ = ["Pipeline"]

IDLE_LANE = 3  # the first idle lane's priority: after 2, the step boundaries of the same instant


class Pipeline:
    """A replica over several stages: as many disjoint micro-batches in flight as there are stages.

    A stage serves one micro-batch at a time, first come first served. Lanes wait for each other there, so
    every step is run alone: there are no stretches. The lane that committed plans at once; then, at the same
    instant, those that stood idle plan in order of their numbers.
    """

    def __init__(
        self, env: simpy.Environment, replica: Replica, executor: SimulatedExecutor, inbox: Incoming, link: HostLink
    ) -> None:
        self._env = env
        self._replica = replica
        self._executor = executor
        self._inbox = inbox
        self._link = link
        self._stages = [simpy.Resource(env) for _ in replica.lanes]
        self._news = env.event()  # happens whenever a lane has committed

    def run(self) -> None:
        """Serve until every request has come and gone; raises InvariantError if work waits for nothing."""
        lanes = [self._env.process(self._serve(lane.index)) for lane in self._replica.lanes]
        self._env.run(self._env.all_of(lanes))
        if not self._replica.idle:
            raise InvariantError(f"{len(self._replica.waiting)} sequences wait, and nothing runs or is due to arrive")

    def _serve(self, lane: int) -> Generator[simpy.Event, Any, None]:
        env, replica = self._env, self._replica
        deliver(replica, self._inbox, self._link, int(env.now))
        while True:
            batch = replica.plan(int(env.now), lane)
            self._inbox.observe(replica.log)
            for move in replica.take_moves():
                self._link.send(move)
            if batch is None:
                event = next_event(self._inbox, self._link)
                if event is None and not any(other.occupied for other in replica.lanes):
                    break
                yield from self._wait(event, lane)
                continue
            start = int(env.now)
            run = self._executor.start(batch)
            yield from self._pass(run)
            deliver(replica, self._inbox, self._link, int(env.now))
            outcome = self._executor.finish(run, 1)._replace(first=int(env.now) - start, increment=0)
            replica.commit(batch, outcome, int(env.now))
            self._tell()

    def _pass(self, run: Run) -> Generator[simpy.Event, Any, None]:
        duration = -(-run.affine.first // len(self._stages))
        for stage in self._stages:
            with stage.request() as turn:
                yield turn
                yield boundary(self._env, duration)

    def _wait(self, event: int | None, lane: int) -> Generator[simpy.Event, Any, None]:
        """Until another lane has committed, or the next thing comes from outside; then for the lane's turn."""
        now = int(self._env.now)
        outside = [] if event is None else [boundary(self._env, event - now)]
        yield self._env.any_of([self._news, *outside])
        turn = simpy.Event(self._env)
        turn._ok, turn._value = True, None
        self._env.schedule(turn, priority=EventPriority(IDLE_LANE + lane))
        yield turn
        deliver(self._replica, self._inbox, self._link, int(self._env.now))

    def _tell(self) -> None:
        news, self._news = self._news, self._env.event()
        news.succeed()
