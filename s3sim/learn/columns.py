"""The columns of prompts, answers, lengths and ids in a file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s3sim.core.errors import InputError
from s3sim.learn.source import Source
from s3sim.predictors.predictor import IntArray
from s3sim.workload.cells import whole_numbers
from s3sim.workload.detection import open_table
from s3sim.workload.formats import FORMATS, Format
from s3sim.workload.tables import Table
from s3sim.workload.tokenizer import load_tokenizer

__all__ = ["Rows", "prompt_rows", "served_rows", "text_column", "whole_column"]

CONVERSATIONS = ("sharegpt", "alpaca")  # formats that are known by their columns


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The rows of a file of prompts; `answers` is None where the file has none."""

    table: Table
    ids: IntArray
    prompts: Sequence[str | None]
    answers: Sequence[str | None] | None

    def lengths(self, source: Source) -> tuple[IntArray, NDArray[np.bool_]]:
        """Output tokens by the file itself, and which are whole numbers."""
        if source.length is not None:
            return whole_column(self.table, source.length)
        if self.answers is None:
            raise InputError(
                f"{self.table.path}: has neither a length nor an answer that is known by its name; found"
                f" {', '.join(self.table.names)}: name the column of the lengths, or of the answers"
            )
        return _counted(self.table, self.answers, source.tokenizer)


def prompt_rows(source: Source) -> Rows:
    """The rows of the file of prompts; raises InputError where it has no column of prompts, and for repeated ids."""
    table = open_table(source.file)
    form = None if source.prompt else _form(table)
    if form is not None and form.texts is not None:
        pairs = [pair for chunk in table.chunks(form.required) for pair in form.texts(chunk)]
        named = source.answer is not None and source.served is None
        found = text_column(table, source.answer or "") if named else [pair[1] for pair in pairs]
        return Rows(table, _ids(table, source.id, len(pairs)), [pair[0] for pair in pairs], found)
    prompts = text_column(table, source.prompt or "prompt")
    answer = None if source.served else source.answer or ("output" if table.has("output") else None)
    answers = None if answer is None or source.length else text_column(table, answer)
    return Rows(table, _ids(table, source.id, len(prompts)), prompts, answers)


def served_rows(source: Source) -> dict[int, tuple[int, bool]]:
    """Output tokens of the second file by id, and whether they are a whole number."""
    file = source.served_file
    assert file is not None, "asked for only where there is a second file"
    table = open_table(file)
    ids, valid = whole_column(table, source.served_id)
    _demand_ids(table, ids, valid)
    if source.length is not None:
        tokens, whole = whole_column(table, source.length)
    else:
        tokens, whole = _counted(table, text_column(table, source.answer or ""), source.tokenizer)
    return dict(zip(ids.tolist(), zip(tokens.tolist(), whole.tolist(), strict=True), strict=True))


def text_column(table: Table, name: str) -> list[str | None]:
    """Texts of a column, None where there is none; raises InputError where the file has no such column."""
    values = [
        value for cells in _cells(table, name) for value in (cells if isinstance(cells, list) else cells.to_pylist())
    ]
    return [value if isinstance(value, str) else None for value in values]


def whole_column(table: Table, name: str) -> tuple[IntArray, NDArray[np.bool_]]:
    """Whole numbers of a column, and which of them are; raises InputError where the file has no such column."""
    parts = [whole_numbers(cells) for cells in _cells(table, name)]
    if not parts:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.bool_)
    return np.concatenate([part.values for part in parts]), np.concatenate([part.valid for part in parts])


def _cells(table: Table, name: str) -> list[Any]:
    if not table.has(name):
        raise InputError(f"{table.path}: no column {name!r}; found {', '.join(table.names)}")
    return [chunk[name] for chunk in table.chunks([name])]


def _form(table: Table) -> Format | None:
    for name in CONVERSATIONS:
        if all(table.has(column) for column in FORMATS[name].required):
            return FORMATS[name]
    if not table.has("prompt"):
        raise InputError(
            f"{table.path}: no prompts are known by their name; found {', '.join(table.names)}:"
            " name the column of the prompts"
        )
    return None


def _ids(table: Table, name: str | None, rows: int) -> IntArray:
    """The named column; a column `id`, if it holds whole numbers; or the rows' numbers."""
    if name is None and not table.has("id"):
        return np.arange(rows, dtype=np.int64)
    ids, valid = whole_column(table, name or "id")
    if name is None and not valid.all():
        return np.arange(rows, dtype=np.int64)
    _demand_ids(table, ids, valid)
    return ids


def _demand_ids(table: Table, ids: IntArray, valid: NDArray[np.bool_]) -> None:
    if not valid.all():
        raise InputError(f"{table.place(int((~valid).argmax()))}: the id is no whole number; every row needs one")
    first = np.unique(ids, return_index=True)[1]
    if len(first) < len(ids):
        repeated = np.ones(len(ids), dtype=np.bool_)
        repeated[first] = False
        row = int(repeated.argmax())
        raise InputError(f"{table.place(row)}: id {ids[row]} stands in an earlier row too; ids must differ")


def _counted(table: Table, texts: Sequence[str | None], tokenizer: str | None) -> tuple[IntArray, NDArray[np.bool_]]:
    if tokenizer is None:
        raise InputError(
            f"{table.path}: answers are texts: give the tokenizer that counts them, the served model's own"
        )
    tokens = load_tokenizer(Path(tokenizer)).count(texts)[0]
    return tokens, tokens > 0
