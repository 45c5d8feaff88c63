"""An SLO as a command line gives it: a statistic of a latency, and its limit."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from s3sim.core.errors import InputError, UnknownNameError

__all__ = ["METRICS", "Objective", "parse_objectives"]

METRICS = {"ttft": "TTFT", "tpot": "TPOT", "e2el": "E2EL", "normalized_latency": "normalized latency"}
MS = {"us": 1e-3, "ms": 1.0, "s": 1e3}  # milliseconds in a unit
FORM = re.compile(r"(?P<stat>[^:<]+):(?P<metric>[^:<]+)<=?(?P<limit>[^:<]*?)(?P<unit>[a-zµ]*)")
EXAMPLE = "write it as 'p99:ttft<2s' or 'mean:tpot<187.5ms'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """A limit that the mean or a percentile of a latency, over a run's finished requests, must not exceed."""

    metric: str  # a key of METRICS
    percentile: float | None  # above 0, at most 100; None: the mean
    limit_ms: float

    @classmethod
    def parse(cls, text: str, *, place: str = "--slo") -> Self:
        """From a text such as `p99:ttft<2s`; raises InputError that says which part is wrong."""
        parts = FORM.fullmatch(text.strip())
        if parts is None:
            raise InputError(f"{place} {text!r}: not understood; {EXAMPLE}")
        metric = re.sub(r"[ -]", "_", parts["metric"].strip().lower())
        if metric not in METRICS:
            raise UnknownNameError("metric", metric, METRICS, place=f"{place} {text!r}")
        return cls(
            metric=metric,
            percentile=_percentile(parts["stat"].strip().lower(), f"{place} {text!r}"),
            limit_ms=_limit(parts["limit"].strip(), parts["unit"], f"{place} {text!r}"),
        )

    @property
    def name(self) -> str:
        """As tables have it, such as `p99 TTFT`."""
        return f"{self.statistic} {METRICS[self.metric]}"

    @property
    def statistic(self) -> str:
        """`mean`, or a percentile such as `p99`."""
        return "mean" if self.percentile is None else f"p{self.percentile:g}"

    def attained_ms(self, requests: pd.DataFrame) -> float | None:
        """What a table of requests attains; None where no finished request has such a latency."""
        values = requests.loc[requests["status"] == "finished", f"{self.metric}_ms"].dropna().to_numpy(np.float64)
        if not len(values):
            return None
        return float(values.mean() if self.percentile is None else np.percentile(values, self.percentile))

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {"statistic": self.statistic, "metric": self.metric, "limit_ms": self.limit_ms}


def parse_objectives(texts: Sequence[str]) -> tuple[Objective, ...]:
    """All that must be kept together; raises InputError for none, and for two limits of one statistic."""
    if not texts:
        raise InputError(f"--slo: at least one is needed; {EXAMPLE}")
    found = tuple(Objective.parse(text) for text in texts)
    names = [objective.name for objective in found]
    if len(set(names)) < len(names):
        raise InputError(f"--slo: {', '.join(texts)}: a statistic stands twice; keep its tighter limit")
    return found


def _percentile(text: str, place: str) -> float | None:
    if text == "mean":
        return None
    value = _number(text.removeprefix("p")) if text.startswith("p") else None
    if value is None or not 0 < value <= 100:
        raise InputError(f"{place}: {text!r} is no statistic; give 'mean', or a percentile from above p0 to p100")
    return value


def _limit(number: str, unit: str, place: str) -> float:
    if unit not in MS:
        raise InputError(f"{place}: unit {unit!r} is none of s, ms, us; {EXAMPLE}")
    value = _number(number)
    if value is None or not 0 < value * MS[unit] < float("inf"):
        raise InputError(f"{place}: limit {number!r} is no number above 0; {EXAMPLE}")
    return value * MS[unit]


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\d+(\.\d*)?|\.\d+", text) else None
