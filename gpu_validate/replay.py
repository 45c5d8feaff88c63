"""The replay: the driver that owns time on a real device, one step after another.

At one instant, in this order: moves completed, requests arrived, predictions ready, commit, plan; what
came from outside is looked at once per step, at its end. The clock moves on by what each step took, and
jumps over time in which nothing runs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic

from gpu_validate.clock import Clock, Tick
from gpu_validate.executor import Step, TorchExecutor
from gpu_validate.memory import Memory
from gpu_validate.mover import Copied, Mover, NoMover
from gpu_validate.tables import StepRecord
from s3sim.core.batch import Batch, Outcome
from s3sim.core.errors import InvariantError, SystemFaultError
from s3sim.core.events import EventLog
from s3sim.core.replica import Replica
from s3sim.sim.inbox import Incoming

__all__ = ["Replay", "Replayed"]


@dataclass(slots=True)
class Replayed:
    """What came of a replay: the event log, what was measured of each step, when each move ended, the tokens."""

    log: EventLog
    steps: list[StepRecord] = field(default_factory=list)
    moves: list[int | None] = field(default_factory=list)  # ps, in the order in which they were sent
    tokens: Mapping[int, list[int]] = field(default_factory=dict)  # output by request id
    copies: list[Copied] = field(default_factory=list)  # over the host link, as they were noticed to be over


@dataclass(slots=True, kw_only=True)
class Replay:
    """One run of one replica on a device; `deadline` is of time.monotonic."""

    replica: Replica
    executor: TorchExecutor
    memory: Memory
    mover: Mover | NoMover
    inbox: Incoming
    clock: Clock
    strict: bool = False
    deadline: float | None = None
    on_step: Callable[[Replica, int], None] | None = None  # told the replica and the time after each commit

    def run(self) -> Replayed:
        """Serve until every request has come and gone.

        Raises InvariantError if work waits for nothing, SystemFaultError where the deadline has passed.
        """
        replica, now, records = self.replica, 0, list[StepRecord]()
        self._deliver(now)
        while True:
            batch = replica.plan(now)
            self.inbox.observe(replica.log)
            for move in replica.take_moves():
                self.mover.send(move, now)
            if batch is None:
                wake = self._next_event()
                if wake is None:
                    break
                now = wake
                self._deliver(now)
                continue
            records.append(self._step(batch, now))
            now += records[-1].duration_ps
            if self.on_step:
                self.on_step(replica, now)
            self._demand_time(now)
        if not replica.idle:
            raise InvariantError(f"{len(replica.waiting)} sequences wait, and nothing runs, moves or is due to arrive")
        tokens = {ident: row.output for ident, row in self.executor.rows.items()}
        return Replayed(replica.log, records, list(self.mover.ends), tokens, list(self.mover.copies))

    def _step(self, batch: Batch, now: int) -> StepRecord:
        """Run one step from plan to commit."""
        step = self.executor.start(batch)
        tick = self.clock.step(batch, step.elapsed)
        end = now + tick.duration
        self._deliver(end)
        self.replica.commit(batch, Outcome(1, tick.duration, 0, self.executor.finish(step)), end)
        return self._record(now, step, tick)

    def _record(self, now: int, step: Step, tick: Tick) -> StepRecord:
        return StepRecord(
            start_ps=now,
            duration_ps=tick.duration,
            device_s=step.elapsed.device_s,
            cpu_s=step.elapsed.cpu_s,
            wall_s=step.elapsed.wall_s,
            relocating_s=step.relocating.device_s,
            canary_s=tick.canary_s,
            slowdown=tick.slowdown,
            kv_bytes=self.memory.kv_bytes,
            host_tokens=self.mover.host_tokens,
            read_slots=step.read_slots,
            written_slots=self.memory.written() if self.strict else None,
        )

    def _deliver(self, now: int) -> None:
        """Hand over, in order of time, what came from outside; at one instant moves come first."""
        for at, sequence in self.mover.arrived(now):
            self.inbox.deliver(self.replica, at - 1)
            self.replica.moved(sequence, at)
        self.inbox.deliver(self.replica, now)

    def _next_event(self) -> int | None:
        times = (self.inbox.next_time(), self.mover.next_end())
        return min((time for time in times if time is not None), default=None)

    def _demand_time(self, now: int) -> None:
        if self.deadline is not None and monotonic() > self.deadline:
            raise SystemFaultError(
                f"not finished within the time allowed: the replay's clock stands at {now / 1e12:.3f} s;"
                " raise --timeout, or replay fewer requests"
            )
