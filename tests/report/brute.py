"""Gaps between tokens, told one by one: slow, and plain enough to be believed."""

from itertools import pairwise

from s3sim.core.events import Event, EventLog, Preemption, Reason, canonical

__all__ = ["brute_gaps", "brute_times"]


class _Clients:
    """What the clients see: when they got each token, by its position in the output."""

    def __init__(self) -> None:
        self.decoding: dict[int, tuple[int, int]] = {}  # since when, on which lane
        self.emitted: dict[int, int] = {}
        self.times: dict[int, list[int]] = {}

    def emit(self, ident: int, time: int) -> None:
        """One more token of a request; known already if it was emitted before, and lost."""
        self.emitted[ident] = self.emitted.get(ident, 0) + 1
        told = self.times.setdefault(ident, [])
        if self.emitted[ident] > len(told):
            told.append(time)

    def step(self, start: int, end: int, lane: int, rows: int) -> None:
        """A step in which so many sequences decode: those that were there when it began."""
        here = [i for i, (since, where) in self.decoding.items() if since <= start and where == lane] if rows else []
        assert len(here) == rows
        for ident in here:
            self.emit(ident, end)

    def hear(self, time: int, kind: int, ident: int, detail: int, lane: int) -> None:
        """An event of a request."""
        if kind in (Event.PREFILLED, Event.SWAPPED_IN, Event.RESUMED):
            self.decoding[ident] = time, lane
        if kind == Event.PREFILLED:
            self.emit(ident, time)
        if kind in (Event.FINISHED, Event.PREEMPTED, Event.REJECTED, Event.STALLED):
            self.decoding.pop(ident, None)
        if kind == Event.PREEMPTED and detail == Preemption.RESTART:
            self.emitted[ident] = 0
        if kind == Event.REJECTED and detail == Reason.OUT_OF_MEMORY:
            self.times.pop(ident, None)


def brute_gaps(log: EventLog, *, delivery: str = "token") -> list[int]:
    """All gaps between tokens as they are first delivered, sorted: token by token, one step after the other.

    A position that was lost and is emitted again counts when it was first emitted; requests that failed do not count.
    """
    return sorted(b - a for told in brute_times(log, delivery=delivery).values() for a, b in pairwise(told))


def brute_times(log: EventLog, *, delivery: str = "token") -> dict[int, list[int]]:
    """When each token of each request was first delivered, of requests that did not fail."""
    if delivery == "batch_end":
        return {row[2]: [row[0]] * row[3] for row in log.event_rows() if row[1] == Event.FINISHED}
    clients = _Clients()
    for time, kind, *rest in canonical(log):
        if kind == -1:
            start, lane, _, _, rows, *_ = rest
            clients.step(start, time, lane, rows)
        else:
            ident, _, detail, lane = rest
            clients.hear(time, kind, ident, detail, lane)
    return clients.times
