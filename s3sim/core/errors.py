"""Every error that s3sim raises on purpose.

S3SimError
├── InputError            bad input: the value, what is wrong, what would be right; exit code 2
│   └── UnknownNameError  a name that no registry holds; lists the known ones
└── SystemFaultError      the world failed: a full disk, a file that vanished; exit code 1
InvariantError            a law of ARCHITECTURE.md is broken: a bug of s3sim; nobody catches it
"""

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["InputError", "InvariantError", "S3SimError", "SystemFaultError", "UnknownNameError"]


class S3SimError(Exception):
    """An error that s3sim reports to its user in one message, without a traceback."""

    exit_code = 1


class InputError(S3SimError):
    """Input that cannot be used; the message names the value, the place and the remedy."""

    exit_code = 2


class UnknownNameError(InputError):
    """A name that a registry does not hold; the message lists the known ones and the closest."""

    def __init__(self, kind: str, name: str, known: Iterable[str], *, place: str = "") -> None:
        names = sorted(known)
        close = get_close_matches(name, names, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        where = f"{place}: " if place else ""
        super().__init__(f"{where}unknown {kind} {name!r}{hint} (known: {', '.join(names)})")


class SystemFaultError(S3SimError):
    """The machine failed us: a full disk, a file that vanished while it was read."""


class InvariantError(Exception):
    """A law was broken. This is a bug of s3sim, never of its user, and is never caught."""
