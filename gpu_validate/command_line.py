"""The command as it may be written down: without what gives access to anything."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = ["told_command"]

IN_URL = re.compile(r"(\w+://)[^/@\s]+@")
SECRET = re.compile(r"^--(?:[a-z-]*-)?(?:token|key|secret|password|header)$")
HIDDEN = "***"


def told_command(arguments: Sequence[str] | None = None) -> list[str]:
    """The program's name and its arguments; users in URLs, and values of secrets' options, are hidden."""
    program, *given = sys.argv if arguments is None else arguments
    told, hide = [Path(program).name], False
    for argument in given:
        name, equals, _ = argument.partition("=")
        secret = SECRET.match(name) is not None
        if hide:
            told.append(HIDDEN)
        elif secret and equals:
            told.append(f"{name}={HIDDEN}")
        else:
            told.append(IN_URL.sub(rf"\1{HIDDEN}@", argument))
        hide = secret and not equals
    return told
