"""The second driver: a plain loop over an integer clock, without SimPy, one step at a time.

Lanes share the stages of a pipeline. Each stage is first come first served, so nobody overtakes anybody: a step
leaves a stage `duration` after it came or after the step before it left, whichever was later.

It shares the replica with the simulator and nothing else: arrivals, moves, durations and finishes
are worked out here, and a strict device checks what it is told to do.
"""

from typing import NamedTuple

from s3sim.core.batch import Batch, Outcome
from s3sim.core.errors import InvariantError
from s3sim.core.events import EVENT_COLUMNS, STEP_COLUMNS, Event, EventLog, Preemption, Reason
from s3sim.core.replica import Move
from s3sim.core.request import Prediction, Request
from tests.support.strict_device import StrictDevice
from tests.support.watchdog import time_limit
from tests.support.worlds import World

__all__ = ["Replay"]

KV_HELD, KV_USED = STEP_COLUMNS.index("kv_held"), STEP_COLUMNS.index("kv_used")


class Link:
    """Moves by the time at which they end: each waits for the one before it that goes the same way."""

    def __init__(self, world: World) -> None:
        self._speed = world.link
        self._last = {True: 0, False: 0}
        self._sent = 0
        self.under_way: list[tuple[int, int, Move]] = []  # end, rank, move

    def send(self, move: Move, now: int) -> None:
        """Begin now, or when the link is free."""
        speed, way = self._speed, move.to_host
        rate = speed.to_host_ps_per_token if way else speed.to_device_ps_per_token
        self._last[way] = end = max(self._last[way], now) + speed.latency_ps + rate * move.tokens
        self.under_way.append((end, self._sent, move))
        self._sent += 1


class Running(NamedTuple):
    """A lane's step under way."""

    start: int
    batch: Batch
    held: int  # slots held and written when it began, by the device's own count
    used: int


class Replay:
    """One run of a world; `log` holds what happened and `device.seen` which rare events did."""

    def __init__(self, world: World) -> None:
        self.log = EventLog()
        self.device = StrictDevice(world)
        self._world = world
        self._replica = world.replica(self.log)
        self._link = Link(world)
        self._due = list(zip(world.ready, world.ids, world.rows, strict=True))
        self._read = 0  # cells of the log's events that were looked at
        self._free_at = [0] * world.lanes  # when each stage has served all that came
        self._running: dict[int, Running] = {}  # steps by the time at which they end, of which no two are the same
        self._idle: dict[int, int | None] = {}  # lanes, and what each waits for besides another's commit

    def run(self) -> "Replay":
        """Serve until nothing is left to do."""
        with time_limit(self._world):
            self._serve()
        if not self._replica.idle:
            raise InvariantError("work is left that nothing will ever move")
        return self

    def _serve(self) -> None:
        for lane in range(self._world.lanes):
            self._poll(0)
            self._begin(0, lane)
        while times := [*self._running, *(at for at in self._idle.values() if at is not None)]:
            now = min(times)
            self._poll(now)
            turns = set(self._idle) if now in self._running else set()
            if now in self._running:
                self._begin(now, self._commit(now))
            while turns := turns | {lane for lane, at in self._idle.items() if at == now}:
                turns.remove(lane := min(turns))
                self._poll(now)  # a move that an earlier turn ordered may have taken no time
                self._begin(now, lane)

    def _begin(self, now: int, lane: int) -> None:
        self._idle.pop(lane, None)
        batch = self._plan(now, lane)
        if batch is None:
            self._idle[lane] = min(self._coming(), default=None)
            return
        held, at = self.device.held + self._not_begun(), now
        duration = -(-self._world.latency.affine(batch).first // self._world.lanes)
        for stage, free in enumerate(self._free_at):
            self._free_at[stage] = at = max(at, free) + duration
        self._running[at] = Running(now, batch, held, self.device.used)

    def _commit(self, now: int) -> int:
        start, batch, held, used = self._running.pop(now)
        self._replica.commit(batch, Outcome(1, now - start, 0, self.device.end(batch.lane)), now)
        row = self.log.steps[-len(STEP_COLUMNS) :]
        assert (held, used) == (row[KV_HELD], row[KV_USED]), "the device holds and has written what the row says"
        return batch.lane

    def _plan(self, now: int, lane: int) -> Batch | None:
        batch = self._replica.plan(now, lane)
        self._tell_the_device()
        moves = self._replica.take_moves()
        self.device.begin(batch, moves, lane=lane)
        for move in moves:
            self._link.send(move, now)
        return batch

    def _not_begun(self) -> int:
        admitted = [sequence for lane in self._replica.lanes for sequence in lane.prefilling]
        return sum(sequence.reservation for sequence in admitted if not self.device.knows(sequence))

    def _coming(self) -> list[int]:
        return [due[0] for due in self._due[:1]] + [end for end, _, _ in self._link.under_way]

    def _poll(self, now: int) -> None:
        """Hand over, in order of time and at one instant moves first, what has come by now."""
        moves = sorted(move for move in self._link.under_way if move[0] <= now)
        self._link.under_way = [move for move in self._link.under_way if move[0] > now]
        while moves or (self._due and self._due[0][0] <= now):
            if moves and not (self._due and self._due[0][0] < moves[0][0]):
                end, _, move = moves.pop(0)
                self.device.arrive(move)
                self._replica.moved(move.sequence, end)
            else:
                self._submit()

    def _submit(self) -> None:
        ready, ident, row = self._due.pop(0)
        request = Request(ident, row.arrival, row.prompt, row.max_new)
        if row.excluded:
            self._replica.reject(request, Reason.OVER_LENGTH)
        elif row.predicted is None:
            self._replica.submit(request)
        else:
            self._replica.submit(request, Prediction(row.predicted), ready=ready)

    def _tell_the_device(self) -> None:
        cells, width = self.log.events, len(EVENT_COLUMNS)
        for start in range(self._read, len(cells), width):
            _, event, ident, tokens, detail, _ = cells[start : start + width]
            if event == Event.PREEMPTED and detail == Preemption.RESTART:
                self.device.lost(ident)
                self.device.seen["RESTARTED"] += 1
            elif event == Event.REJECTED and detail == Reason.OUT_OF_MEMORY:
                self.device.lost(ident)
            elif event == Event.GROWN:
                self.device.grown(ident, tokens)
            elif event == Event.PREEMPTED and detail != Preemption.SWAP:
                self.device.dropped(ident)
        self._read = len(cells)
