"""A strict fake device: an executor that trusts nobody, for the second driver of the twin tests.

It keeps its own slots, its own lengths and its own host memory; it reads only what was written,
writes only what is reserved, and knows from the trace alone who finishes.
"""

from collections import Counter
from collections.abc import Sequence as Row
from dataclasses import dataclass, field

from s3sim.core.batch import Batch, Chunk, Relocation
from s3sim.core.replica import Move
from s3sim.core.request import Sequence
from tests.support.strict_memory import Memory, memory
from tests.support.worlds import World

__all__ = ["StrictDevice"]


@dataclass(slots=True)
class Resident:
    """What the device knows of a sequence that it has seen."""

    sequence: Sequence
    lane: int
    cached: int = 0
    emitted: int = 0
    moving: bool = False  # the host link is reading or writing its slots
    incoming: bool = False  # it is writing them


@dataclass(slots=True)
class Part:
    """What one lane has of the device."""

    memory: Memory
    decoding: dict[int, Resident] = field(default_factory=dict)
    ended: list[Resident] = field(default_factory=list)  # finished rows of a static batch, which keep their slots
    running: Batch | None = None


class StrictDevice:
    """Runs a lane's batches one step at a time: `begin`, then `end`; between them `arrive` completes moves.

    `dropped` is called before `begin` for whoever was preempted for recompute. Raises AssertionError
    at the first thing that a real device could not do, or would do wrongly.
    """

    def __init__(self, world: World) -> None:
        scheduler = world.scheduler()
        self._world = world
        self._parts = [Part(memory(world)) for _ in range(world.lanes)]
        self._limit = scheduler.max_num_seqs
        self._static = scheduler.static is not None
        self._known: dict[int, Resident] = {}
        self._host: dict[int, int] = {}  # tokens by request id
        self.seen: Counter[str] = Counter()

    @property
    def held(self) -> int:
        """Slots held on the device, by its own count."""
        return sum(part.memory.held for part in self._parts)

    @property
    def used(self) -> int:
        """Slots written for requests that are not finished, by its own count."""
        there = [resident for ident, resident in self._known.items() if self.knows_id(ident) and not resident.incoming]
        kept = sum(resident.cached for part in self._parts for resident in part.ended)
        return sum(resident.cached for resident in there) - kept

    def knows(self, sequence: Sequence) -> bool:
        """Whether slots are held for the sequence: from its first chunk on."""
        return self.knows_id(sequence.request.id)

    def knows_id(self, ident: int) -> bool:
        """The same, by request id."""
        return any(part.memory.knows(ident) for part in self._parts)

    def dropped(self, ident: int) -> None:
        """Forget the KV of a sequence that was preempted for recompute; its tokens are kept."""
        if self.knows_id(ident):  # else no chunk of its prompt was begun
            self._known[ident].cached = 0
            self._part(ident).memory.free(ident)
        self.seen["RECOMPUTED"] += 1

    def grown(self, ident: int, tokens: int) -> None:
        """Hold more slots for a sequence that has used up what it held."""
        kept = self._part(ident).memory
        kept.check(ident, self._known[ident].cached)
        kept.grow(ident, tokens)
        self.seen["GROWN"] += 1

    def lost(self, ident: int) -> None:
        """Forget all of a sequence whose static batch ran out of memory, and the batch's finished rows."""
        if self.knows_id(ident):
            part = self._part(ident)
            self._end_batch(part)
            if self.knows_id(ident):
                part.memory.free(ident)
                del self._known[ident]

    def begin(self, batch: Batch | None, moves: Row[Move], *, lane: int = 0) -> None:
        """Start the moves and the batch of one plan of a lane."""
        assert batch is None or batch.lane == lane
        part = self._parts[lane]
        if batch is not None:
            for sequence in batch.left:
                del part.decoding[sequence.request.id]
        for move in moves:
            if move.to_host:
                self._leave(move)
        for relocation in [] if batch is None else batch.relocations:
            self._relocate(part, relocation)
        for move in moves:
            if not move.to_host:
                self._return(move, lane)
        if batch is not None:
            self._run(part, batch)

    def end(self, lane: int = 0) -> list[Sequence]:
        """End the lane's step; those whose output is complete, in order of submission, and none twice."""
        part = self._parts[lane]
        batch, part.running = part.running, None
        assert batch is not None
        decoding = list(part.decoding.values()) if batch.decode_sequences else []
        prefilling = [self._known[chunk.sequence.request.id] for chunk in batch.chunks]
        for resident in decoding:
            resident.cached += 1
        for resident, chunk in zip(prefilling, batch.chunks, strict=True):
            resident.cached += chunk.tokens
        ended = [resident for resident in decoding if self._emit(resident)]
        for resident in ended:
            del part.decoding[resident.sequence.request.id]
        ended += [r for r, chunk in zip(prefilling, batch.chunks, strict=True) if chunk.last and self._emit(r)]
        found = [self._forget(part, resident) for resident in ended]
        if len(part.ended) == sum(resident.lane == lane for resident in self._known.values()):
            self._end_batch(part)
        return found

    def arrive(self, move: Move) -> None:
        """Complete a move."""
        ident = move.sequence.request.id
        resident, part = self._known[ident], self._part(ident)
        resident.moving = resident.incoming = False
        if move.to_host:
            part.memory.check(ident, resident.cached)
            part.memory.free(ident)
            self.seen["SWAPPED_OUT"] += 1
        else:
            part.memory.write(ident, 0, self._host.pop(ident))
            self.seen["SWAPPED_IN"] += 1

    # ------------------------------------------------------------------ within

    def _part(self, ident: int) -> Part:
        return self._parts[self._known[ident].lane]

    def _leave(self, move: Move) -> None:
        resident = self._known[move.sequence.request.id]
        assert not resident.moving
        assert move.tokens == resident.cached, "a move takes all that is cached"
        resident.moving = True
        self._host[move.sequence.request.id] = move.tokens
        assert sum(self._host.values()) <= self._world.host_tokens, "the host has no room"

    def _return(self, move: Move, lane: int) -> None:
        sequence = move.sequence
        resident = self._known[sequence.request.id]
        assert not resident.moving
        assert move.tokens == self._host[sequence.request.id] == resident.cached
        resident.moving = resident.incoming = True
        resident.lane = lane
        self._parts[lane].memory.hold(sequence.request.id, sequence.address, sequence.reservation)

    def _relocate(self, part: Part, relocation: Relocation) -> None:
        sequence, source, target, tokens = relocation
        self.seen["COMPACTED"] += 1
        resident = self._known.get(sequence.request.id)
        if resident is None or resident.cached == 0:
            assert tokens == 0, "admitted by this very plan: nothing is written yet"
            return
        assert not resident.moving, "the host link is at work on these slots"
        assert tokens == resident.cached
        part.memory.relocate(sequence.request.id, source=source, target=target, tokens=tokens)

    def _run(self, part: Part, batch: Batch) -> None:
        assert part.running is None, "a lane runs one step at a time"
        part.running = batch
        rows = batch.decode_sequences + len(batch.chunks)
        assert rows > 0, "a batch computes something"
        assert self._limit is None or rows <= self._limit, f"{rows} rows, max_num_seqs is {self._limit}"
        for chunk in batch.chunks:
            self._prefill(chunk, batch.lane)
        assert batch.prefill_tokens == sum(chunk.tokens for chunk in batch.chunks)
        length = max((chunk.tokens for chunk in batch.chunks), default=0)
        spans = [(0, length) if self._static else (c.context, c.context + c.tokens) for c in batch.chunks]
        assert batch.prefill_attended == sum(sum(range(begin + 1, end + 1)) for begin, end in spans)
        assert batch.relocated_tokens == sum(relocation.tokens for relocation in batch.relocations)
        for sequence in batch.joined:
            assert sequence.request.id not in part.decoding
            resident = self._known[sequence.request.id]
            assert self._parts[resident.lane] is part, "it decodes where its KV is"
            part.decoding[sequence.request.id] = resident
        if batch.decode_sequences:
            self._decode(part, batch)

    def _prefill(self, chunk: Chunk, lane: int) -> None:
        sequence, tokens, context, last = chunk
        ident, kept = sequence.request.id, self._parts[lane].memory
        resident = self._known.setdefault(ident, Resident(sequence, lane))
        assert context == resident.cached
        if context == 0:
            resident.lane = lane
            kept.hold(ident, sequence.address, sequence.reservation)
        kept.check(ident, context)
        kept.write(ident, context, context + tokens)
        assert last == (context + tokens == sequence.request.prompt_tokens + resident.emitted)

    def _decode(self, part: Part, batch: Batch) -> None:
        residents = part.decoding
        assert batch.padding_rows == len(part.ended)
        part.memory.lengthen()
        assert batch.decode_sequences == len(residents)
        assert batch.decode_context == sum(resident.cached for resident in residents.values())
        for ident, resident in residents.items():
            assert not resident.moving
            assert resident.cached == resident.sequence.request.prompt_tokens + resident.emitted - 1
            part.memory.check(ident, resident.cached)
            part.memory.write(ident, resident.cached, resident.cached + 1)

    def _emit(self, resident: Resident) -> bool:
        resident.emitted += 1
        return resident.emitted == self._world.outputs[resident.sequence.request.id]

    def _forget(self, part: Part, resident: Resident) -> Sequence:
        part.ended.append(resident)
        if not self._static:
            self._end_batch(part)
        return resident.sequence

    def _end_batch(self, part: Part) -> None:
        for resident in part.ended:
            part.memory.free(resident.sequence.request.id)
            del self._known[resident.sequence.request.id]
        part.ended = []
