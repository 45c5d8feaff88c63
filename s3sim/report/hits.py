"""Events by kind, each with the row of its request."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from s3sim.core.errors import InvariantError
from s3sim.core.events import Event
from s3sim.report.frames import Column, column

__all__ = ["Hits", "RequestLog"]


@dataclass(frozen=True, slots=True)
class Hits:
    """The events of one kind: row numbers in the table of requests, and the events' columns."""

    row: Column
    time: Column
    tokens: Column
    detail: Column


class RequestLog:
    """The events by kind, each with the row of its request."""

    def __init__(self, events: pd.DataFrame) -> None:
        self._events = events
        self._kind = column(events, "event")
        self.ids = column(events, "id")[self._kind == Event.ARRIVED]
        self._order = np.argsort(self.ids, kind="stable")
        self._ranked = self.ids[self._order]
        twice = self._ranked[1:][self._ranked[1:] == self._ranked[:-1]]
        if len(twice):
            raise InvariantError(f"request {twice[0]} arrived twice")

    def of(self, kind: Event) -> Hits:
        """The events of one kind, in the log's order."""
        at = np.flatnonzero(self._kind == kind)
        ident, time, tokens, detail = (column(self._events, name)[at] for name in ("id", "time_ps", "tokens", "detail"))
        return Hits(self._rows(ident), time, tokens, detail)

    def _rows(self, ident: Column) -> Column:
        known = np.isin(ident, self._ranked)
        if not known.all():
            raise InvariantError(f"the log tells of request {ident[~known][0]}, which never arrived")
        return self._order[np.searchsorted(self._ranked, ident)]

    def integers(self, row: Column, values: Column) -> pd.api.extensions.ExtensionArray:
        """A nullable column that holds `values` at the rows given."""
        cells, missing = np.zeros(len(self.ids), np.int64), np.ones(len(self.ids), np.bool_)
        cells[row], missing[row] = values, False
        return pd.arrays.IntegerArray(cells, missing)

    def numbers(self, row: Column, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """A column that holds `values` at the rows given, and NaN elsewhere."""
        cells = np.full(len(self.ids), np.nan)
        cells[row] = values
        return cells
