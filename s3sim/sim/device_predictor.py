"""Predictions on the serving device itself: its steps wait for them, and for retraining."""

from collections import deque

from s3sim.core.events import Event
from s3sim.core.replica import Replica
from s3sim.sim.inbox import Column, Rows, cells
from s3sim.sim.online import OnlinePredictor

__all__ = ["DevicePredictor"]


class DevicePredictor:
    """An inbox whose predictions are computed by the device between two steps, one request after another.

    A request is foreseen at the first step boundary at or after its arrival (in ps, ascending), and visible once
    its prediction is ready. A retraining that is due comes after the predictions, and ends before the next step.
    """

    def __init__(self, rows: Rows, *, arrival: Column, seconds_ps: int, online: OnlinePredictor | None = None) -> None:
        self._rows = rows
        self._arrival = cells(arrival)
        self._seconds_ps = seconds_ps
        self._online = online
        self._foreseen = 0  # rows that were, or need not be
        self._visible: deque[tuple[int, int]] = deque()  # (ready, row), in the order of their readiness

    def next_time(self) -> int | None:
        """When the next request arrives: the device must foresee it; None after the last."""
        if self._visible:
            return self._visible[0][0]
        return self._arrival[self._foreseen] if self._foreseen < len(self._rows) else None

    def deliver(self, replica: Replica, now: int) -> None:
        """Submit every request whose prediction is ready at `now`."""
        while self._visible and self._visible[0][0] <= now:
            ready, row = self._visible.popleft()
            self._rows.submit(replica, row, arrival=self._arrival[row], ready=ready)

    def observe(self, log: object) -> None:
        """Nothing yet: it is done before the next step."""

    def work(self, replica: Replica, now: int) -> int:
        """Picoseconds for which the device belongs to the predictor from `now` on, which are logged; mostly 0."""
        self._rows.observe(replica.log)
        requests, end = 0, now
        while self._foreseen < len(self._rows) and self._arrival[self._foreseen] <= now:
            if not self._rows.excluded(self._foreseen):
                requests += 1
                end += self._seconds_ps
            self._visible.append((end, self._foreseen))
            self._foreseen += 1
        if self._online is not None and self._online.due:
            end = self._online.retrain(end, replica.log)
        if end > now:
            replica.log.event(now, Event.IDLE, 0, replica.held, replica.used)
            replica.log.event(now, Event.PREDICTING, 0, requests, end - now)
        else:
            self.deliver(replica, now)
        return end - now
