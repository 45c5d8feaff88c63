"""The Python APIs: what the packages export, described from their docstrings."""

import inspect
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import Any

from s3sim_site.absent import absent
from s3sim_site.commands import TORCH
from s3sim_site.texts import plain

__all__ = ["python"]


def python(package: str) -> str:
    """A directive for each name of a package, functions first, then a section for each module that it exports.

    autodoc itself finds no names that are imported only when they are asked for. Torch and what comes with it need
    not be installed; once imported here, the modules are known to autodoc.
    """
    with absent(*TORCH):
        names = {name: getattr(import_module(package), name) for name in import_module(package).__all__}
        modules = {name: entry for name, entry in names.items() if inspect.ismodule(entry)}
        own = {name: entry for name, entry in names.items() if name not in modules}
        parts = [_directives(package, own), *(_section(f"{package}.{name}", modules[name]) for name in modules)]
        return "\n\n".join(parts)


def _section(name: str, module: ModuleType) -> str:
    entries = {entry: getattr(module, entry) for entry in module.__all__}
    about = plain(inspect.getdoc(module) or "")
    return f"## {name}\n\n{about}\n\n{_directives(name, entries)}"


def _directives(package: str, entries: dict[str, Any]) -> str:
    return "\n".join(("```{eval-rst}", *_lines(package, entries), "```"))


def _lines(package: str, entries: dict[str, Any]) -> Iterator[str]:
    classes = [name for name, entry in entries.items() if inspect.isclass(entry)]
    yield from (f".. autofunction:: {package}.{name}\n" for name in entries if name not in classes)
    yield from (f".. autoclass:: {package}.{name}\n   :members:\n" for name in classes)
