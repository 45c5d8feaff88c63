"""The replica: a state machine that decides and accounts, and never waits.

A driver owns time and calls `submit`, `plan`, `commit` and `moved`; an executor owns the world.
Everything that changes a sequence's state is in this file and in `planner.py`.
"""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from s3sim.core.batch import Batch, Outcome
from s3sim.core.errors import InvariantError
from s3sim.core.events import Event, EventLog, Preemption, Reason
from s3sim.core.growth import Grown
from s3sim.core.kv_cache import KVCacheManager
from s3sim.core.lane import Lane
from s3sim.core.planner import StepPlanner
from s3sim.core.protocols import (
    Admission,
    Batching,
    Displacement,
    Horizon,
    LatencyModel,
    Preempt,
    Reservation,
    Selection,
    Supervisor,
)
from s3sim.core.request import Prediction, Request, Sequence, State

__all__ = ["Move", "Replica", "Scheduler", "StaticBatch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticBatch:
    """How a request-level system runs a batch: nobody joins or leaves, rows are padded, memory returns at its end."""

    delivery: Literal["token", "batch_end"]  # when a client gets its tokens
    reads_reserved: bool = False  # attention reads the whole reservation, not only what is written
    grows_by_copy: bool = False  # each step copies the KV to tensors that are one slot longer


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduler:
    """A named bundle of four small decisions, and the way it keeps its KV."""

    name: str
    reservation: Reservation
    admission: Admission[Any]
    batching: Batching
    supervisor: Supervisor
    max_num_seqs: int | None = None  # most sequences admitted to a lane; None: memory decides
    compact_on_release: bool = False  # slide extents together whenever some were returned
    static: StaticBatch | None = None  # None: rows leave as soon as they are finished
    selection: Selection | None = None  # None: whoever holds KV runs
    displacement: Displacement[Any] | None = None  # None: nobody who runs gives way to one that waits
    horizon: Horizon[Any] | None = None  # None: decisions change with events alone


class Move(NamedTuple):
    """An order to move a sequence's KV over the host link; the driver reports `moved` when it is done."""

    sequence: Sequence
    to_host: bool
    tokens: int


class Replica:
    """One model on one device or one parallel group: queue, lanes and KV account."""

    def __init__(
        self,
        scheduler: Scheduler,
        kv: KVCacheManager,
        *,
        log: EventLog,
        host_tokens: int,
        further_lanes: Iterable[KVCacheManager] = (),
        latency: LatencyModel | None = None,
    ) -> None:
        self.latency = latency  # for policies that ask how long a step would take
        self.scheduler = scheduler
        self.kv = kv  # of the first lane; the others' are alike
        self.log = log
        self.host_free = host_tokens
        self.swapped = 0  # sequences whose KV is on the host, or on its way there or back
        self.waiting = scheduler.admission.queue()
        self.lanes = [Lane(index, account) for index, account in enumerate((kv, *further_lanes))]
        self.steps = 0  # run so far, on all lanes
        self.finished = array("q")  # output tokens of those that ended, for policies that learn from them
        self.moving: dict[Sequence, Lane] = {}  # KV on the host link, and the lane it left or will join
        self._planners = [StepPlanner(self, lane) for lane in self.lanes]
        self._orders: list[Move] = []
        self._submitted = 0

    # ------------------------------------------------------------------ what the driver calls

    def submit(self, request: Request, prediction: Prediction | None = None, *, ready: int | None = None) -> None:
        """Take a request into care; `ready` is when its prediction was, if it has one."""
        sequence = Sequence(request, prediction, self._submitted)
        self._submitted += 1
        ident, log = request.id, self.log.event
        log(request.arrival, Event.ARRIVED, ident, request.prompt_tokens, request.max_new_tokens)
        at = request.arrival if ready is None else ready
        if prediction is not None:
            log(at, Event.PREDICTED, ident, *prediction)
        most = max(sequence.max_tokens, self.scheduler.reservation.tokens(sequence))
        if self.kv.demand(most) > self.kv.capacity:
            sequence.state = State.REJECTED
            log(at, Event.REJECTED, ident, request.prompt_tokens, Reason.NEVER_FITS)
        else:
            self.enqueue(sequence)

    def reject(self, request: Request, reason: Reason) -> None:
        """Turn away a request that the workload's own rules exclude."""
        self.log.event(request.arrival, Event.ARRIVED, request.id, request.prompt_tokens, request.max_new_tokens)
        self.log.event(request.arrival, Event.REJECTED, request.id, request.prompt_tokens, reason)

    def plan(self, now: int, lane: int = 0) -> Batch | None:
        """Decide the lane's next batch; None where there is nothing to compute."""
        return self._planners[lane].plan(now)

    def commit(self, batch: Batch, outcome: Outcome, now: int) -> None:
        """Account for a batch that has run and ended at `now`."""
        lane = self.lanes[batch.lane]
        grown = lane.advance(outcome.steps) if batch.decode_sequences else Grown()
        self._planners[batch.lane].log_step(batch, outcome, now, grown)
        if batch.chunks:
            lane.count_prefill()
        for chunk in batch.chunks:
            self._prefilled(lane, chunk.sequence, chunk.tokens, last=chunk.last, now=now)
        for sequence in outcome.finished:
            self._finish(lane, sequence, now)
        self.steps += outcome.steps
        if outcome.finished:
            self.finished.extend(sorted(sequence.generated for sequence in outcome.finished))
        if lane.ended and not (lane.decoding or lane.prefilling):
            self._end_batch(lane, now)

    def take_moves(self) -> list[Move]:
        """Moves ordered since the last call, for the driver to put on the link at once."""
        orders, self._orders = self._orders, []
        return orders

    def moved(self, sequence: Sequence, now: int) -> None:
        """Account for a move that completed at `now`."""
        lane = self.moving.pop(sequence)
        if sequence.state is State.SWAPPING_OUT:
            self.log.event(now, Event.SWAPPED_OUT, sequence.request.id, sequence.cached, 0, lane.index)
            lane.kv.release(sequence)
            sequence.state = State.SWAPPED
            self.enqueue(sequence)
        else:
            self.log.event(now, Event.SWAPPED_IN, sequence.request.id, sequence.cached, 0, lane.index)
            self.host_free += sequence.cached
            self.swapped -= 1
            lane.arrived.append(sequence)  # the batch now running is not its own: it joins at the next plan

    def arrival_matters(self, lane: int = 0) -> bool:
        """Whether a request that arrived now could change the lane's plan."""
        limit, here = self.scheduler.max_num_seqs, self.lanes[lane]
        full = limit is not None and here.admitted >= limit and self.scheduler.displacement is None
        if full or (self.scheduler.static and here.decoding):
            return False
        return self.scheduler.admission.arrival_matters(self._planners[lane], self.waiting)

    @property
    def idle(self) -> bool:
        """Whether no sequence waits, runs or moves."""
        return not (len(self.waiting) or self.moving or any(lane.occupied for lane in self.lanes))

    @property
    def held(self) -> int:
        """Slots held on the device."""
        return sum([lane.kv.capacity - lane.kv.free for lane in self.lanes])

    @property
    def used(self) -> int:
        """Slots written on the device."""
        written = 0
        for lane in self.lanes:
            written += lane.context
            for sequence in (*lane.prefilling, *lane.arrived):
                written += sequence.cached
            for sequence in (*lane.stalled, *lane.paused):
                written += sequence.cached
        for sequence in self.moving:
            if sequence.state is State.SWAPPING_OUT:
                written += sequence.cached
        return written

    def check_integrity(self) -> None:
        """Audit the KV account, the lanes' totals and max_num_seqs; raises InvariantError with the numbers."""
        for lane in self.lanes:
            lane.check_integrity()
            moving = [sequence for sequence, other in self.moving.items() if other is lane]
            sitting = [*lane.stalled, *lane.paused]
            holders = [*moving, *lane.prefilling, *lane.decoding, *sitting, *lane.arrived, *lane.ended]
            limit = self.scheduler.max_num_seqs
            if limit is not None and lane.admitted > limit:
                raise InvariantError(f"{lane.admitted} sequences admitted, max_num_seqs is {limit}")
            lane.kv.check_integrity(holders)
            for sequence in holders:
                if sequence.cached > lane.kv.held_by(sequence):
                    raise InvariantError(f"{sequence} wrote beyond its {lane.kv.held_by(sequence)} slots")

    # ------------------------------------------------------------------ what the planner calls

    def enqueue(self, sequence: Sequence, *, front: bool = False) -> None:
        """Put a sequence into the queue with the slots that it will ask for."""
        sequence.demand = self.kv.demand(self.scheduler.reservation.tokens(sequence))
        if front:
            self.waiting.push_front(sequence)
        else:
            self.waiting.push(sequence)

    def order(self, sequence: Sequence, lane: Lane, *, to_host: bool) -> None:
        """Order a move of the sequence's KV."""
        sequence.state = State.SWAPPING_OUT if to_host else State.SWAPPING_IN
        self.moving[sequence] = lane
        self._orders.append(Move(sequence, to_host, sequence.cached))

    def preempt(self, lane: Lane, answer: Preempt, now: int) -> None:
        """Take the victims off the device, by swap where the host has room and by recompute elsewhere."""
        for sequence in answer.victims:
            whole = sequence.state is not State.PREFILLING  # what a prompt has so far is not worth a swap
            swap = answer.swap and whole and sequence.cached <= self.host_free
            how = Preemption.SWAP if swap else Preemption.HOST_FULL if answer.swap and whole else Preemption.RECOMPUTE
            self.log.event(now, Event.PREEMPTED, sequence.request.id, sequence.cached, how, lane.index)
            sequence.preemptions += 1
            sequence.min_reservation_tokens = max(sequence.min_reservation_tokens, answer.min_reservation_tokens)
            sequence.reservation = lane.kv.held_by(sequence)
            if not swap:
                lane.kv.release(sequence)
            self._take_off(sequence, lane)
            if swap:
                self.host_free -= sequence.cached
                self.swapped += 1
                self.order(sequence, lane, to_host=True)
            else:
                sequence.forget()
                sequence.state = State.WAITING
                self.enqueue(sequence, front=True)

    def abandon(self, lane: Lane, now: int, *, rerun: bool) -> None:
        """Lose a static batch that ran out of memory: what was not delivered starts again, or fails."""
        static = self.scheduler.static
        lost, delivered = list(lane.decoding), lane.ended
        if static is not None and static.delivery == "batch_end":
            lost, delivered = [*lost, *lane.ended], []
        for sequence in [*lost, *delivered]:
            lane.kv.release(sequence)
            if sequence.state is State.DECODING:
                lane.leave(sequence)
                lane.withdraw(sequence)
        lane.ended = []
        for sequence in sorted(lost, key=lambda row: row.order, reverse=True):
            self._lose(sequence, lane, now, rerun=rerun)

    # ------------------------------------------------------------------ within

    def _take_off(self, sequence: Sequence, lane: Lane) -> None:
        """Let a preempted sequence take part in no step from here on."""
        if sequence.state is State.PREFILLING:
            lane.prefilling.remove(sequence)
        elif sequence.state is State.PAUSED:
            del lane.paused[sequence]
        else:
            lane.leave(sequence)
            lane.withdraw(sequence)

    def _lose(self, sequence: Sequence, lane: Lane, now: int, *, rerun: bool) -> None:
        ident = sequence.request.id
        if not rerun:
            sequence.state = State.REJECTED
            self.log.event(now, Event.REJECTED, ident, sequence.request.prompt_tokens, Reason.OUT_OF_MEMORY)
            return
        self.log.event(now, Event.PREEMPTED, ident, sequence.cached, Preemption.RESTART, lane.index)
        sequence.preemptions += 1
        sequence.restart()
        sequence.state = State.WAITING
        self.enqueue(sequence, front=True)

    def _prefilled(self, lane: Lane, sequence: Sequence, tokens: int, *, last: bool, now: int) -> None:
        sequence.prefilled(tokens)
        if not last:
            return
        sequence.emit()
        lane.prefilling.remove(sequence)
        self.log.event(now, Event.PREFILLED, sequence.request.id, sequence.generated, sequence.cached, lane.index)
        lane.join(sequence)

    def _finish(self, lane: Lane, sequence: Sequence, now: int) -> None:
        static = self.scheduler.static
        if static is None:
            lane.kv.release(sequence)
        else:
            lane.ended.append(sequence)
        lane.ends += 1
        lane.leave(sequence)
        if sequence in lane.joined:
            lane.joined.remove(sequence)
        sequence.state = State.FINISHED
        if static is None or static.delivery == "token":
            self._deliver(lane, sequence, now)

    def _end_batch(self, lane: Lane, now: int) -> None:
        """Return the slots of a static batch, whose rows are all finished."""
        for sequence in lane.ended:
            lane.kv.release(sequence)
            if self.scheduler.static is not None and self.scheduler.static.delivery == "batch_end":
                self._deliver(lane, sequence, now)
        lane.ended = []

    def _deliver(self, lane: Lane, sequence: Sequence, now: int) -> None:
        self.log.event(now, Event.FINISHED, sequence.request.id, sequence.generated, sequence.preemptions, lane.index)
