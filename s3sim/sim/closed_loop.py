"""A closed loop's inbox: users who ask for the next row of a trace when they have thought about the last answer."""

from collections import deque
from collections.abc import Iterator, Sequence
from heapq import heapify, heappop, heappush, heapreplace
from typing import NamedTuple

from s3sim.core.errors import InvariantError
from s3sim.core.events import EVENT_COLUMNS, Event, EventLog
from s3sim.core.replica import Replica
from s3sim.sim.inbox import Rows

__all__ = ["ClosedLoopInbox"]

WIDTH = len(EVENT_COLUMNS)
ENDS = (Event.FINISHED, Event.REJECTED)


class _Asked(NamedTuple):
    """A request on its way through the predictor."""

    ready: int  # ps
    arrival: int  # ps
    row: int
    user: int


class ClosedLoopInbox:
    """Rows in file order, each asked by the user whose turn comes first; none after the last row.

    `thinking` holds every user's endless think times in ps; a user begins with the first of them at time 0.
    A request that is rejected is answered too, with the refusal. Predictions take `prediction_ps` each, at
    most `concurrency` at a time, first come first served; None means that they never queue.
    """

    def __init__(
        self,
        rows: Rows,
        *,
        thinking: Sequence[Iterator[int]],
        prediction_ps: int = 0,
        concurrency: int | None = None,
    ) -> None:
        self._rows = rows
        self._thinking = thinking
        self._due = [(next(think), user) for user, think in enumerate(thinking)]  # when each user asks, as a heap
        heapify(self._due)
        self._asked: deque[_Asked] = deque()  # in the order of their arrival, and so of their readiness
        self._waits: dict[int, int] = {}  # request id → the user who waits for its answer
        self._next = 0
        self._prediction_ps = prediction_ps
        self._servers = None if concurrency is None or not prediction_ps else [0] * concurrency
        self._seen = 0  # cells of the event log that were looked at

    def next_time(self) -> int | None:
        """When the next request that is already due becomes visible; None where every user waits, or no row is left."""
        asked = self._asked[0].ready if self._asked else None
        if not self._due or self._next == len(self._rows):
            return asked
        due = self._ready(self._due[0][0])
        return due if asked is None else min(asked, due)

    def deliver(self, replica: Replica, now: int) -> None:
        """Submit every request that is visible at `now`, in the order of its time, also those asked since.

        A rejected request is answered at its own time, before what came later: how far time went on since the
        last look does not show.
        """
        while (at := self._next_ask()) is not None or self._asked:
            if at is not None and (not self._asked or at <= self._asked[0].ready):
                if at > now:
                    return
                self._ask(replica, *heappop(self._due))
            elif self._asked[0].ready > now:
                return
            else:
                self._submit(replica, self._asked.popleft())

    def _next_ask(self) -> int | None:
        return self._due[0][0] if self._due and self._next < len(self._rows) else None

    def observe(self, log: EventLog) -> None:
        """Give their answers to the users whose requests were finished or rejected since the last look."""
        cells = log.events
        for cell in range(self._seen, len(cells), WIDTH):
            if cells[cell + 1] in ENDS:
                self.finished(cells[cell + 2], cells[cell])
        self._seen = len(cells)
        self._rows.observe(log)

    def finished(self, ident: int, at: int) -> None:
        """The user who waits for this request has the answer at `at`, and starts to think."""
        user = self._waits.pop(ident, None)
        if user is None:
            raise InvariantError(f"request {ident} ended at {at} ps, and no user waits for it")
        heappush(self._due, (at + next(self._thinking[user]), user))

    def _ask(self, replica: Replica, at: int, user: int) -> None:
        """Give the next row to a user; one that the workload rejects needs no prediction."""
        row, ready = self._next, self._ready(at)
        self._next += 1
        asked = _Asked(ready, at, row, user)
        if self._rows.excluded(row):
            self._submit(replica, asked)
            return
        if self._servers is not None:
            heapreplace(self._servers, ready)
        self._asked.append(asked)

    def _submit(self, replica: Replica, asked: _Asked) -> None:
        self._waits[self._rows.id(asked.row)] = asked.user
        self._rows.submit(replica, asked.row, arrival=asked.arrival, ready=asked.ready)
        self.observe(replica.log)

    def _ready(self, at: int) -> int:
        """When the next row, asked at `at`, after all those asked before it, becomes visible."""
        if self._rows.excluded(self._next):
            return at
        return max(at, self._servers[0] if self._servers else at) + self._prediction_ps
