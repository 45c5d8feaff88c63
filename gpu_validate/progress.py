"""A progress bar on a terminal, and lines elsewhere."""

import sys
from time import monotonic

__all__ = ["Progress", "say"]

WIDTH = 30  # characters
SOME = 10  # s between lines where there is no terminal


def say(text: str) -> None:
    """One line for the user, beside the results on standard output."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


class Progress:
    """Told how much is done, of how much; the last call ends the line."""

    def __init__(self) -> None:
        self._begun = self._told = monotonic()

    def __call__(self, done: int, total: int) -> None:
        """Draw, or print a line now and then."""
        now = monotonic()
        left = (now - self._begun) / max(1, done) * (total - done)
        text = f"{done}/{total}, {left:.0f} s left"
        if sys.stderr.isatty():
            bar = "#" * (WIDTH * done // total)
            print(f"\r[{bar:<{WIDTH}}] {text}   ", end="" if done < total else "\n", file=sys.stderr, flush=True)  # noqa: T201
        elif now - self._told > SOME:
            self._told = now
            say(text)
