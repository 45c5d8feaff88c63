"""A broken law is never swallowed: no handler in s3sim catches InvariantError."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "s3sim"
WIDE = {"InvariantError", "Exception", "BaseException"}  # names of types under which an InvariantError would be caught


def caught(source: str) -> list[int]:
    """Lines of handlers that would catch an InvariantError and not raise it again."""
    handlers = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ExceptHandler)]
    return [handler.lineno for handler in handlers if _is_wide(handler) and not _reraises(handler)]


def _is_wide(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    names = {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)}
    names |= {node.attr for node in ast.walk(handler.type) if isinstance(node, ast.Attribute)}
    return bool(names & WIDE)


def _reraises(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def test_nobody_catches_an_invariant_error() -> None:
    """No `except` in the package catches InvariantError, or all exceptions, without raising it again."""
    files = sorted(PACKAGE.rglob("*.py"))
    assert len(files) > 20
    found = [f"{file.relative_to(PACKAGE.parent)}:{line}" for file in files for line in caught(file.read_text())]
    assert not found


@pytest.mark.parametrize(
    ("handler", "swallows"),
    [
        ("except InvariantError: pass", True),
        ("except (OSError, errors.InvariantError): pass", True),
        ("except Exception as error: print(error)", True),
        ("except: pass", True),
        ("except InputError: pass", False),
        ("except BaseException: raise", False),
    ],
)
def test_a_handler_that_swallows_is_told_from_one_that_does_not(handler: str, swallows: bool) -> None:
    """The search finds bare, wide and named handlers, and lets those pass that raise again."""
    assert bool(caught(f"try: f()\n{handler}\n")) == swallows
