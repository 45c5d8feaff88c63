"""Values of a program as an experiment holds them: numbers, texts, lists and mappings."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from s3sim.experiment.schema.changes import override_text

__all__ = ["Overrides", "changes", "plain"]

Overrides = Iterable[str] | Mapping[str, Any]  # `key.path=value` each, or dotted key → value


def plain(value: Any) -> Any:
    """Arrays, tuples and ranges as lists, NumPy's numbers as Python's, paths as texts; anything else as it is.

    >>> plain({"seeds": range(3), "path": Path("a.csv")})
    {'seeds': [0, 1, 2], 'path': 'a.csv'}
    """
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, tuple | list | range):
        return [plain(entry) for entry in value]
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):  # of NumPy and pandas
        return value.tolist()
    return value


def changes(overrides: Overrides) -> tuple[str, ...]:
    """Overrides in the words of --set; raises InputError for a value that no YAML holds.

    >>> changes({"workload.requests": 100, "seeds": (0, 1)})
    ('workload.requests=100', 'seeds=[0, 1]')
    """
    if isinstance(overrides, str):
        return (overrides,)
    if isinstance(overrides, Mapping):
        return tuple(override_text(key, plain(value)) for key, value in overrides.items())
    return tuple(overrides)
