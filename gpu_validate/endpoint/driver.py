"""The load driver: every request sent when it is due, whatever became of those before it.

That is an open loop: a server that falls behind does not slow its load down, and latencies count from
the arrival that the trace says, so that no wait is left out (no "coordinated omission").
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter_ns

from gpu_validate.endpoint.calls import Answer, Call
from gpu_validate.endpoint.failures import Failed, Kind
from gpu_validate.endpoint.retry import Retry
from gpu_validate.endpoint.transport import Client
from gpu_validate.endpoint.waiting import Ending

__all__ = ["Driver", "Rules", "Told"]

LEAD_NS = 50_000_000  # from the driver's start to time 0, so that what arrives at 0 is not late
PS_PER_NS = 1000
NS_PER_S = 1e9
Told = Callable[[int, int], None]  # requests done, of how many


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How a point is driven."""

    connections: int = 512  # at once, at most
    max_failures: int = 0  # requests that may fail before the rest is given up
    retry: Retry = field(default_factory=Retry)


class Driver:
    """One point's calls on their way; `answers` hold what came so far, also after it was stopped."""

    def __init__(self, client: Client, rules: Rules, calls: Sequence[Call], body: Callable[[Call], bytes]) -> None:
        self._client = client
        self._rules = rules
        self.answers = [Answer(call) for call in calls]
        self._bodies = [b"" if call.over_length else body(call) for call in calls]  # made before the clock starts
        self._free = asyncio.Semaphore(rules.connections)
        self._start = 0  # ns of perf_counter
        self._busy = 0
        self._done = self._failed = 0
        self.most_connections = 0

    @property
    def failures(self) -> list[Answer]:
        """Calls that failed, in the order in which they were due; not those that were given up for others' sake."""
        return [answer for answer in self.answers if answer.failure and answer.failure.kind is not Kind.CANCELLED]

    async def run(self, told: Told = lambda done, of: None) -> None:
        """Make all calls; returns when each is answered, or more have failed than may."""
        self._start = perf_counter_ns() + LEAD_NS
        try:
            async with asyncio.TaskGroup() as group:
                for answer, body in zip(self.answers, self._bodies, strict=True):
                    await self._until(answer.call.due_ps)
                    if not answer.call.over_length:
                        group.create_task(self._answer(answer, body, told))
        except* _TooManyError:
            pass
        finally:
            self._give_up()

    async def _until(self, due_ps: int) -> None:
        """Wait for a time; others run meanwhile, also where it has gone by."""
        await asyncio.sleep(0)
        while (wait_ns := self._start + due_ps // PS_PER_NS - perf_counter_ns()) > 0:  # a sleep may end early
            await asyncio.sleep(wait_ns / NS_PER_S)

    async def _answer(self, answer: Answer, body: bytes, told: Told) -> None:
        answer.woken_ps = self._now()
        async with self._free:
            self._busy += 1
            self.most_connections = max(self.most_connections, self._busy)
            try:
                await self._complete(answer, body)
            finally:
                self._busy -= 1
        self._done += 1
        told(self._done, len(self.answers))
        self._failed += answer.failure is not None
        if self._failed > self._rules.max_failures:
            raise _TooManyError

    async def _complete(self, answer: Answer, body: bytes) -> None:
        """Send a call until it is answered, or fails for good."""
        answer.sent_ps = self._now()
        end_ns = perf_counter_ns() + round(self._client.limits.request_s * NS_PER_S)

        async def attempt() -> Ending:
            answer.tries += 1
            left = max(0.0, (end_ns - perf_counter_ns()) / NS_PER_S)
            return await self._client.complete(body, lambda ns: answer.chunks.append(self._at(ns)), within_s=left)

        try:
            answer.ending = await self._rules.retry.until_done(attempt, answer.call.id)
            if not answer.chunks or not answer.tokens:
                answer.failure = Failed(Kind.EMPTY, "a completion without a token")
        except Failed as failure:
            answer.failure = failure
        answer.done_ps = self._now()

    def _give_up(self) -> None:
        for answer in self.answers:
            if answer.ending is None and answer.failure is None and not answer.call.over_length:
                answer.failure = Failed(Kind.CANCELLED, "given up when the replay stopped")

    def _now(self) -> int:
        return self._at(perf_counter_ns())

    def _at(self, ns: int) -> int:
        return (ns - self._start) * PS_PER_NS


class _TooManyError(Exception):
    """More requests failed than may."""
