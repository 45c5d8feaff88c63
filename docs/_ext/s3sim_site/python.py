"""The Python APIs: what the packages export, described from their docstrings."""

import inspect
from collections.abc import Iterator
from importlib import import_module

from s3sim_site.absent import absent
from s3sim_site.commands import TORCH

__all__ = ["python"]


def python(package: str) -> str:
    """A directive for each name of a package, functions first; autodoc finds no names that are imported when asked for.

    Torch and what comes with it need not be installed; once imported here, the modules are known to autodoc.
    """
    with absent(*TORCH):
        return "\n".join(("```{eval-rst}", *_entries(package), "```"))


def _entries(package: str) -> Iterator[str]:
    names = import_module(package).__all__
    classes = [name for name in names if inspect.isclass(getattr(import_module(package), name))]
    yield from (f".. autofunction:: {package}.{name}\n" for name in names if name not in classes)
    yield from (f".. autoclass:: {package}.{name}\n   :members:\n" for name in classes)
