"""When a request that failed is sent again."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from gpu_validate.endpoint.failures import Failed

__all__ = ["Retry"]

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How often a request is sent again, after waits that double; the server's own Retry-After goes before."""

    times: int = 5
    first_s: float = 0.5  # before the first further try
    most_s: float = 30.0  # before any

    def wait_s(self, number: int, failure: Failed, ident: int) -> float:
        """Seconds before further try `number`, from 0, scattered by the request's id, lest all come back at once."""
        if failure.retry_after_s is not None:
            return min(failure.retry_after_s, self.most_s)
        doubled = min(self.first_s * 2.0 ** min(number, 60), self.most_s)
        return doubled * Random(f"{ident} {number}").uniform(0.5, 1.0)

    async def until_done(self, attempt: Callable[[], Awaitable[Result]], ident: int) -> Result:
        """The first result of `attempt`; raises its last Failed, at once where another try would not help."""
        for number in range(self.times):
            try:
                return await attempt()
            except Failed as failure:
                if not failure.retryable:
                    raise
                await asyncio.sleep(self.wait_s(number, failure, ident))
        return await attempt()
