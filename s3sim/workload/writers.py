"""Traces to files."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import pandas as pd

from s3sim.core.errors import InputError, SystemFaultError, UnknownNameError
from s3sim.workload.files import bare_suffix
from s3sim.workload.formats import FORMATS
from s3sim.workload.layouts import LAYOUTS, OWN, Layout
from s3sim.workload.texts import Texts
from s3sim.workload.trace import Trace

__all__ = ["WriteLosses", "write_trace"]


@dataclass(frozen=True, slots=True)
class WriteLosses:
    """What of a trace its file does not hold."""

    columns: tuple[str, ...] = ()  # arrival, id, max_new_tokens, over_length, predicted_tokens
    rounded: int = 0  # arrivals that the format's resolution moved
    shifted_ps: int = 0  # by which all arrivals are earlier, for readers that take the first for 0


def write_trace(
    trace: Trace,
    path: str | Path,
    *,
    format: str = "auto",  # noqa: A002 - the word that users write in YAML
    texts: Texts | None = None,
) -> WriteLosses:
    """Write a trace in one of FORMATS, compressed if the path ends in .gz, and say what is lost.

    `auto` is the project's own format of the suffix, .csv, .parquet or .jsonl, which `read_trace` gives back
    exactly. Formats that hold texts need `texts` with every request's. Raises InputError for a suffix that the
    format does not have, SystemFaultError where the file cannot be written.
    """
    path = Path(path)
    name = _name(path, format)
    layout, suffix = LAYOUTS[name], _suffix(path, name)
    if layout.texts is not None:
        if texts is None:
            raise InputError(f"{path}: format {name} holds texts, and a trace has none; give them, or another format")
        content: Any = layout.texts(trace, texts)
    else:
        assert layout.columns is not None, "a layout has texts or columns"
        content = layout.columns(trace)
    try:
        _write(content, path, suffix, name)
    except OSError as error:
        raise SystemFaultError(f"{path}: cannot be written: {error.strerror or error}") from error
    return _losses(trace, layout)


def _name(path: Path, name: str) -> str:
    if name != "auto":
        if name not in LAYOUTS:
            raise UnknownNameError("trace format", name, ["auto", *LAYOUTS])
        return name
    own = {".csv": "csv", ".parquet": "parquet", ".jsonl": "jsonl"}
    if bare_suffix(path) not in own:
        raise InputError(f"{path}: a trace cannot be written with this suffix; use {', '.join(own)}, or name a format")
    return own[bare_suffix(path)]


def _suffix(path: Path, name: str) -> str:
    suffix, known = bare_suffix(path), FORMATS[name].suffixes
    if suffix not in known or (path.suffix == ".gz" and suffix == ".parquet"):
        raise InputError(f"{path}: format {name} cannot be written with this suffix; use {' or '.join(known)}")
    return suffix


def _write(content: Any, path: Path, suffix: str, name: str) -> None:
    if suffix == ".parquet":
        pd.DataFrame(content).to_parquet(path, index=False)
        return
    with path.open("wb") as raw:
        # a fixed time and no name: equal traces make equal files
        packed = gzip.GzipFile("", "wb", fileobj=raw, mtime=0) if path.suffix == ".gz" else None
        with TextIOWrapper(packed or raw, encoding="utf-8", newline="") as file:
            if suffix == ".csv":
                pd.DataFrame(content).to_csv(file, index=False, lineterminator="\n")
            elif name == "vllm_bench":
                file.write(_arrays(content))
            else:
                _write_rows(content, file, array=suffix == ".json")
        if packed is not None:
            packed.close()


def _write_rows(content: Any, file: TextIO, *, array: bool) -> None:
    rows = content if isinstance(content, list) else _rows(content)
    between = ",\n" if array else "\n"
    file.write("[\n" if array else "")
    for number, row in enumerate(rows):
        file.write((between if number else "") + json.dumps(row, ensure_ascii=False))
    file.write("\n]\n" if array else "\n")


def _rows(columns: dict[str, Any]) -> Iterator[dict[str, Any]]:
    plain = [values.tolist() if isinstance(values, np.ndarray) else values for values in columns.values()]
    for values in zip(*plain, strict=True):
        yield dict(zip(columns, values, strict=True))


def _arrays(columns: dict[str, Any]) -> str:
    """One JSON object of arrays, in which times are numbers with all of their digits."""
    parts = (f"{json.dumps(name)}: [{', '.join(map(str, values))}]" for name, values in columns.items())
    return "{" + ", ".join(parts) + "}\n"


def _losses(trace: Trace, layout: Layout) -> WriteLosses:
    held = trace.columns()
    lost = [name for name in OWN if name in held and name not in layout.keeps]
    if "id" in lost and np.array_equal(trace.id, np.arange(len(trace))):
        lost.remove("id")  # readers number the rows just so
    if layout.resolution is None:
        return WriteLosses((*(["arrival"] if trace.arrival.any() else []), *lost))
    rounded = int((trace.arrival % layout.resolution != 0).sum())
    return WriteLosses(tuple(lost), rounded, int(trace.arrival[0]) if layout.from_first else 0)
