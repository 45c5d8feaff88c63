"""Texts by request id: beside a trace, never in it, for predictors that read prompts."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from s3sim.core.errors import InputError
from s3sim.workload.cells import whole_numbers
from s3sim.workload.detection import open_as
from s3sim.workload.formats import FORMATS
from s3sim.workload.tables import Chunk, Table

__all__ = ["TextPair", "Texts", "read_texts"]


class TextPair(NamedTuple):
    """What was asked, and what was answered."""

    prompt: str
    output: str


Texts = Mapping[int, TextPair]  # by request id


def read_texts(
    path: str | Path,
    *,
    format: str = "auto",  # noqa: A002 - the word that users write in YAML
    columns: Mapping[str, str] | None = None,
    ids: Collection[int] | None = None,
) -> Texts:
    """Texts of a file's rows by the ids that `read_trace` gives them, of the rows in `ids` alone if it is given.

    A missing text is empty. Raises InputError where the file's format holds no texts, and where it lacks an id.
    """
    table, name, form = open_as(Path(path), format, columns=columns or {}, constants={})
    if form.texts is None:
        known = ", ".join(name for name, form in FORMATS.items() if form.texts)
        raise InputError(f"{path}: format {name} holds token counts and no texts (formats with texts: {known})")
    wanted = None if ids is None else frozenset(int(ident) for ident in ids)
    number, found = 0, {}
    for chunk in table.chunks(_needed(table, form.required, form.id)):
        pairs = form.texts(chunk)
        for ident, (prompt, output) in zip(_ids(chunk, form.id, number), pairs, strict=False):
            if wanted is None or ident in wanted:
                found[ident] = TextPair(prompt or "", output or "")
        number += len(pairs)
    if wanted is not None and (lacking := wanted - found.keys()):
        raise InputError(f"{path}: holds no row {min(lacking)}, of {len(lacking)} that were asked for; is it the file?")
    return found


def _needed(table: Table, required: tuple[str, ...], ident: str | None) -> list[str]:
    return [*required, *([ident] if ident is not None and table.has(ident) else [])]


def _ids(chunk: Chunk, name: str | None, number: int) -> Iterator[int]:
    """The rows' ids, as `read_trace` numbers them."""
    if name is not None and name in chunk:
        yield from whole_numbers(chunk[name]).values.tolist()
    else:
        while True:
            yield number
            number += 1
