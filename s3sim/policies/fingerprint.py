"""What a class's code says, as a digest: two with the same digest decide alike.

Results of a system of one's own are kept by it: whoever edits the class gets new results, not the old ones.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields, is_dataclass
from hashlib import sha256
from types import CodeType, FunctionType
from typing import Any

__all__ = ["code_digest"]

PLAIN = (bool, int, float, complex, str, bytes, type(None), type(...))
GENERATED = "<string>"  # the file name of the methods that `dataclass` writes


def code_digest(kind: type[Any]) -> str:
    """Twelve hex digits of a class's methods and of every function, class and plain value that these name.

    Of other modules than the class's own only names are told: they are taken for libraries. Comments and line
    numbers count for nothing; another version of Python may give another digest.
    """
    told = sha256()
    for part in _object(kind, kind.__module__, set()):
        told.update(part.encode() + b"\0")
    return told.hexdigest()[:12]


def _object(value: Any, module: str, seen: set[int]) -> Iterator[str]:
    """What a value says: plain ones themselves, the module's own classes and functions all that they hold."""
    if isinstance(value, PLAIN):
        yield repr(value)
    elif isinstance(value, tuple | list | set | frozenset | dict):
        yield from _several(value, module, seen)
    elif isinstance(value, CodeType):
        yield from _code(value, module, seen)
    elif isinstance(value, staticmethod | classmethod | property):
        yield from _object(value.fget if isinstance(value, property) else value.__func__, module, seen)
    elif getattr(value, "__module__", None) == module and isinstance(value, type | FunctionType):
        if id(value) not in seen:
            seen.add(id(value))
            yield from _class(value, seen) if isinstance(value, type) else _function(value, seen)
    else:
        yield from _other(value, module, seen)


def _several(values: Any, module: str, seen: set[int]) -> Iterator[str]:
    """The entries, in an order of their own where they have none: sets of texts differ from process to process."""
    entries = values.items() if isinstance(values, dict) else values
    for entry in entries if isinstance(values, tuple | list) else sorted(entries, key=repr):
        yield from _object(entry, module, seen)


def _other(value: Any, module: str, seen: set[int]) -> Iterator[str]:
    """A library's class or function by its name; an object by its class, and what its fields hold."""
    named = value if isinstance(value, type | FunctionType) else type(value)
    yield f"{named.__module__}.{named.__qualname__}"
    if not isinstance(value, type | FunctionType):
        yield from _object(type(value), module, seen)
        if is_dataclass(value):
            yield from _object([getattr(value, entry.name) for entry in fields(value)], module, seen)


def _class(kind: type[Any], seen: set[int]) -> Iterator[str]:
    yield kind.__qualname__
    yield from _object(kind.__bases__, kind.__module__, seen)
    if is_dataclass(kind):
        for entry in fields(kind):
            yield entry.name
            yield from _object(entry.default, kind.__module__, seen)
    for name, value in sorted(vars(kind).items()):
        if _is_written(name, value):
            yield name
            yield from _object(value, kind.__module__, seen)


def _is_written(name: str, value: Any) -> bool:
    """Whether an entry of a class is its author's, and neither Python's nor a dataclass's."""
    if not name.startswith("__"):
        return True
    return isinstance(value, FunctionType) and value.__code__.co_filename != GENERATED


def _function(value: FunctionType, seen: set[int]) -> Iterator[str]:
    module = value.__module__
    yield from _object(value.__defaults__, module, seen)
    yield from _object(sorted((value.__kwdefaults__ or {}).items()), module, seen)
    yield from _object([*_closed_over(value)], module, seen)
    yield from _code(value.__code__, module, seen)
    for name in sorted(_names(value.__code__)):
        if name in value.__globals__:
            yield name
            yield from _object(value.__globals__[name], module, seen)


def _closed_over(value: FunctionType) -> Iterator[Any]:
    for cell in value.__closure__ or ():
        with suppress(ValueError):  # nothing is in it yet
            yield cell.cell_contents


def _code(code: CodeType, module: str, seen: set[int]) -> Iterator[str]:
    yield code.co_code.hex()
    yield repr((code.co_names, code.co_varnames, code.co_freevars))
    yield from _object(code.co_consts, module, seen)


def _names(code: CodeType) -> set[str]:
    """Names that a function looks up, those of the functions in it included."""
    inner = [entry for entry in code.co_consts if isinstance(entry, CodeType)]
    return set(code.co_names).union(*map(_names, inner))
