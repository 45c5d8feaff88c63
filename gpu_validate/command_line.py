"""The command as it may be written down: without what gives access to anything."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from gpu_validate.endpoint.address import without_credentials

__all__ = ["told_command"]

SECRET = re.compile(r"^--(?:[a-z-]*-)?(?:token|key|secret|password|header)$")
HIDDEN = "***"


def told_command(arguments: Sequence[str] | None = None) -> list[str]:
    """The program's name and its arguments; users and queries in URLs, and values of secrets' options, are left out."""
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
            told.append(without_credentials(argument))
        hide = secret and not equals
    return told
