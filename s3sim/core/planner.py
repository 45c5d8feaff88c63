"""The planner of one lane's steps: the verbs of a batching policy, and the view of every policy."""

from collections.abc import Iterable
from collections.abc import Sequence as Row
from itertools import chain
from typing import TYPE_CHECKING, Any

from s3sim.core.batch import Batch, Chunk, Outcome, Relocation
from s3sim.core.errors import InvariantError
from s3sim.core.events import Event, Stall
from s3sim.core.growth import UNLIMITED_STEPS, Grown
from s3sim.core.lane import Lane
from s3sim.core.protocols import Abandon, Grow, Pause, Wait
from s3sim.core.request import Sequence, State

if TYPE_CHECKING:
    from s3sim.core.replica import Replica, StaticBatch

__all__ = ["StepPlanner"]


class StepPlanner:
    """Plans one lane's steps: emptied at the start of a plan, filled by the batching policy's verbs."""

    def __init__(self, replica: "Replica", lane: Lane) -> None:
        self._replica = replica
        self._lane = lane
        self._kv = lane.kv
        self.now = 0
        self._chunks: list[Chunk] = []
        self._relocations: list[Relocation] = []
        self._decodes = False
        self._changed = False  # this plan preempted, paused or resumed somebody
        self._held = 0
        self._used = 0

    # ------------------------------------------------------------------ what policies see

    @property
    def free(self) -> int:
        """Slots that no sequence holds on the device."""
        return self._kv.free

    @property
    def longest(self) -> int:
        """Slots of the longest reservation that could be held now: fewer than `free` where holes are not joined."""
        return self._kv.longest

    @property
    def capacity(self) -> int:
        """Slots that the device has for KV."""
        return self._kv.capacity

    @property
    def host_free(self) -> int:
        """Slots' worth of host memory that no swapped sequence holds."""
        return self._replica.host_free

    @property
    def admitted(self) -> int:
        """Sequences admitted to this lane."""
        return self._lane.admitted

    def room_behind(self, sequence: Sequence) -> int:
        """Slots by which the reservation of a sequence of this lane could grow where it is."""
        return self._kv.room_behind(sequence)

    @property
    def swapped(self) -> int:
        """Sequences of the replica whose KV is on the host, or on its way there or back."""
        return self._replica.swapped

    @property
    def moving(self) -> bool:
        """Whether the host link is at work on slots of this lane."""
        return any(lane is self._lane for lane in self._replica.moving.values())

    @property
    def occupied(self) -> int:
        """Rows of this lane, finished ones that a static batch still holds included."""
        return self._lane.admitted + len(self._lane.ended)

    @property
    def decodes(self) -> int:
        """Sequences that decode on this lane."""
        return len(self._lane.decoding)

    @property
    def prefill_backlog(self) -> int:
        """Prompt tokens of admitted sequences that are still to be computed."""
        return sum(sequence.prefill_tokens - sequence.cached for sequence in self._lane.prefilling)

    @property
    def max_num_seqs(self) -> int | None:
        """Most sequences that may run on this lane at once; None: memory decides."""
        return self._replica.scheduler.max_num_seqs

    @property
    def full(self) -> bool:
        """Whether this lane has max_num_seqs sequences."""
        limit = self._replica.scheduler.max_num_seqs
        return limit is not None and self._lane.admitted >= limit

    @property
    def steps(self) -> int:
        """Steps that the replica has run so far."""
        return self._replica.steps

    @property
    def finished(self) -> Row[int]:
        """Output tokens of every sequence that has finished, in the order of their ends."""
        return self._replica.finished

    @property
    def waiting(self) -> Any:
        """The queue that the admission policy made."""
        return self._replica.waiting

    def decode_time(self, *, more_rows: int, more_slots: int) -> int:
        """Picoseconds that the latency model foretells for a decode step with so much more in it."""
        lane, latency = self._lane, self._replica.latency
        if latency is None:
            raise InvariantError("this replica was given no latency model, and a policy asks for one")
        slots = lane.context + sum(sequence.prefill_tokens for sequence in lane.prefilling) + more_slots
        slots += sum(sequence.cached for sequence in lane.stalled)
        return latency.affine(Batch(lane.index, [], [], [], [], lane.admitted + more_rows, slots)).first

    def running(self) -> Iterable[Sequence]:
        """Sequences that prefill or decode on this lane."""
        return chain(self._lane.prefilling, self._lane.decoding)

    def head(self) -> Sequence | None:
        """The sequence that the admission policy would admit now."""
        replica = self._replica
        return replica.scheduler.admission.next(self, replica.waiting) if len(replica.waiting) else None

    def decoding(self) -> Iterable[Sequence]:
        """Sequences that decode on this lane, in the order they joined."""
        return self._lane.decoding

    def paused(self) -> Iterable[Sequence]:
        """Sequences of this lane that sit steps out because they were outranked, their KV in place."""
        return self._lane.paused

    def held_by(self, sequence: Sequence) -> int:
        """Slots that a sequence of this lane holds."""
        return self._kv.held_by(sequence)

    @property
    def leaving(self) -> int:
        """Slots of this lane that will be free once the moves to the host that are under way have ended."""
        moving = self._replica.moving.items()
        out = [s for s, lane in moving if lane is self._lane and s.state is State.SWAPPING_OUT]
        return sum(self._kv.held_by(sequence) for sequence in out)

    @property
    def batch_ended(self) -> bool:
        """Whether nobody runs, or somebody has finished on this lane since `select` was last called."""
        return not self._lane.admitted or self._lane.ends != self._lane.selected

    @property
    def decodes_since_prefill(self) -> int:
        """Decode steps that this lane has run since it last computed a prompt."""
        return self._lane.decode_steps - self._lane.prefilled_at

    @property
    def prefills_since_decode(self) -> int:
        """Steps with a prompt that this lane has run since it last decoded, or since nobody decoded on it."""
        return self._lane.prefills if self._lane.decoding else 0

    @property
    def decoded_before(self) -> bool:
        """Whether a sequence that decodes on this lane has done so already, and does not come from a prefill."""
        return len(self._lane.decoding) > len(self._lane.joined)

    # ------------------------------------------------------------------ the verbs

    def settle_overruns(self) -> bool:
        """Let the supervisor answer every overrun that the next decode step would cause; True if it preempted."""
        preempted, retried = False, self._lane.retry() if self._lane.stalled else []
        for sequence in self._lane.growth.due():
            while sequence.state is State.DECODING:
                answer = self._replica.scheduler.supervisor.overrun(self, sequence)
                if isinstance(answer, Grow):
                    self._grow(sequence, answer.tokens)
                    break
                if isinstance(answer, Wait):
                    self._stall(sequence, again=sequence in retried)
                    break
                if isinstance(answer, Abandon):
                    self._replica.abandon(self._lane, self.now, rerun=answer.rerun)
                else:
                    self._replica.preempt(self._lane, answer, self.now)
                preempted = self._changed = True
        for sequence in retried:
            if sequence.state is State.DECODING:
                self._note(Event.RESUMED, sequence, Stall.NO_BLOCK)
        return preempted

    def admit(
        self, *, max_prefill_tokens: int | None = None, max_sequences: int | None = None, in_part: bool = False
    ) -> int:
        """Admit whom the admission policy picks, up to the limits; returns the tokens to prefill."""
        replica, lane, total = self._replica, self._lane, 0
        limit = replica.scheduler.max_num_seqs
        if max_sequences is not None:
            limit = max_sequences if limit is None else min(limit, max_sequences)
        waiting, pick = replica.waiting, replica.scheduler.admission.next
        if replica.scheduler.compact_on_release:
            self._relocate(self._kv.compact(), None)
        while len(waiting) and (limit is None or lane.admitted < limit):
            sequence = pick(self, waiting)
            if sequence is None:
                break
            tokens = 0 if sequence.state is State.SWAPPED else sequence.prefill_tokens
            if max_prefill_tokens is not None and total + (1 if in_part else tokens) > max_prefill_tokens:
                break
            if not self._place(sequence):
                break
            total += tokens
            self._welcome(sequence)
        return total

    def displace(self, *, max_prefill_tokens: int) -> bool:
        """Preempt or pause whoever must give way to the next in the queue; True if it can be admitted now."""
        replica, policy = self._replica, self._replica.scheduler.displacement
        if policy is None or not len(replica.waiting):
            return False
        answer = policy.displaced(self, replica.waiting, max_prefill_tokens=max_prefill_tokens)
        if answer is None:
            return False
        if isinstance(answer, Pause):
            self._pause(answer.sequences)
            return True
        replica.preempt(self._lane, answer, self.now)
        self._changed = True
        return not self.leaving

    def admissible(self, *, max_prefill_tokens: int) -> int:
        """Sequences that `admit` would admit now, first come first served, up to the limits."""
        limit, free, count = self._replica.scheduler.max_num_seqs, self._kv.free, 0
        for sequence in self._replica.waiting:
            free -= sequence.demand
            max_prefill_tokens -= sequence.prefill_tokens
            if free < 0 or max_prefill_tokens < 0 or (limit is not None and self._lane.admitted + count >= limit):
                break
            count += 1
        return count

    def select(self) -> None:
        """Let the selection say who of those that hold KV runs, sits steps out or is preempted."""
        policy, lane = self._replica.scheduler.selection, self._lane
        lane.selected = lane.ends
        if policy is None:
            return
        answer = policy.select(self)
        self._pause(answer.paused)
        if answer.preempt is not None:
            self._replica.preempt(lane, answer.preempt, self.now)
            self._changed = True
        for sequence in answer.resumed:
            self._changed = True
            lane.resume(sequence)

    def prefill(self, *, budget: int | None = None, padded: bool = False) -> None:
        """Put admitted prompts into the step, in whole or up to `budget` tokens; `padded` to the longest."""
        if padded and self._lane.prefilling:
            self._lane.pad(max(sequence.prefill_tokens for sequence in self._lane.prefilling))
        for sequence in self._lane.prefilling:
            rest = sequence.prefill_tokens - sequence.cached
            tokens = rest if budget is None else min(rest, budget)
            if tokens == 0:
                break
            self._chunks.append(Chunk(sequence, tokens, sequence.cached, tokens == rest))
            if budget is not None:
                budget -= tokens

    def decode(self) -> None:
        """Put every decoding sequence into the step."""
        self._decodes = self._lane.writing = bool(self._lane.decoding)

    # ------------------------------------------------------------------ what the replica calls

    def plan(self, now: int) -> Batch | None:
        """Compose the next batch; None where there is nothing to compute."""
        self.now = now
        self._lane.join_arrived()
        self._chunks, self._relocations, self._decodes, self._changed = [], [], False, False
        paused = list(self._lane.paused)
        self._replica.scheduler.batching.compose(self)
        self._note_pauses(paused)
        self._held = self._replica.held
        self._used = self._replica.used
        if self._chunks or self._decodes:
            return self._batch()
        if self._relocations:
            raise InvariantError("extents were moved for a step that computes nothing")
        self._replica.log.event(now, Event.IDLE, self._lane.index, self._held, self._used, self._lane.index)
        return None

    def log_step(self, batch: Batch, outcome: Outcome, now: int, grown: Grown) -> None:
        """Write the stretch that ended at `now` to the log."""
        steps, first, increment, _ = outcome
        start = now - steps * first - increment * (steps * (steps - 1) // 2)
        self._replica.log.step(
            (
                start,
                first,
                increment,
                steps,
                batch.lane,
                len(batch.chunks),
                batch.prefill_tokens,
                batch.decode_sequences,
                batch.decode_context,
                batch.relocated_tokens,
                self._held,
                self._used,
                *grown,
                batch.padding_tokens,
                batch.padding_rows,
                batch.padding_slots,
                batch.copied_slots,
                len(self._replica.waiting),
            )
        )

    # ------------------------------------------------------------------ within

    def _batch(self) -> Batch:
        lane, chunks = self._lane, self._chunks
        batch = Batch(lane.index, chunks, [], [], self._relocations, 0, 0)
        if self._decodes:
            batch.joined, batch.left, lane.joined, lane.left = lane.joined, lane.left, [], []
            batch.decode_sequences, batch.decode_context = len(lane.decoding), lane.context
        if self._relocations:
            batch.relocated_tokens = sum(move.tokens for move in self._relocations)
        for _, tokens, context, _ in chunks:
            batch.prefill_tokens += tokens
            batch.prefill_attended += tokens * context + tokens * (tokens + 1) // 2
        if (static := self._replica.scheduler.static) is not None:
            self._pad(batch, static)
        if not (chunks or self._relocations):
            batch.max_steps = min(lane.growth.limit(), self._horizon())
        return batch

    def _horizon(self) -> int:
        """Steps for which the answers about the queue hold."""
        waiting, scheduler = self._replica.waiting, self._replica.scheduler
        if self._changed:
            return 1  # the head of the queue may fit where the victim was
        steps = UNLIMITED_STEPS
        if scheduler.horizon is not None and len(waiting):
            steps = scheduler.horizon.steps(self, waiting)
        return steps if scheduler.selection is None else min(steps, scheduler.selection.steps(self))

    def _pad(self, batch: Batch, static: "StaticBatch") -> None:
        """Count what a static batch computes beyond its sequences: padding, finished rows, copies."""
        lane, length = self._lane, self._lane.padded_length
        if batch.chunks:
            batch.padding_tokens = len(batch.chunks) * length - batch.prefill_tokens
            batch.prefill_attended = len(batch.chunks) * (length * (length + 1) // 2)
        if not batch.decode_sequences:
            return
        batch.padding_rows = len(lane.ended)
        rows = batch.rows
        slots = sum(s.reservation for s in chain(lane.decoding, lane.ended)) if static.reads_reserved else rows * length
        batch.padding_slots = slots - batch.decode_context
        batch.padding_slots_per_step = (0 if static.reads_reserved else rows) - batch.decode_sequences
        if static.grows_by_copy:
            batch.copied_slots, batch.allocated_slots = rows * length, rows

    def _place(self, sequence: Sequence) -> bool:
        if self._kv.place(sequence):
            return True
        self._relocate(self._kv.make_room(sequence.demand), sequence)
        return self._kv.place(sequence)

    def _relocate(self, moves: list[Relocation], sequence: Sequence | None) -> None:
        if not moves:
            return
        self._relocations += moves
        tokens = sum(move.tokens for move in moves)
        ident = (sequence or moves[0].sequence).request.id
        log, lane = self._replica.log.event, self._lane.index
        log(self.now, Event.COMPACTED, ident, tokens, len(moves), lane)
        for move in moves:
            log(self.now, Event.RELOCATED, move.sequence.request.id, move.tokens, move.target, lane)

    def _welcome(self, sequence: Sequence) -> None:
        replica, lane = self._replica, self._lane
        replica.waiting.remove(sequence)
        replica.log.event(
            self.now,
            Event.ADMITTED,
            sequence.request.id,
            sequence.reservation,
            sequence.address,
            lane.index,
        )
        if sequence.state is State.SWAPPED:
            lane.swapping_in += 1
            replica.order(sequence, lane, to_host=False)
        else:
            sequence.state = State.PREFILLING
            lane.prefilling.append(sequence)

    def _stall(self, sequence: Sequence, *, again: bool) -> None:
        if not again:
            self._note(Event.STALLED, sequence, Stall.NO_BLOCK)
        self._lane.stall(sequence)

    def _pause(self, sequences: list[Sequence]) -> None:
        for sequence in sequences:
            self._changed = True
            self._lane.pause(sequence)

    def _note_pauses(self, before: list[Sequence]) -> None:
        """Log who is paused that was not, and who runs that was: a plan may change its mind."""
        for sequence in before:
            if sequence.state is State.DECODING:
                self._note(Event.RESUMED, sequence, Stall.OUTRANKED)
        for sequence in self._lane.paused:
            if sequence not in before:
                self._note(Event.STALLED, sequence, Stall.OUTRANKED)

    def _note(self, event: Event, sequence: Sequence, why: Stall) -> None:
        self._replica.log.event(self.now, event, sequence.request.id, sequence.cached, why, self._lane.index)

    def _grow(self, sequence: Sequence, tokens: int) -> None:
        room = self._kv.room_behind(sequence)
        if tokens > room:
            raise InvariantError(f"{sequence} was granted {tokens} slots, {room} are free")
        self._kv.grow(sequence, tokens)
        self._lane.growth.granted(sequence)
        self._replica.log.event(
            self.now, Event.GROWN, sequence.request.id, tokens, sequence.cached + tokens, self._lane.index
        )
