"""A watchdog: a run that goes round in circles fails its test instead of hanging it."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["NoEndError", "time_limit"]

LONGEST = 20  # seconds; a run of a small world takes milliseconds


class NoEndError(BaseException):
    """A run did not end. No Exception, so that nobody tries to find a smaller one that does not end either."""


@contextmanager
def time_limit(what: object) -> Iterator[None]:
    """Raise NoEndError after LONGEST seconds, naming what was run; without signals there is no limit."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise NoEndError(f"no end after {LONGEST} s of {what}")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(LONGEST)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
