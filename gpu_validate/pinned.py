"""The simulator, pinned to a replay: given the durations and moves that were measured, it must decide the same.

Needs simpy; a replay itself does not.
"""

from collections import deque
from collections.abc import Iterable
from typing import cast

import simpy

from gpu_validate.replay import Replayed
from gpu_validate.world import World
from s3sim.core.batch import Affine, Batch
from s3sim.core.errors import InvariantError
from s3sim.core.events import EventLog
from s3sim.core.replica import Move
from s3sim.core.request import Sequence
from s3sim.sim.driver import serve
from s3sim.sim.executor import SimulatedExecutor
from s3sim.sim.link import HostLink

__all__ = ["RecordedDurations", "RecordedLink", "simulate_pinned"]


class RecordedDurations:
    """A LatencyModel that answers the measured duration of each step in turn, whatever is asked."""

    def __init__(self, durations: Iterable[int]) -> None:
        self._durations = iter(durations)

    def affine(self, batch: Batch) -> Affine:
        """One step; raises InvariantError where more steps are simulated than were measured."""
        duration = next(self._durations, None)
        if duration is None:
            raise InvariantError(f"the simulator takes a step that was never run: {batch}")
        return Affine(duration, 0, 1)


class RecordedLink:
    """A HostLink on which each move ends when it was measured to end."""

    def __init__(self, env: simpy.Environment, ends: Iterable[int | None]) -> None:
        self._env = env
        self._recorded = iter(ends)
        self._ends: deque[int] = deque()
        self.arrived: list[tuple[int, Sequence]] = []

    def send(self, move: Move) -> None:
        """Let it arrive at its time; raises InvariantError where nothing was measured."""
        end = next(self._recorded, None)
        if end is None:
            raise InvariantError(f"the simulator makes a move that was never made: {move}")
        self._ends.append(end)
        timeout = self._env.timeout(end - int(self._env.now))
        timeout.callbacks.append(lambda _: self._arrive(end, move))

    def next_end(self) -> int | None:
        """When the next move will be complete; None if nothing moves."""
        return min(self._ends, default=None)

    def _arrive(self, end: int, move: Move) -> None:
        self._ends.remove(end)
        self.arrived.append((end, move.sequence))


def simulate_pinned(world: World, replayed: Replayed) -> EventLog:
    """The log that the simulator writes of the same world under the replay's durations and moves."""
    replica = world.replica(world.kv())
    env = simpy.Environment(initial_time=0)
    durations = RecordedDurations(record.duration_ps for record in replayed.steps)
    link = cast("HostLink", RecordedLink(env, replayed.moves))  # the same surface
    executor = SimulatedExecutor(durations, world.outputs)
    env.run(env.process(serve(env, replica, executor, world.inbox(), link, single_steps=True)))
    return replica.log
