"""What --help says: an example of every command that would be understood, whole at any width."""

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from s3sim.cli.main import app
from tests.cli.conftest import Call


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with the words that lead to it."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


ALL = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_has_an_example_that_it_understands(path: tuple[str, ...], call: Call) -> None:
    """Its own words, options that it has, as many arguments as it takes; no line of it is wrapped."""
    text = call(*path, "--help").out
    name = " ".join(("s3sim", *path))
    examples = re.findall(rf"^    ({name}(?: .*)?)$", text, flags=re.MULTILINE)
    assert examples
    for line in examples:
        given = shlex.split(line.split(" && ")[0].split(" > ")[0])[1 + len(path) :]
        ALL[path].make_context(name, given, resilient_parsing=False)


@pytest.mark.parametrize("width", [60, 80])
def test_summaries_of_commands_are_not_cut(width: int, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """The general help, and that of each group, tells what each command does in a whole sentence."""
    monkeypatch.setenv("COLUMNS", str(width))
    groups = {path[:-1] for path in ALL}
    assert len(groups) == 4
    for group in groups:
        listed = call(*group, "--help").out.partition("Commands:\n")[2].splitlines()
        assert listed
        assert all(line.endswith(".") and not line.endswith("...") for line in listed)


def test_defaults_are_told_in_brackets(call: Call) -> None:
    """Brackets are text, not markup that is swallowed."""
    assert "[default: results/<name>]" in " ".join(call("run", "--help").out.split())
