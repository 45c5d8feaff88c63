"""JSON files as tables: JSON Lines, an array of objects, or one object of arrays."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Any

from s3sim.core.errors import InputError
from s3sim.workload.files import open_binary
from s3sim.workload.tables import Chunk, Table

__all__ = ["open_json"]

ROWS = 4096  # objects held at a time
BLOCK = 1 << 20  # characters of an array read at a time
Row = tuple[int, dict[str, Any]]  # the line on which an object begins, from 1, and the object
# a number with a fraction stays the text that it was, so that a time keeps every digit
_DECODER = json.JSONDecoder(parse_float=str)


def open_json(path: Path) -> Table:
    """Table of a JSON file: rows are the lines' or an array's objects, or the entries of one object's arrays."""
    start = _start(path)
    if start.startswith("["):
        return _rows_table(path, _items)
    content = _one_object(path)
    return _rows_table(path, _lines) if content is None else _arrays_table(path, content)


def _start(path: Path) -> str:
    with _text(path) as file:
        while text := file.read(BLOCK):
            if text.strip():
                return text.lstrip()
    raise InputError(f"{path}: is empty; JSON objects are needed")


@contextmanager
def _text(path: Path) -> Iterator[TextIOWrapper]:
    with open_binary(path) as binary:
        try:
            yield TextIOWrapper(binary, encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise InputError(f"{path}: is no text in UTF-8: {error}") from error


def _lines(path: Path) -> Iterator[Row]:
    """The objects of a JSON Lines file."""
    with _text(path) as file:
        for line, text in enumerate(file, start=1):
            if text.strip():
                yield line, _object(path, line, _decoded(path, line, text, last=not text.endswith("\n")))


def _decoded(path: Path, line: int, text: str, *, last: bool) -> object:
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        hint = " (is the file truncated?)" if last else ""
        raise InputError(f"{path}:{line}: is no JSON value: {error.msg} at character {error.colno}{hint}") from error


def _object(path: Path, line: int, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{path}:{line}: {type(value).__name__} where an object {{...}} is needed")
    return value


def _items(path: Path) -> Iterator[Row]:
    """The objects of an array, read a block at a time."""
    with _text(path) as file:
        text, line = file.read(BLOCK), 1
        skip = text.index("[") + 1
        while True:
            line, text = line + text.count("\n", 0, skip), text[skip:]
            rest = text.lstrip(" \t\r\n,")
            if rest.startswith("]"):
                return
            line, text = line + text.count("\n", 0, len(text) - len(rest)), rest
            try:
                value, skip = _DECODER.raw_decode(text)
            except json.JSONDecodeError as error:
                more = file.read(max(BLOCK, len(text)))
                if not more:
                    raise InputError(
                        f"{path}:{line}: this element of the array does not end, or is no JSON value: {error.msg}"
                        " (is the file truncated?)"
                    ) from error
                text, skip = text + more, 0
                continue
            yield line, _object(path, line, value)


def _rows_table(path: Path, rows: Callable[[Path], Iterator[Row]]) -> Table:
    first = next(rows(path), None)
    if first is None:
        raise InputError(f"{path}: holds no rows, only an empty array")

    def chunks(wanted: Sequence[str]) -> Iterator[Chunk]:
        records = rows(path)
        while some := [record for _, record in islice(records, ROWS)]:
            yield {name: [_at(record, name) for record in some] for name in wanted}

    def row(number: int) -> Row:
        return next(islice(rows(path), number, None))

    return Table(
        path,
        tuple(first[1]),
        chunks,
        lambda number: f"{path}:{row(number)[0]}",
        lambda number, name: _at(row(number)[1], name),
        nested=True,
    )


def _at(record: dict[str, Any], name: str) -> Any:
    """What stands under a name, or under a path such as choices.0.text; None where nothing does."""
    if name in record or "." not in name:
        return record.get(name)
    here: Any = record
    for step in name.split("."):
        if isinstance(here, dict):
            here = here.get(step)
        elif isinstance(here, list) and step.isdigit() and int(step) < len(here):
            here = here[int(step)]
        else:
            return None
    return here


def _one_object(path: Path) -> dict[str, Any] | None:
    """The object, where the file is one and holds arrays; None where it holds lines of objects."""
    with _text(path) as file:
        text = next(line for line in file if line.strip())
        more = any(line.strip() for line in file)
    try:
        _DECODER.decode(text)
        if more:
            return None
    except json.JSONDecodeError:  # it goes on in the next lines, or one of them is wrong
        with _text(path) as file:
            text = file.read()
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError:
        return None  # the lines will say which of them is wrong
    arrays = [cells for cells in value.values() if isinstance(cells, list)] if isinstance(value, dict) else []
    return value if len(arrays) > 1 else None


def _arrays_table(path: Path, content: dict[str, Any]) -> Table:
    arrays = {name: cells for name, cells in content.items() if isinstance(cells, list)}

    def chunks(wanted: Sequence[str]) -> Iterator[Chunk]:
        lengths = {name: len(arrays[name]) for name in wanted}
        if len(set(lengths.values())) > 1:
            raise InputError(f"{path}: arrays differ in length: {lengths}; every row needs one entry in each")
        yield {name: arrays[name] for name in wanted}

    def value(row: int, name: str) -> object:
        return arrays[name][row]

    facts = {name: fact for name, fact in content.items() if name not in arrays}
    return Table(path, tuple(arrays), chunks, lambda row: f"{path}: entry {row} of each array", value, facts)
