"""Where prompts and their output lengths stand: a file, and perhaps a second one of served outputs."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Self

from s3sim.core.errors import InputError
from s3sim.experiment.files import find_file

__all__ = ["Source"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file of prompts, and where the lengths of their outputs come from.

    Lengths are, by the first that is given: a column of the second file `served` (joined by id), or its
    answers; the column `length`; or the file's own answers, counted by `tokenizer`. Columns are named
    as the file names them; without names, those of Alpaca, ShareGPT, or `prompt` and `output` are found.
    `served_offset` is a served row's id less the id of its prompt.
    """

    path: str
    prompt: str | None = None
    answer: str | None = None
    length: str | None = None
    id: str | None = None  # None: a column `id` of whole numbers, or else the row's number from 0
    served: str | None = None
    served_id: str = "id"
    served_offset: int = 0
    tokenizer: str | None = None  # a tokenizer.json, encoder.json, or their folder
    invalid_rows: Literal["error", "drop"] = "error"
    rows: int | None = None  # only so many rows, the first that are valid

    def __post_init__(self) -> None:
        if self.rows is not None and self.rows < 1:
            raise InputError(f"rows is {self.rows}: at least 1 is needed")
        if self.served is not None and (self.length is None) == (self.answer is None):
            raise InputError(f"{self.served}: say which of its columns is the length, or which the answer")
        if self.served is None and self.length is not None and self.answer is not None:
            raise InputError(f"length {self.length!r} and answer {self.answer!r}: give one of them")
        if self.served is None and self.served_offset:
            raise InputError(f"served_offset is {self.served_offset}, but no served file is given")

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Self:
        """From a JSON object."""
        return cls(**plain)

    @property
    def file(self) -> Path:
        """The file of prompts, in the working folder or in that of S3SIM_DATA; raises InputError."""
        return find_file(self.path, folder=Path.cwd(), place="data")

    @property
    def served_file(self) -> Path | None:
        """The second file, looked for likewise."""
        return None if self.served is None else find_file(self.served, folder=Path.cwd(), place="served")
