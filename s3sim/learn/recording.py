"""Predictions as a column of a trace, so that a simulation and a replay use the very same ones."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from s3sim.core.errors import InputError, SystemFaultError
from s3sim.learn.columns import prompt_rows
from s3sim.learn.encoding import TextCounts
from s3sim.learn.foreseen import Foreseen, quantile
from s3sim.learn.model import LengthModel
from s3sim.learn.source import Source
from s3sim.predictors.predictor import IntArray, as_tokens
from s3sim.workload.files import bare_suffix, open_binary

__all__ = ["COLUMN", "Recorded", "record", "values_of"]

COLUMN = "predicted_tokens"  # what the predictor `recorded` reads


class Recorded(NamedTuple):
    """What was recorded."""

    rows: int
    empty_prompts: int  # predicted from the special tokens alone
    counts: TextCounts


def values_of(foreseen: Foreseen, model: LengthModel, value: str) -> IntArray:
    """Tokens to reserve: the bucket's upper `edge`, the `median`, or the quantile at a chance such as 0.9."""
    if value == "edge":
        return foreseen.reserved(model.about.buckets)
    level = 0.5 if value == "median" else _level(value)
    assert foreseen.chances is not None, "a model gives chances"
    return as_tokens(np.ceil(quantile(foreseen.chances, model.about.buckets, level)))


def _level(value: str) -> float:
    try:
        level = float(value)
    except ValueError:
        level = 0.0
    if not 0 < level < 1:
        raise InputError(f"value is {value!r}: edge, median, or a chance between 0 and 1 is needed")
    return level


def record(
    model: LengthModel,
    trace: Path,
    out: Path,
    *,
    prompt: str | None = None,
    texts: Path | None = None,
    texts_id: str | None = None,
    texts_offset: int = 0,
    value: str = "edge",
) -> Recorded:
    """Write a table of a trace again, as CSV or Parquet, with the column predicted_tokens added to all of its own.

    Prompts are a column of it, or of `texts`, joined by id: the trace's id is that of its text + `texts_offset`.
    Raises InputError for a trace without prompts, or with predictions already, and for a row without a text.
    """
    _demand_suffix(out)
    table = _table(trace)
    if COLUMN in table:
        raise InputError(f"{trace}: has a column {COLUMN!r} already; record into the trace without it")
    source = Source(path=str(texts or trace), prompt=prompt, id=texts_id)
    rows = prompt_rows(source)
    prompts = [text or "" for text in rows.prompts]
    if texts is not None:
        prompts = _joined(table, trace, dict(zip(rows.ids.tolist(), prompts, strict=True)), texts, texts_offset)
    answer = model.foresee(prompts)
    table[COLUMN] = values_of(answer.foreseen, model, value)
    _write(table, out)
    return Recorded(len(prompts), sum(not text.strip() for text in prompts), answer.counts)


def _joined(table: pd.DataFrame, trace: Path, by_id: dict[int, str], texts: Path, offset: int) -> list[str]:
    if "id" not in table:
        raise InputError(f"{trace}: has no column 'id', by which texts of {texts} could be found")
    wanted = [_whole(value, trace) - offset for value in table["id"].tolist()]
    missing = [ident for ident in wanted if ident not in by_id]
    if missing:
        raise InputError(
            f"{texts}: holds no row {missing[0]}, of {len(missing)} that {trace} asks for; is the offset right?"
        )
    return [by_id[ident] for ident in wanted]


def _whole(value: Any, trace: Path) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        raise InputError(f"{trace}: id {value!r} is no whole number") from None


def _demand_suffix(out: Path) -> None:
    if bare_suffix(out) not in (".csv", ".parquet"):
        raise InputError(f"{out}: a recorded trace is written as .csv, .csv.gz or .parquet")


def _table(path: Path) -> pd.DataFrame:
    """The table with each value as it was written."""
    match bare_suffix(path):
        case ".parquet":
            with open_binary(path) as file:
                return pd.read_parquet(file)
        case ".csv":
            with open_binary(path) as file:
                return pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        case suffix:
            raise InputError(f"{path}: predictions are added to .csv, .csv.gz and .parquet, not {suffix!r}")


def _write(table: pd.DataFrame, out: Path) -> None:
    draft = out.with_name(f".draft-{out.name}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        if bare_suffix(out) == ".parquet":
            table.to_parquet(draft, index=False)
        else:
            table.to_csv(draft, index=False, lineterminator="\n")
        draft.replace(out)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise SystemFaultError(f"{out}: cannot be written: {error.strerror or error}") from error
