"""What --json prints: JSON and nothing else, with null for what has no value."""

import json
import sys
from collections.abc import Mapping
from enum import Enum
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["plain", "print_json", "rows_of", "yaml_word"]


def print_json(value: Any) -> None:
    """Print a value as JSON to standard output."""
    json.dump(plain(value), sys.stdout, indent=1, allow_nan=False)
    sys.stdout.write("\n")


def rows_of(frame: "pd.DataFrame") -> list[dict[str, Any]]:
    """A frame's rows as JSON objects, keyed by its columns."""
    return [plain(row) for row in frame.to_dict("records")]


def yaml_word(value: Any) -> str:
    """A value as an experiment YAML has it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def plain(value: Any) -> Any:
    """A value as JSON holds it: NaN and infinity are null, NumPy's scalars numbers, paths and choices texts."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(inner) for inner in value]
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "item"):  # of NumPy
        value = value.item()
    if isinstance(value, float) and not isfinite(value):
        return None
    return value if value is None or isinstance(value, bool | int | float | str) else _missing(value)


def _missing(value: Any) -> None:
    """pandas' NA, which is no number."""
    if value != value or repr(value) == "<NA>":  # noqa: PLR0124 - NaT is not equal to itself
        return
    raise TypeError(f"{value!r} is no value of JSON")
