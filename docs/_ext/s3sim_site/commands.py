"""The pages of the command lines, from the parsers themselves.

No extension for click is used: typer carries a click of its own, which those do not know.
"""

import argparse
from collections.abc import Iterator
from textwrap import dedent
from typing import Any

import typer

from s3sim_site.absent import absent
from s3sim_site.texts import plain

__all__ = ["TORCH", "gpu_validate_commands", "s3sim_commands"]

TORCH = ("torch", "transformers", "safetensors", "tokenizers", "huggingface_hub", "aiohttp")  # needed by no page
HELP = ("--help", "-h")


def s3sim_commands() -> str:
    """A section for each command of `s3sim`."""
    from s3sim.cli.main import app  # noqa: PLC0415  only while a page is made

    return "\n\n".join(_walk(typer.main.get_command(app), "s3sim"))


def _walk(command: Any, name: str) -> Iterator[str]:
    """A command's own section, or those of its commands below its own help."""
    inner = getattr(command, "commands", {})
    if not inner:
        yield _section(command, name)
        return
    if " " in name:
        yield f"## `{name}`\n\n{plain(command.help or '')}"
    for word in sorted(inner):
        yield from _walk(inner[word], f"{name} {word}")


def _section(command: Any, name: str) -> str:
    context = command.make_context(name, [], resilient_parsing=True)
    options = [
        _option(*parameter.get_help_record(context))
        for parameter in command.get_params(context)
        if parameter.get_help_record(context) and not set(parameter.opts) & set(HELP)
    ]
    level = "##" if name.count(" ") == 1 else "###"
    usage = command.get_usage(context).removeprefix("Usage: ")
    return _page(f"{level} `{name}`", name, usage, command.help or "", options)


def _page(heading: str, name: str, usage: str, about: str, options: list[str]) -> str:
    parts = [heading, f"```text\n{usage}\n```", *_paragraphs(about), f":::{{program}} {name}\n:::", *options]
    return "\n\n".join(parts)


def _paragraphs(about: str) -> Iterator[str]:
    """A help text; a paragraph that begins with \\b is not to be filled: a line, and examples below it."""
    for paragraph in about.split("\n\n"):
        if not paragraph.startswith("\b"):
            yield plain(paragraph)
            continue
        title, *examples = paragraph.removeprefix("\b").strip("\n").splitlines()
        yield plain(title)
        yield "\n".join(("```text", dedent("\n".join(examples)), "```"))


def _option(name: str, about: str) -> str:
    return f":::{{option}} {name}\n{plain(about)}\n:::"


def gpu_validate_commands() -> str:
    """A section for each command of `gpu-validate`; torch and what comes with it need not be installed."""
    with absent(*TORCH):
        from gpu_validate.cli import parser  # noqa: PLC0415

        commands = _choices(parser())
        return "\n\n".join(_gpu_section(name, command) for name, command in commands.items())


def _choices(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The parsers of its commands."""
    (inner,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return dict(inner.choices)


def _gpu_section(name: str, command: argparse.ArgumentParser) -> str:
    called = f"gpu-validate {name}"
    options = [_option(_called(action), _about(action)) for action in command._actions if action.dest != "help"]
    wanted = [action.metavar or action.dest for action in command._actions if not action.option_strings]
    usage = " ".join([called, *map(str, wanted), "[OPTIONS]"])
    return _page(f"## `{called}`", called, usage, command.description or "", options)


def _called(action: argparse.Action) -> str:
    names = ", ".join(action.option_strings) or action.dest
    if action.nargs == 0 or not action.option_strings:
        return names
    wanted = "|".join(map(str, action.choices)) if action.choices else str(action.metavar or action.dest).upper()
    return f"{names} <{wanted}>" if action.choices else f"{names} {wanted}"


def _about(action: argparse.Action) -> str:
    """Its help, and its default where the help does not tell it."""
    about = action.help or ""
    if action.nargs == 0 or not action.option_strings or "[default" in about or action.default in (None, []):
        return about or "–"
    default = " ".join(map(str, action.default)) if isinstance(action.default, list) else str(action.default)
    return f"{about} [default: {default}]".strip()
