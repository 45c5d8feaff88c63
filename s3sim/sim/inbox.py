"""The inbox: requests on their way to a replica, each visible once its prediction is ready."""

from array import array
from heapq import heapreplace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from s3sim.core.errors import InputError
from s3sim.core.events import EventLog, Reason
from s3sim.core.replica import Replica
from s3sim.core.request import Prediction, Request

__all__ = ["Column", "Foreseer", "Inbox", "Incoming", "Rows", "cells", "ready_times"]

Column = NDArray[np.int64]
LAST = 2**63 - 1  # ps, the largest 64-bit time: 106 days
DAY = 86_400 * 10**12  # ps


def ready_times(arrival: Column, *, seconds_ps: int, concurrency: int | None) -> Column:
    """When each prediction is ready, in ps: it starts at the request's own arrival, or in a free server's turn.

    `concurrency` servers work first come first served; None means that predictions never queue. Raises
    InputError where 64 bits cannot hold a time.
    """
    if concurrency is None or seconds_ps == 0:
        _demand_in_time(int(arrival.max(initial=0)) + seconds_ps)
        return arrival + seconds_ps
    servers = [0] * concurrency
    ready = np.empty_like(arrival)
    for row, at in enumerate(arrival.tolist()):
        end = max(at, servers[0]) + seconds_ps
        _demand_in_time(end)
        ready[row] = end
        heapreplace(servers, end)
    return ready


def _demand_in_time(at: int) -> None:
    if at > LAST:
        raise InputError(
            f"predictor: a prediction would be ready after {at / DAY:.4g} days, and times end after 106 days; give it"
            " fewer seconds, more concurrency, or requests that arrive sooner"
        )


class Incoming(Protocol):
    """Requests on their way to a replica, however they come about."""

    def next_time(self) -> int | None:
        """When the next request that is already due becomes visible; None where none is."""
        ...

    def deliver(self, replica: Replica, now: int) -> None:
        """Submit every request that is visible at `now`."""
        ...

    def observe(self, log: EventLog) -> None:
        """Look at what happened since the last call; called once after every plan."""
        ...


class Foreseer(Protocol):
    """A predictor that learns while it is used."""

    def foresee(self, row: int, at: int) -> Prediction:
        """What the version that is active at `at`, when the prediction starts, says of a row; asked once a row."""
        ...

    def observe(self, log: EventLog) -> None:
        """Learn from what happened since the last call."""
        ...


class Rows:
    """The rows of a trace as a server sees them; `excluded` marks those that the workload's own rules reject.

    Predictions are a column, or come from a foreseer, which is asked once it is known what happened until
    `seconds_ps`, the time of a prediction, before it is ready.
    """

    def __init__(
        self,
        *,
        ids: Column,
        prompt_tokens: Column,
        max_new_tokens: Column,
        predicted: Column | None,
        excluded: NDArray[np.bool_] | None,
        foreseer: Foreseer | None = None,
        seconds_ps: int = 0,
    ) -> None:
        self.foreseer = foreseer
        self._seconds_ps = seconds_ps
        self._ids, self._prompt, self._limit = cells(ids), cells(prompt_tokens), cells(max_new_tokens)
        self._predicted = None if predicted is None else cells(predicted)
        self._excluded = frozenset[int]() if excluded is None else frozenset(np.flatnonzero(excluded).tolist())

    def __len__(self) -> int:
        return len(self._ids)

    def id(self, row: int) -> int:
        """The request id of a row."""
        return self._ids[row]

    def excluded(self, row: int) -> bool:
        """Whether the workload's own rules reject a row."""
        return row in self._excluded

    def submit(self, replica: Replica, row: int, *, arrival: int, ready: int) -> None:
        """Hand a row over, with its prediction where it has one, which is ready at that time."""
        request = Request(self._ids[row], arrival, self._prompt[row], self._limit[row])
        if row in self._excluded:
            replica.reject(request, Reason.OVER_LENGTH)
        elif self.foreseer is not None:
            replica.submit(request, self.foreseer.foresee(row, ready - self._seconds_ps), ready=ready)
        elif self._predicted is None:
            replica.submit(request)
        else:
            replica.submit(request, Prediction(self._predicted[row]), ready=ready)

    def observe(self, log: EventLog) -> None:
        """Let the foreseer, if there is one, learn from what happened since the last call."""
        if self.foreseer is not None:
            self.foreseer.observe(log)


class Inbox:
    """The rows of a trace, in the order in which they become visible.

    `ready` are the times at which rows may be submitted (ps, ascending), `predicted` the output
    lengths foreseen for them, `excluded` marks rows that the workload's own rules reject. A foreseer takes
    the place of `predicted`; a prediction takes it `seconds_ps`.
    """

    def __init__(
        self,
        *,
        ids: Column,
        arrival: Column,
        prompt_tokens: Column,
        max_new_tokens: Column,
        ready: Column | None = None,
        predicted: Column | None = None,
        excluded: NDArray[np.bool_] | None = None,
        foreseer: Foreseer | None = None,
        seconds_ps: int = 0,
    ) -> None:
        self._rows = Rows(
            ids=ids,
            prompt_tokens=prompt_tokens,
            max_new_tokens=max_new_tokens,
            predicted=predicted,
            excluded=excluded,
            foreseer=foreseer,
            seconds_ps=seconds_ps,
        )
        self._arrival = cells(arrival)
        self._ready = self._arrival if ready is None else cells(ready)
        self._next = 0
        self._end = len(self._rows)

    def next_time(self) -> int | None:
        """When the next request becomes visible; None after the last."""
        return self._ready[self._next] if self._next < self._end else None

    def deliver(self, replica: Replica, now: int) -> None:
        """Submit every request that is visible at `now`."""
        row = self._next
        while row < self._end and (ready := self._ready[row]) <= now:
            self._rows.submit(replica, row, arrival=self._arrival[row], ready=ready)
            row += 1
        self._next = row

    def observe(self, log: EventLog) -> None:
        """These requests come whatever becomes of others; what is foreseen of them may not."""
        self._rows.observe(log)


def cells(column: Column) -> "array[int]":
    """A column as an array whose cells are plain integers, at eight bytes each."""
    values = array("q")
    values.frombytes(np.ascontiguousarray(column, dtype=np.int64).tobytes())
    return values
