"""The simulation of a world in plain Python: the log that s3sim's simulator writes, where simpy is absent.

One step at a time, by the replay's own rules; `tests/gpu` holds it against the simulator for every system.
"""

from dataclasses import dataclass

from gpu_validate.world import World
from s3sim.core.errors import InvariantError
from s3sim.core.events import EventLog
from s3sim.core.protocols import LatencyModel
from s3sim.core.replica import Move, Replica
from s3sim.core.request import Sequence
from s3sim.sim.executor import SimulatedExecutor
from s3sim.sim.inbox import Incoming

__all__ = ["LinkPrice", "foretell"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkPrice:
    """Picoseconds that a move over the host link takes: a fixed part, and a part per token in each direction."""

    to_host_ps_per_token: int
    to_device_ps_per_token: int
    latency_ps: int = 0


class _Link:
    """A queue per direction; ends are known when moves enter."""

    def __init__(self, price: LinkPrice) -> None:
        self._price = price
        self._free_at = {True: 0, False: 0}
        self._moving: list[tuple[int, int, Sequence]] = []
        self._sent = 0

    def send(self, move: Move, now: int) -> None:
        price, way = self._price, move.to_host
        per_token = price.to_host_ps_per_token if way else price.to_device_ps_per_token
        end = max(now, self._free_at[way]) + price.latency_ps + move.tokens * per_token
        self._free_at[way] = end
        self._moving.append((end, self._sent, move.sequence))
        self._sent += 1

    def next_end(self) -> int | None:
        return min((end for end, _, _ in self._moving), default=None)

    def arrived(self, now: int) -> list[tuple[int, Sequence]]:
        over = sorted(entry for entry in self._moving if entry[0] <= now)
        self._moving = [entry for entry in self._moving if entry[0] > now]
        return [(end, sequence) for end, _, sequence in over]


def foretell(world: World, latency: LatencyModel, price: LinkPrice) -> EventLog:
    """Serve every request of the world in simulated time; raises InvariantError if work waits for nothing."""
    replica = world.replica(world.kv())
    log = replica.log
    executor, inbox, link, now = SimulatedExecutor(latency, world.outputs), world.inbox(), _Link(price), 0
    _deliver(replica, inbox, link, now)
    while True:
        batch = replica.plan(now)
        inbox.observe(log)
        for move in replica.take_moves():
            link.send(move, now)
        if batch is None:
            times = [time for time in (inbox.next_time(), link.next_end()) if time is not None]
            if not times:
                break
            now = min(times)
            _deliver(replica, inbox, link, now)
            continue
        run = executor.start(batch)
        now += run.affine.first
        _deliver(replica, inbox, link, now)
        replica.commit(batch, executor.finish(run, 1), now)
    if not replica.idle:
        raise InvariantError(f"{len(replica.waiting)} sequences wait, and nothing runs, moves or is due to arrive")
    return log


def _deliver(replica: Replica, inbox: Incoming, link: _Link, now: int) -> None:
    for at, sequence in link.arrived(now):
        inbox.deliver(replica, at - 1)
        replica.moved(sequence, at)
    inbox.deliver(replica, now)
