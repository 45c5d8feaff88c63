"""A second bookkeeping, from the event log alone: who is in each step, what is cached, what is held.

It knows nothing of replicas, lanes or KV accounts. It reads a log of single steps, in which no move
takes zero time, and compares every column of every step with its own count.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from s3sim.core.events import STEP_COLUMNS, Event, EventLog, Preemption, Reason, Stall
from tests.support.traits import granule
from tests.support.worlds import Row, World

__all__ = ["Ledger", "audit"]

HOLDING = ("prefill", "decode", "stalled", "leaving", "incoming", "kept")
ON_HOST = ("leaving", "swapped", "incoming")
QUEUED = ("waiting", "swapped")
OUT_OF_MEMORY = (Event.REJECTED, Reason.OUT_OF_MEMORY)
BEFORE_COMMIT = Event.PREFILLED  # events of an instant that are delivered before the step that ends then is committed


@dataclass(slots=True)
class Entry:
    """One request's account."""

    row: Row
    phase: str = "on its way"
    cached: int = 0
    emitted: int = 0
    reserved: int = 0


class Ledger:
    """Accounts by request id, kept up by events and steps in order of time."""

    def __init__(self, world: World, block: int | None) -> None:
        self.entries = {ident: Entry(row) for ident, row in world.by_id.items()}
        self._predicts = world.predicts
        self._block = block
        self._host_tokens = world.host_tokens
        self._partial = 0  # slots written for prompts that are not wholly in the cache yet
        static = world.scheduler().static
        self._static = static is not None
        self._late = static is not None and static.delivery == "batch_end"
        self._granule = granule(world)
        self._length = 0  # slots of each row of a padded batch
        made = world.scheduler()
        self._swaps = any(getattr(part, "swap", False) for part in (made.supervisor, made.selection))

    def having(self, *phases: str) -> list[Entry]:
        """The accounts in one of those phases."""
        return [entry for entry in self.entries.values() if entry.phase in phases]

    def apply(self, event: Event, ident: int, tokens: int, detail: int) -> None:
        """Take over one event; those that change nobody's account have no method."""
        if event >= BEFORE_COMMIT or (event, detail) == OUT_OF_MEMORY:
            self._settle()
        handler = getattr(self, f"_{event.name.lower()}", None)
        if handler is not None:
            handler(self.entries[ident], tokens, detail)

    def step(self, row: dict[str, int]) -> None:
        """Compare a step's columns with the accounts at its start, and let its decoding rows write and emit."""
        assert row["steps"] == 1, "the ledger reads logs of single steps"
        self._settle()
        decoding = self.having("decode") if row["decode_sequences"] else []
        assert row["decode_sequences"] == len(decoding)
        assert row["decode_context"] == sum(entry.cached for entry in decoding)
        assert row["kv_used"] == self._partial + sum(
            entry.cached for entry in self.having("decode", "stalled", "leaving")
        )
        self._partial += row["prefill_tokens"]
        for entry in decoding:
            entry.cached += 1
            entry.emitted += 1
        self._length += bool(decoding)
        assert row["padding_rows"] == (len(self.having("kept")) if decoding else 0)
        assert row["kv_held"] == self.held()
        assert row["kv_grown"] == row["kv_grown_moment"] == 0

    def held(self) -> int:
        """Slots held on the device."""
        if self._granule is not None:
            return -(-self._length * len(self.having(*HOLDING)) // self._granule) * self._granule
        return sum(self._held(entry) for entry in self.having(*HOLDING))

    def _settle(self) -> None:
        """A static batch keeps its finished rows until the last has finished."""
        if not self._static:
            return
        if self._late:
            for entry in self.having("decode"):
                if entry.emitted == entry.row.output:
                    entry.phase = "kept"
        elif not self.having("prefill", "decode"):
            for entry in self.having("kept"):
                entry.phase = "finished"

    def _held(self, entry: Entry) -> int:
        if self._block is None or entry.phase != "decode":
            return entry.reserved
        return -(-entry.cached // self._block) * self._block

    # ------------------------------------------------------------------ one method an event

    def _arrived(self, entry: Entry, tokens: int, detail: int) -> None:
        assert (tokens, detail) == (entry.row.prompt, entry.row.max_new)
        entry.phase = "foreseen" if self._predicts else "waiting"

    def _predicted(self, entry: Entry, tokens: int, detail: int) -> None:
        assert tokens == entry.row.predicted
        entry.phase = "waiting"

    def _rejected(self, entry: Entry, tokens: int, detail: int) -> None:
        entry.phase = "rejected"

    def _admitted(self, entry: Entry, tokens: int, detail: int) -> None:
        assert entry.phase in QUEUED
        self._length = max(self._length if self.having(*HOLDING) else 0, entry.row.prompt)
        entry.phase = "incoming" if entry.phase == "swapped" else "prefill"
        entry.reserved = tokens
        assert tokens >= entry.cached

    def _prefilled(self, entry: Entry, tokens: int, detail: int) -> None:
        assert detail == entry.row.prompt + entry.emitted, "a prefill computes the prompt and all that was generated"
        entry.cached, entry.emitted = detail, entry.emitted + 1
        self._partial -= detail
        assert (entry.phase, tokens) == ("prefill", entry.emitted)
        entry.phase = "decode"

    def _preempted(self, entry: Entry, tokens: int, detail: int) -> None:
        if detail == Preemption.RESTART:
            assert entry.phase in ("decode", "kept")
            assert tokens == entry.cached
            entry.phase, entry.cached, entry.emitted = "waiting", 0, 0
            return
        if entry.phase == "prefill":
            assert detail == Preemption.RECOMPUTE
            self._partial -= tokens
            entry.phase = "waiting"
            return
        assert entry.phase in ("decode", "stalled")
        assert tokens == entry.cached
        room = self._host_tokens - sum(other.cached for other in self.having(*ON_HOST))
        wanted = Preemption.SWAP if tokens <= room else Preemption.HOST_FULL
        assert detail == (wanted if self._swaps else Preemption.RECOMPUTE), "a swap where it is wanted and has room"
        if self._block is not None:
            entry.reserved = self._held(entry)
        swap = detail == Preemption.SWAP
        entry.phase = "leaving" if swap else "waiting"
        entry.cached = tokens if swap else 0

    def _grown(self, entry: Entry, tokens: int, detail: int) -> None:
        assert entry.phase in ("decode", "stalled")
        assert detail == entry.cached + tokens, "who grows has used up what it held"
        if self._block is None:
            entry.reserved += tokens
            assert detail == entry.reserved

    def _stalled(self, entry: Entry, tokens: int, detail: int) -> None:
        assert (entry.phase, tokens) == ("decode", entry.cached)
        if detail == Stall.NO_BLOCK:
            assert self._held(entry) == entry.cached, "only who needs a block sits a step out"
        entry.reserved, entry.phase = self._held(entry), "stalled"

    def _resumed(self, entry: Entry, tokens: int, detail: int) -> None:
        assert (entry.phase, tokens) == ("stalled", entry.cached)
        entry.phase = "decode"

    def _swapped_out(self, entry: Entry, tokens: int, detail: int) -> None:
        assert (entry.phase, tokens) == ("leaving", entry.cached)
        entry.phase = "swapped"

    def _swapped_in(self, entry: Entry, tokens: int, detail: int) -> None:
        assert (entry.phase, tokens) == ("incoming", entry.cached)
        entry.phase = "decode"

    def _finished(self, entry: Entry, tokens: int, detail: int) -> None:
        assert entry.phase == ("kept" if self._late else "decode")
        assert tokens == entry.emitted == entry.row.output, "the tokens counted step by step are the true ones"
        assert entry.cached == entry.row.prompt + entry.row.output - 1
        entry.phase = "kept" if self._static and not self._late else "finished"


def _rank(row: tuple[int, ...]) -> tuple[int, ...]:
    """Order of what happens; a batch is lost at a plan, after the commit, and so are its requests."""
    at_a_plan = (row[1], row[4]) == OUT_OF_MEMORY
    return (row[0], Event.PREEMPTED if at_a_plan else row[1])


def audit(world: World, log: EventLog, *, block: int | None, capacity: int) -> Ledger:
    """Follow a log of single steps to its end; an AssertionError says what does not agree with the world."""
    ledger = Ledger(world, block)
    events = iter(sorted(log.event_rows(), key=_rank))
    pending = next(events, None)

    def catch_up(moment: tuple[int, int]) -> None:
        nonlocal pending
        while pending is not None and pending[:2] < moment:
            _, event, ident, tokens, detail, _ = pending
            ledger.apply(Event(event), ident, tokens, detail)
            pending = next(events, None)

    for row in _named(log.step_rows()):
        catch_up((row["start_ps"] + 1, 0))
        ledger.step(row)
        assert ledger.held() <= capacity
        catch_up((row["start_ps"] + row["first_ps"], BEFORE_COMMIT))
        assert row["waiting"] == len(ledger.having(*QUEUED))
    catch_up((1 << 62, 0))
    return ledger


def _named(rows: Iterable[tuple[int, ...]]) -> Iterable[dict[str, int]]:
    return (dict(zip(STEP_COLUMNS, row, strict=True)) for row in rows)
