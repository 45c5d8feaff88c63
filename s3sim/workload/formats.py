"""The formats that traces come in: the columns that mark each, and how they become a Trace's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from s3sim.workload.checks import Columns, Rule, demand
from s3sim.workload.tables import Table
from s3sim.workload.units import MAX_PICOSECONDS, seconds_to_picoseconds

__all__ = ["FORMATS", "Format"]


@dataclass(frozen=True, slots=True)
class Format:
    """A trace format: the kind of its file, the columns that it must have, and its reading.

    `parse` answers columns by the names of a Trace's fields, as numbers with NaN where a value is
    none; it need not check them.
    """

    suffix: str  # which of tables.LOADERS opens it
    required: tuple[str, ...]
    parse: Callable[[Table], Columns]
    renamed: Mapping[str, str]  # a Trace's name → this format's, where they differ


def _own(table: Table) -> Columns:
    """Columns of s3sim's own format: prompt_tokens, output_tokens[, id, arrival_s | arrival_ps, ...]."""
    raw = table.columns
    names = ("id", "prompt_tokens", "output_tokens", "max_new_tokens")
    columns = {name: _numbers(raw[name]) for name in names if name in raw}
    if "over_length" in raw:
        columns["over_length"] = _flags(table)
    if "arrival_ps" in raw:
        columns["arrival"] = _numbers(raw["arrival_ps"])
    elif "arrival_s" in raw:
        columns["arrival"] = seconds_to_picoseconds(raw["arrival_s"])
    return columns


def _azure(table: Table) -> Columns:
    """Columns of the Azure LLM inference traces 2023 and 2024 (Azure/AzurePublicDataset)."""
    raw = table.columns
    return {
        "arrival": _since_first(raw["TIMESTAMP"]),
        "prompt_tokens": _numbers(raw["ContextTokens"]),
        "output_tokens": _numbers(raw["GeneratedTokens"]),
    }


def _since_first(timestamps: NDArray[Any]) -> NDArray[Any]:
    """Times in ps since the first of ISO 8601 timestamps, exact to the ns; NaN where one is none."""
    parsed = pd.DatetimeIndex(pd.to_datetime(timestamps, format="ISO8601", utc=True, errors="coerce"))
    held = (parsed.year > 1700) & (parsed.year < 2200)  # years that 64 bits hold in ns
    times = pd.DatetimeIndex(parsed.where(held))
    nanoseconds = times.as_unit("ns").asi8
    since = nanoseconds - nanoseconds[0]
    wrong = times.isna() | (np.abs(since) > MAX_PICOSECONDS // 1000)  # ps in a ns
    return np.where(wrong, np.nan, since * 1000.0) if wrong.any() else since * 1000


def _numbers(values: NDArray[Any]) -> NDArray[Any]:
    if values.dtype.kind in "iuf":
        return values
    text = pd.Series([str(value) for value in values.tolist()], dtype=object)
    return np.asarray(pd.to_numeric(text, errors="coerce"))


def _flags(table: Table) -> NDArray[np.bool_]:
    text = np.array([str(value).strip().lower() for value in table.columns["over_length"].tolist()])
    rule = Rule("over_length", ~np.isin(text, ["true", "false", "1", "0"]), "true or false is needed")
    demand([rule], shown=table.columns, place=table.place)
    return np.isin(text, ["true", "1"])


_AZURE = {"arrival": "TIMESTAMP", "prompt_tokens": "ContextTokens", "output_tokens": "GeneratedTokens"}
_OWN = ("prompt_tokens", "output_tokens")
_OWN_TIME = {"arrival": "arrival_s"}

# A new format is one line here; "auto" takes the first whose suffix and columns fit the file.
FORMATS: Mapping[str, Format] = {
    "csv": Format(".csv", _OWN, _own, _OWN_TIME),
    "parquet": Format(".parquet", _OWN, _own, _OWN_TIME),
    "azure": Format(".csv", tuple(_AZURE.values()), _azure, _AZURE),
}
