"""Run what a page of the documentation shows: `python docs/run_page.py docs/tutorial.md build/tutorial`.

In a folder, in the order of the page: a code block whose caption is a file's name is written to it; of a block of
`console` the lines after `$` are run, and the lines below must stand in what the command prints. Other blocks are
not run.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["Command", "File", "run_page", "steps"]

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"^```(?P<kind>console|\{code-block\} \w+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
CAPTION = re.compile(r"\A:caption: (?P<name>[\w-]+\.\w+)\n+")
PROGRAMS = {
    "s3sim": [sys.executable, "-m", "s3sim"],
    "gpu-validate": [sys.executable, "-m", "gpu_validate.cli"],
    "python": [sys.executable],
}


class File(NamedTuple):
    """A file that a page has its reader write."""

    name: str
    text: str


class Command(NamedTuple):
    """A command that a page has its reader run, and lines of what it prints."""

    words: list[str]
    output: list[str]


def steps(text: str) -> Iterator[File | Command]:
    """What a page asks for, in its order; raises ValueError for a program that is none of the project's."""
    for block in BLOCK.finditer(text):
        caption = CAPTION.match(block["body"])
        if block["kind"] == "console":
            yield from _commands(block["body"])
        elif caption:
            yield File(caption["name"], block["body"][caption.end() :])


def _commands(body: str) -> Iterator[Command]:
    for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        line, *output = part.replace("\\\n", " ").splitlines()
        program, *words = shlex.split(line)
        if program not in PROGRAMS:
            raise ValueError(f"{line}: {program} is none of {', '.join(PROGRAMS)}")
        yield Command([*PROGRAMS[program], *words], [" ".join(shown.split()) for shown in output if shown.strip()])


def run_page(page: Path, folder: Path) -> int:
    """Follow a page in a folder; returns how many commands it has, raises RuntimeError where one does otherwise."""
    paths = (str(ROOT), os.environ.get("PYTHONPATH", ""))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "COLUMNS": "100"}
    count = 0
    for step in steps(page.read_text(encoding="utf-8")):
        if isinstance(step, File):
            (folder / step.name).write_text(step.text, encoding="utf-8")
        else:
            count += 1
            _run(step, folder, environment)
    return count


def _run(command: Command, folder: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(command.words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    line = shlex.join(command.words[1:])
    if done.returncode:
        raise RuntimeError(f"{line}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}")
    printed = {" ".join(shown.split()) for shown in done.stdout.splitlines()}
    if missing := [shown for shown in command.output if shown not in printed]:
        raise RuntimeError(f"{line}: does not print {missing}, but\n{done.stdout}")


if __name__ == "__main__":
    page, folder = map(Path, sys.argv[1:])
    folder.mkdir(parents=True)
    run_page(page.resolve(), folder)
