"""Typed access to the values of a JSON object, so that each fault names its file and key."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s3sim.core.errors import InputError, SystemFaultError

__all__ = ["HfValues", "read_json"]

LARGEST = 10**8  # far above every count of a language model's shape


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object that a file holds; raises InputError where it holds none, SystemFaultError where it fails."""
    try:
        values = json.loads(path.read_text(encoding="utf-8-sig"))
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise InputError(f"{path}: no such file; give the path of a model's config.json") from None
    except json.JSONDecodeError as error:
        raise InputError(f"{path}:{error.lineno}: not JSON: {error.msg}; give a model's config.json") from None
    except (ValueError, RecursionError) as error:  # no UTF-8, a number of thousands of digits, endless brackets
        raise InputError(f"{path}: not JSON: {error}; give a model's config.json") from None
    except OSError as error:
        raise SystemFaultError(f"{path}: cannot be read: {error.strerror}") from error
    if not isinstance(values, dict):
        raise InputError(f"{path}: holds a {type(values).__name__}; a config.json is an object of keys and values")
    return values


@dataclass(frozen=True, slots=True)
class HfValues:
    """The keys of a config.json; a key that is null counts as absent, as transformers has it.

    Each reader raises InputError with file and key for a value of another type or range, and for an
    absent key without a default.
    """

    path: str
    values: dict[str, Any]

    def place(self, key: str) -> str:
        """`file: key`, for messages."""
        return f"{self.path}: {key}"

    def given(self, key: str) -> bool:
        """Whether the key is there and not null."""
        return self.values.get(key) is not None

    def text(self, key: str, *, default: str | None = None) -> str:
        """A text."""
        value = self._get(key, default)
        if not isinstance(value, str):
            raise self._unusable(key, value, "a text")
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """True or false."""
        value = self._get(key, default)
        if not isinstance(value, bool):
            raise self._unusable(key, value, "true or false")
        return value

    def whole(self, key: str, other: str | None = None, *, default: int | None = None) -> int:
        """A count from 1 to LARGEST, under a key or under another spelling of it."""
        if other is not None and not self.given(key) and self.given(other):
            key = other
        value = self._get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= LARGEST:
            raise self._unusable(key, value, f"a whole number from 1 to {LARGEST}")
        return value

    def divisor(self, key: str, *, of: int, default: int) -> int:
        """A count that divides `of`."""
        value = self.whole(key, default=default)
        if of % value:
            raise self._unusable(key, value, f"a divisor of the {of} query heads")
        return value

    def even(self, key: str) -> int:
        """An even count."""
        value = self.whole(key)
        if value % 2:
            raise self._unusable(key, value, "an even number")
        return value

    def _get(self, key: str, default: object) -> object:
        if self.given(key):
            return self.values[key]
        if default is None:
            raise InputError(f"{self.place(key)}: missing; add it, or give a config.json that has it")
        return default

    def _unusable(self, key: str, value: object, wanted: str) -> InputError:
        text = repr(value)
        shown = text if len(text) <= 60 else f"{text[:57]}..."
        return InputError(f"{self.place(key)}: {shown} is not usable; give {wanted}")
