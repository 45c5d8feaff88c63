"""How long a request is waited for, and how it ended."""

import asyncio
from dataclasses import dataclass

from gpu_validate.endpoint.chunks import Chunk

__all__ = ["Ending", "Limits", "Watch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The longest that anything is waited for, in seconds."""

    connect_s: float = 10.0
    first_token_s: float = 600.0  # from sending on: a request waits in the server's queue, too
    token_s: float = 60.0  # between a chunk with text and the next
    request_s: float = 3600.0  # from the first try to the last token


@dataclass(slots=True)
class Ending:
    """How a completion ended, and what the server counted; None: it did not say."""

    finish_reason: str | None = None
    completion_tokens: int | None = None
    prompt_tokens: int | None = None
    done: bool = False  # by the stream's own words

    def take(self, chunk: Chunk) -> None:
        """Keep the latest of what a chunk tells."""
        self.finish_reason = chunk.finish_reason or self.finish_reason
        self.done = self.finish_reason is not None
        if chunk.completion_tokens is not None:
            self.completion_tokens = chunk.completion_tokens
        if chunk.prompt_tokens is not None:
            self.prompt_tokens = chunk.prompt_tokens


class Watch:
    """The alarm of one request: set for its first token, then anew with each; made within a running loop."""

    def __init__(self, limits: Limits, within_s: float) -> None:
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._end = self._loop.time() + within_s
        self._tokens = 0
        self.begun = False  # the answer's headers came
        self.alarm = asyncio.timeout_at(self._due(limits.first_token_s))

    def token(self) -> None:
        """A chunk with text came: from now on, wait for the next."""
        self._tokens += 1
        self.alarm.reschedule(self._due(self._limits.token_s))

    def message(self) -> str:
        """What was waited for in vain."""
        if self._loop.time() >= self._end:
            return f"not finished within {self._limits.request_s:g} s"
        if not self._tokens:
            return f"no token within {self._limits.first_token_s:g} s"
        return f"no token for {self._limits.token_s:g} s after {self._tokens} of them"

    def _due(self, wait_s: float) -> float:
        return min(self._end, self._loop.time() + wait_s)
