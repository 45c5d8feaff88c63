"""Figures of one result, by name; what draws them is in `s3sim.report`. Imports matplotlib."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from s3sim.core.errors import InputError, UnknownNameError
from s3sim.core.events import Event
from s3sim.report import pictures
from s3sim.report.facts import RunFacts
from s3sim.report.figures import Figure

if TYPE_CHECKING:
    from s3sim.api.result import Result

__all__ = ["PointPlots", "drawn", "latencies"]

LATENCIES = ("ttft", "tpot", "e2el", "normalized_latency")  # of a request, in ms


@dataclass(frozen=True, slots=True)
class PointPlots:
    """Figures of one simulated point. Each raises InputError where there is nothing to draw."""

    result: "Result"

    def cdf(self, *metrics: str) -> Figure:
        """The share of finished requests at or below each latency: of ttft, tpot and e2el, or of those named."""
        slo = self._tables.facts("").slo
        return drawn(
            pictures.cdf(self._tables, self._points, slo=slo, title=self.result.name, metrics=latencies(metrics))
        )

    def memory(self) -> Figure:
        """KV slots used, reserved and there, over time."""
        return drawn(pictures.kv(self._tables, self._points, self.result.name))

    def timeline(self, ids: Iterable[int] | None = None) -> Figure:
        """What these requests waited for and when, a bar each; none named: of forty, preempted ones if any."""
        return drawn(pictures.requests_over_time(self._tables, "", self.result.name, ids))

    def kv_map(self) -> Figure:
        """The KV address space over time: who holds which slots, and what of them is written."""
        return drawn(pictures.address_map(self._tables, "", self.result.name))

    @property
    def _tables(self) -> "InMemory":
        return InMemory(self.result)

    @property
    def _points(self) -> dict[str, str]:
        point = self.result.point
        return {point.label or point.system: ""}


@dataclass(frozen=True, slots=True)
class InMemory:
    """The tables of one result, under whatever name."""

    result: "Result"

    def requests(self, point: str, columns: list[str]) -> pd.DataFrame:
        """Columns of its table of requests."""
        return self.result.requests[columns]

    def log(self, point: str, *kinds: Event) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Its events, of some kinds if named, and its steps."""
        events = self.result.events
        return events[events["event"].isin(kinds)] if kinds else events, self.result.steps

    def facts(self, point: str) -> RunFacts:
        """The constants that its metrics refer to."""
        return RunFacts.from_json(self.result.about["facts"])


def latencies(metrics: tuple[str, ...]) -> tuple[str, ...]:
    """Columns of the table of requests for latencies' names."""
    for name in metrics:
        if name not in LATENCIES:
            raise UnknownNameError("latency", name, LATENCIES)
    return tuple(f"{name}_ms" for name in metrics or LATENCIES[:3])


def drawn(figure: Figure | str) -> Figure:
    """The figure; raises InputError where there is the reason why there is none."""
    if isinstance(figure, str):
        raise InputError(f"nothing can be drawn: {figure}")
    return figure
