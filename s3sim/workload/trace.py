"""What happened: requests with the lengths that they turned out to have."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from s3sim.core.errors import InputError
from s3sim.workload.checks import BoolArray, IntArray, demand, length_rules, order_rules
from s3sim.workload.units import seconds_to_picoseconds

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Trace"]


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """Rows (id, arrival, prompt_tokens, output_tokens[, max_new_tokens, predicted_tokens]): what happened.

    The only holder of true lengths besides an executor. Every column is a read-only array with one
    value per row: ids are unique; arrivals are ps since the start and never decrease (equal ones are
    fine); tokens are at least 1. A row with `over_length` is longer than a server's maximum and will
    be rejected at its arrival; every other row has output_tokens ≤ max_new_tokens.

    Raises InputError with the row, its value and the remedy when a column breaks one of these.
    """

    id: IntArray
    arrival: IntArray  # ps since the start
    prompt_tokens: IntArray
    output_tokens: IntArray
    max_new_tokens: IntArray | None = None  # the most output that the client allows; None: not said
    over_length: BoolArray | None = None  # None: no row is
    predicted_tokens: IntArray | None = None  # output tokens that were foreseen of each row; None: not recorded

    def __post_init__(self) -> None:
        columns = {name: _column(name, values) for name, values in self.columns().items()}
        _demand_equal_lengths(columns)
        rules = [*length_rules(columns), *order_rules(columns)]
        demand(rules, value=lambda row, name: columns[name][row], place=lambda row: f"trace row {row}")
        for name, values in columns.items():
            dtype = np.bool_ if name == "over_length" else np.int64
            object.__setattr__(self, name, _read_only(values, dtype))

    @classmethod
    def of(
        cls,
        *,
        prompt_tokens: ArrayLike,
        output_tokens: ArrayLike,
        arrival: ArrayLike | None = None,
        id: ArrayLike | None = None,  # noqa: A002  the field's name
        max_new_tokens: ArrayLike | None = None,
        over_length: ArrayLike | None = None,
        predicted_tokens: ArrayLike | None = None,
    ) -> Self:
        """Trace of anything array-like: ids are row numbers and arrivals (ps) are 0 where not given."""
        rows = np.size(prompt_tokens)
        return cls(
            id=np.asarray(np.arange(rows) if id is None else id),
            arrival=np.asarray(np.zeros(rows, dtype=np.int64) if arrival is None else arrival),
            prompt_tokens=np.asarray(prompt_tokens),
            output_tokens=np.asarray(output_tokens),
            max_new_tokens=None if max_new_tokens is None else np.asarray(max_new_tokens),
            over_length=None if over_length is None else np.asarray(over_length),
            predicted_tokens=None if predicted_tokens is None else np.asarray(predicted_tokens),
        )

    @classmethod
    def from_frame(cls, frame: "pd.DataFrame") -> Self:
        """Trace of a data frame with the columns of `to_frame`, or with arrival_s (s); others are ignored."""
        named = {str(name): frame[name].to_numpy() for name in frame.columns}
        for name in ("prompt_tokens", "output_tokens"):
            if name not in named:
                raise InputError(f"data frame: column {name} is missing; it has {', '.join(named) or 'none'}")
        known = {field.name for field in fields(cls)}
        columns = {name: values for name, values in named.items() if name in known}
        if "arrival_ps" in named:
            columns["arrival"] = named["arrival_ps"]
        elif "arrival_s" in named:
            columns["arrival"] = seconds_to_picoseconds(named["arrival_s"])
        return cls.of(**columns)

    def __len__(self) -> int:
        return len(self.id)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Trace):
            return NotImplemented
        mine, theirs = self.columns(), other.columns()
        return mine.keys() == theirs.keys() and all(np.array_equal(mine[name], theirs[name]) for name in mine)

    __hash__ = None  # type: ignore[assignment]  # compared by its columns, and arrays have no hash

    def columns(self) -> dict[str, NDArray[Any]]:
        """Columns that this trace has, by name, in the order of its fields."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: values for name, values in named.items() if values is not None}

    def to_frame(self) -> "pd.DataFrame":
        """Data frame with one row per request: id, arrival_ps, prompt_tokens, output_tokens and what else it has."""
        import pandas as pd  # noqa: PLC0415  costs half a second, which a plain simulation need not pay

        return pd.DataFrame(self.columns()).rename(columns={"arrival": "arrival_ps"})

    def head(self, n: int) -> Self:
        """Trace of the first n rows, or of all when there are fewer."""
        if n < 1:
            raise InputError(f"head of {n} rows: at least 1 is needed")
        return self._rows(slice(n))

    def subset(self, mask: BoolArray) -> Self:
        """Trace of the rows where the mask (one bool per row) is true; ids are kept."""
        mask = np.asarray(mask)
        if mask.dtype != np.bool_ or mask.shape != (len(self),):
            raise InputError(f"mask of shape {mask.shape} and type {mask.dtype}: {len(self)} bools are needed")
        return self._rows(mask)

    def with_arrivals(self, arrival_ps: ArrayLike) -> Self:
        """Trace of the same requests at other times, in ps since the start, never decreasing."""
        return replace(self, arrival=np.asarray(arrival_ps))

    def _rows(self, rows: slice | BoolArray) -> Self:
        return replace(self, **{name: values[rows] for name, values in self.columns().items()})


def _column(name: str, values: NDArray[Any]) -> NDArray[Any]:
    array = np.asarray(values)
    kinds = "b" if name == "over_length" else "iuf"
    if array.ndim != 1 or array.dtype.kind not in kinds:
        wanted = "bools" if name == "over_length" else "whole numbers"
        raise InputError(f"column {name} is {array.ndim}-dimensional {array.dtype}: a list of {wanted} is needed")
    return array


def _demand_equal_lengths(columns: Mapping[str, NDArray[Any]]) -> None:
    rows = {name: len(values) for name, values in columns.items()}
    if len(set(rows.values())) > 1:
        raise InputError(f"columns differ in length: {rows}; every row needs one value in each")
    if rows["id"] == 0:
        raise InputError("the trace is empty: at least 1 row is needed")


def _read_only(values: NDArray[Any], dtype: type[np.generic]) -> NDArray[Any]:
    if values.dtype == dtype and not values.flags.writeable:
        return values
    column = values.astype(dtype)
    column.flags.writeable = False
    return column
