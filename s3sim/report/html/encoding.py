"""Numbers and figures as JSON that is small, and the same for the same run."""

from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["packed", "renumbered"]

Plain = Any  # what JSON holds
TYPES = {"float32": "f4", "float64": "f8", "uint16": "u2"}  # as the page's script names them


def packed(values: NDArray[Any]) -> dict[str, str]:
    """A column as base64 of its little-endian bytes, for a typed array."""
    kind = TYPES[values.dtype.name]
    return {"type": kind, "data": b64encode(np.ascontiguousarray(values, f"<{kind}").tobytes()).decode()}


def renumbered(items: Iterable[Mapping[str, Plain]]) -> list[Plain]:
    """Figures with their models' ids counted from 1; Bokeh counts all that a process ever made."""
    numbers: dict[str, str] = {}

    def rename(ident: str) -> str:
        return numbers.setdefault(ident, f"m{len(numbers) + 1}")

    return [_walked({**item, "root_id": rename(item["root_id"])}, rename) for item in items]


def _walked(plain: Plain, rename: Any) -> Plain:
    if isinstance(plain, Mapping):
        return {
            key: rename(value) if key == "id" and isinstance(value, str) else _walked(value, rename)
            for key, value in plain.items()
        }
    return [_walked(entry, rename) for entry in plain] if isinstance(plain, list | tuple) else plain
