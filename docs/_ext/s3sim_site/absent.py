"""Stand-ins for packages that a page's build need not have: names of them are classes that do nothing.

Sphinx's own stand-ins are no types, so that annotations such as `slice | Tensor` fail on them.
"""

import sys
from collections.abc import Iterator, MutableSequence, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ["absent"]


def _take(self: Any, *_: Any, **__: Any) -> None:
    """Be made with whatever is given."""


def _give_back(self: Any, given: Any = None, *_: Any, **__: Any) -> Any:
    """As a decorator, leave what is decorated as it is."""
    return given


class _Name(type):
    """A class any of whose attributes is such a class too."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Name(name, (), {"__init__": _take, "__call__": _give_back})


class _Module(ModuleType):
    """A module that has every name."""

    __path__: MutableSequence[str] = []  # noqa: RUF012  shared by all, and empty

    def __getattr__(self, name: str) -> Any:
        return getattr(_Name("names", (), {}), name)


class _Finder(MetaPathFinder, Loader):
    """Finds modules of the absent packages before anybody else does."""

    def __init__(self, packages: Sequence[str]) -> None:
        self._packages = packages

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """A specification for a module of them, else None."""
        return ModuleSpec(name, self, is_package=True) if name.partition(".")[0] in self._packages else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The stand-in."""
        return _Module(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing is to be run."""


@contextmanager
def absent(*packages: str) -> Iterator[None]:
    """Let imports of these packages find stand-ins, whether they are installed or not."""
    finder = _Finder(packages)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
