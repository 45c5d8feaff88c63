"""Prompts with the output lengths that they turned out to have: what a predictor learns from."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from s3sim.core.errors import InputError
from s3sim.experiment.files import content_digest
from s3sim.learn.columns import Rows, prompt_rows, served_rows
from s3sim.learn.source import Source
from s3sim.predictors.predictor import MAX_TOKENS, IntArray

__all__ = ["DataFacts", "Examples", "ReadExamples", "read_examples"]


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Rows (id, prompt, tokens of its output); arrays of shape (rows,)."""

    ids: IntArray
    prompts: tuple[str, ...]
    tokens: IntArray

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: NDArray[Any]) -> Self:
        """The rows with these numbers."""
        return type(self)(self.ids[rows], tuple(self.prompts[row] for row in rows.tolist()), self.tokens[rows])


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFacts:
    """What was read, and what became of the rows that are no examples."""

    files: Mapping[str, str]  # file name → SHA-256 of its content
    rows: int  # of the file of prompts
    empty_prompts: int = 0  # left out
    invalid_lengths: int = 0  # left out: missing, NaN, below 1, or not whole
    unserved: int = 0  # left out: the second file has no row for them
    unasked: int = 0  # rows of the second file without a prompt

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)


class ReadExamples(NamedTuple):
    """Examples from files, and what it took to read them."""

    examples: Examples
    facts: DataFacts


def read_examples(source: Source) -> ReadExamples:
    """Examples of a source.

    A row with an empty prompt, or whose length is missing, NaN, not whole or below 1, is an error, or is
    left out and counted with `invalid_rows: drop`. Raises InputError with file, row and remedy, also for
    missing columns, ids that repeat, and a source of which no row is left.
    """
    rows = prompt_rows(source)
    tokens, valid, unasked = _lengths(source, rows)
    known = np.array([row is not None for row in tokens], dtype=np.bool_)
    filled = np.array([bool(prompt and prompt.strip()) for prompt in rows.prompts], dtype=np.bool_)
    if source.invalid_rows == "error":
        _demand(rows, ~filled & known, "the prompt is empty")
        _demand(rows, known & ~valid, "the length of the output is missing, or no whole number from 1")
    kept = np.flatnonzero(filled & known & valid)[: source.rows]
    if not len(kept):
        raise InputError(
            f"{source.path}: none of its {len(known)} rows has a prompt and a length; are the columns right?"
        )
    facts = DataFacts(
        files={path.name: content_digest(path) for path in (source.file, source.served_file) if path is not None},
        rows=len(known),
        empty_prompts=int((~filled & known).sum()),
        invalid_lengths=int((known & filled & ~valid).sum()),
        unserved=int((~known).sum()),
        unasked=unasked,
    )
    lengths = np.array([tokens[row] for row in kept.tolist()], dtype=np.int64)
    return ReadExamples(
        Examples(rows.ids[kept], tuple(rows.prompts[row] or "" for row in kept.tolist()), lengths), facts
    )


def _lengths(source: Source, rows: Rows) -> tuple[list[int | None], NDArray[np.bool_], int]:
    """Length of each row's output (None: none was served), which are valid, and served rows without a prompt."""
    if source.served is None:
        tokens, valid = rows.lengths(source)
        unasked, found = 0, tokens.tolist()
    else:
        by_id = served_rows(source)
        wanted = [ident + source.served_offset for ident in rows.ids.tolist()]
        pairs = [by_id.get(ident) for ident in wanted]
        if not any(pair is not None for pair in pairs):
            raise InputError(
                f"{source.served}: no {source.served_id} is an id of {source.path} + {source.served_offset};"
                " is the offset right?"
            )
        found = [None if pair is None else pair[0] for pair in pairs]
        valid = np.array([pair is not None and pair[1] for pair in pairs], dtype=np.bool_)
        unasked = len(by_id.keys() - set(wanted))
    in_range = [value is not None and 1 <= value <= MAX_TOKENS for value in found]
    return found, valid & np.array(in_range, dtype=np.bool_), unasked


def _demand(rows: Rows, broken: NDArray[np.bool_], fault: str) -> None:
    if broken.any():
        row = int(broken.argmax())
        more = f" (and {int(broken.sum()) - 1} more)" if broken.sum() > 1 else ""
        raise InputError(
            f"{rows.table.place(row)}: {fault}{more}; correct it, or leave such rows out: invalid_rows drop"
        )
