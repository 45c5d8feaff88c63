"""The host link: moves of KV between device and host, one after another in each direction."""

from collections import deque
from dataclasses import dataclass

import simpy

from s3sim.core.replica import Move
from s3sim.core.request import Sequence

__all__ = ["HostLink", "LinkSpeed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSpeed:
    """Picoseconds that a move takes: a fixed part and a part per token, per direction."""

    to_host_ps_per_token: int
    to_device_ps_per_token: int
    latency_ps: int = 0


class HostLink:
    """A full-duplex link with a queue per direction.

    A move's end is known when it enters the queue, so a move costs one SimPy event, which puts the
    sequence among `arrived` for the driver to collect at its next step boundary.
    """

    def __init__(self, env: simpy.Environment, speed: LinkSpeed) -> None:
        self._env = env
        self._speed = speed
        self._ends: dict[bool, deque[int]] = {True: deque(), False: deque()}  # by to_host; ascending
        self._free_at = {True: 0, False: 0}
        self.arrived: list[tuple[int, Sequence]] = []

    def send(self, move: Move) -> None:
        """Queue a move behind those that go the same way."""
        speed, way = self._speed, move.to_host
        per_token = speed.to_host_ps_per_token if way else speed.to_device_ps_per_token
        now = int(self._env.now)
        begin = max(now, self._free_at[way])
        end = begin + speed.latency_ps + move.tokens * per_token
        self._free_at[way] = end
        self._ends[way].append(end)
        timeout = self._env.timeout(end - now)
        timeout.callbacks.append(lambda _: self._arrive(end, move))

    def next_end(self) -> int | None:
        """When the next move will be complete; None if nothing moves."""
        heads = [ends[0] for ends in self._ends.values() if ends]
        return min(heads, default=None)

    def _arrive(self, end: int, move: Move) -> None:
        self._ends[move.to_host].popleft()
        self.arrived.append((end, move.sequence))
