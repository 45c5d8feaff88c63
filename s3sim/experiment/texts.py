"""Prompts by request id, for predictors that read them."""

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from s3sim.core.errors import InputError
from s3sim.experiment.files import content_digest
from s3sim.workload.cells import whole_numbers
from s3sim.workload.detection import open_table

__all__ = ["prompts_by_id"]


def prompts_by_id(path: Path, wanted: NDArray[np.int64]) -> tuple[str, ...]:
    """The prompt of each id; raises InputError where the file has none."""
    by_id = _texts_by_id(path, content_digest(path))
    missing = np.array([ident not in by_id for ident in wanted.tolist()])
    if missing.any():
        raise InputError(f"texts: {path} has no prompt for request {wanted[missing.argmax()]}; one for each is needed")
    return tuple(by_id[ident] for ident in wanted.tolist())


@lru_cache(maxsize=2)  # the points of one experiment read the same file again and again
def _texts_by_id(path: Path, digest: str) -> dict[int, str]:
    table = open_table(path)
    for name in ("id", "prompt"):
        if not table.has(name):
            raise InputError(f"texts: {path} has no column {name!r}; found {', '.join(table.names)}")
    by_id: dict[int, str] = {}
    for chunk in table.chunks(["id", "prompt"]):
        ids = whole_numbers(chunk["id"])
        cells = chunk["prompt"]
        texts = cells if isinstance(cells, list) else cells.to_pylist()
        by_id |= {
            ident: text
            for ident, valid, text in zip(ids.values.tolist(), ids.valid.tolist(), texts, strict=True)
            if valid and isinstance(text, str)
        }
    return by_id
