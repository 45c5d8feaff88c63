"""The Python API: what `s3sim` exports, described from its docstrings."""

import inspect
from collections.abc import Iterator

import s3sim

__all__ = ["python"]


def python() -> str:
    """A directive for each name, functions first; autodoc would not find names that are imported when asked for."""
    return "\n".join(("```{eval-rst}", *_entries(), "```"))


def _entries() -> Iterator[str]:
    classes = [name for name in s3sim.__all__ if inspect.isclass(getattr(s3sim, name))]
    yield from (f".. autofunction:: s3sim.{name}\n" for name in s3sim.__all__ if name not in classes)
    yield from (f".. autoclass:: s3sim.{name}\n   :members:\n" for name in classes)
