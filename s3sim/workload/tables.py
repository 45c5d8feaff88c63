"""Files as columns of raw values, read in chunks, with the place of every row."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from s3sim.core.errors import InputError
from s3sim.workload.checks import Place, Value

__all__ = ["Cells", "Chunk", "Table", "as_array"]

Cells = Any  # a pyarrow Array, or a list of JSON values: some rows of one column
Chunk = Mapping[str, Cells]  # by the file's names, all of one length


@dataclass(frozen=True, slots=True)
class Table:
    """A file of which only the names have been read so far.

    `chunks` reads the columns of the given names from the file's start to its end, some rows at a time, so
    that a large file is never in memory as text. `place` and `value` read the file again, to say what is wrong
    with it.
    """

    path: Path
    names: tuple[str, ...]
    chunks: Callable[[Sequence[str]], Iterator[Chunk]]
    place: Place
    value: Value  # as the file wrote it
    facts: Mapping[str, object] = field(default_factory=dict)  # what the file says besides its rows
    nested: bool = False  # whether a name may lead into a row's objects and lists: choices.0.text

    def has(self, name: str) -> bool:
        """Whether the file has this column."""
        return name in self.names or (self.nested and name.partition(".")[0] in self.names)

    def renamed(self, names: Mapping[str, str]) -> "Table":
        """The table with a second name (the key) for some columns; InputError for a column that is not there."""
        missing = [name for name in names.values() if not self.has(name)]
        if missing:
            raise InputError(f"{self.path}: no column {', '.join(missing)}; found {', '.join(self.names)}")

        def chunks(wanted: Sequence[str]) -> Iterator[Chunk]:
            for chunk in self.chunks([names.get(name, name) for name in wanted]):
                yield {name: chunk[names.get(name, name)] for name in wanted}

        def value(row: int, name: str) -> object:
            return self.value(row, names.get(name, name))

        return replace(self, names=tuple(dict.fromkeys([*self.names, *names])), chunks=chunks, value=value)

    def filled(self, constants: Mapping[str, int]) -> "Table":
        """The table with further columns of one value each; InputError for a column that is there already."""
        twice = [name for name in constants if self.has(name)]
        if twice:
            raise InputError(f"{self.path}: has a column {twice[0]!r}, so it takes no constant in its place")

        def chunks(wanted: Sequence[str]) -> Iterator[Chunk]:
            read = [name for name in wanted if name not in constants]
            if not read:
                raise InputError(f"{self.path}: only constants are left; at least one column must be the file's")
            for chunk in self.chunks(read):
                rows = len(chunk[read[0]])
                yield {**chunk, **{name: pa.array([value] * rows) for name, value in constants.items()}}

        def value(row: int, name: str) -> object:
            return constants[name] if name in constants else self.value(row, name)

        return replace(self, names=(*self.names, *constants), chunks=chunks, value=value)


def as_array(cells: Cells) -> pa.Array:
    """Cells as an array: JSON values of several types become text, and what is missing null."""
    if not isinstance(cells, list):
        return cells
    try:
        return pa.array(cells)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return pa.array([None if value is None else str(value) for value in cells], pa.string())
