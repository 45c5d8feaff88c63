"""`gpu-validate`: the commands, and how errors become messages and exit codes.

Exit codes are s3sim's: 0 done; 1 the machine failed us or the run was interrupted; 2 the input cannot be used.
"""

import argparse
import sys
from collections.abc import Sequence

from s3sim.core.errors import S3SimError

__all__ = ["main", "parser"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; errors end in one message and an exit code."""
    given = parser().parse_args(arguments)
    try:
        given.run(given)
    except S3SimError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    found = argparse.ArgumentParser(
        prog="gpu-validate", description="Replay simulated experiments on a real device, with the same scheduling code."
    )
    _register(found.add_subparsers(dest="command", required=True, metavar="COMMAND"))
    return found


def _register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Each command's module adds its own parser; a new command is one line here."""
    from gpu_validate import (  # noqa: PLC0415  numpy and pandas take a while to import
        all_command,
        compare_command,
        fit_command,
        profile_command,
        replay_command,
        steps_command,
        summarize_command,
    )

    first = (profile_command, steps_command, fit_command, replay_command)
    for command in (*first, summarize_command, compare_command, all_command):
        command.add(commands)


if __name__ == "__main__":
    sys.exit(main())
