"""How a request to a server can fail."""

from enum import StrEnum

__all__ = ["Failed", "Kind"]


class Kind(StrEnum):
    """What went wrong with a request."""

    CONNECTION = "connection"  # no connection, or it broke before the answer began
    STATUS = "status"  # the answer's status is none of success
    TIMEOUT = "timeout"
    DROPPED = "dropped"  # the stream ended before the completion did
    GARBAGE = "garbage"  # what came is no stream of completions
    ERROR = "error"  # the stream itself told of an error
    EMPTY = "empty"  # a completion without a token
    CANCELLED = "cancelled"  # the replay stopped before this request was done


RETRIED = (429, 503)  # too many requests, unavailable: the server asks for another try


class Failed(Exception):  # noqa: N818  a request that failed is an outcome, counted and written down
    """The failure of one request; `retry_after_s` is what the server asked for."""

    def __init__(
        self, kind: Kind, message: str, *, status: int | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.status = status
        self.retry_after_s = retry_after_s

    @property
    def retryable(self) -> bool:
        """Whether no answer began and another try may help, so that the same request is sent again."""
        return self.kind is Kind.CONNECTION or self.status in RETRIED

    @property
    def refused(self) -> bool:
        """Whether the server will refuse every such request: a 3xx or 4xx that no waiting helps."""
        return self.status is not None and 300 <= self.status < 500 and not self.retryable
