"""What a trace is like, in a few numbers."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from s3sim.workload.checks import IntArray
from s3sim.workload.reshape import mean_rate
from s3sim.workload.trace import Trace
from s3sim.workload.units import PICOSECONDS

__all__ = ["LengthStats", "TraceStats", "trace_stats"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LengthStats:
    """Lengths in tokens; percentiles as numpy interpolates them."""

    mean: float
    p50: float
    p90: float
    p99: float
    max: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceStats:
    """Numbers of requests, lengths and arrivals. None where a trace is too short, or all arrive at once."""

    requests: int
    over_length: int  # flagged rows
    prompt_tokens: LengthStats
    output_tokens: LengthStats
    total_tokens: LengthStats  # of prompt + output
    spearman: float | None  # rank correlation of prompt and output
    duration_s: float  # s, from the run's start to the last arrival
    rate: float | None  # requests/s, from the first to the last arrival
    gap_variation: float | None  # coefficient of variation of the gaps; 1 for a Poisson process
    gap_p50_s: float | None
    gap_p99_s: float | None

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)


def trace_stats(trace: Trace) -> TraceStats:
    """Statistics of a trace."""
    gaps = np.diff(trace.arrival) / PICOSECONDS
    timed = len(gaps) > 0 and gaps.any()
    p50, p99 = np.quantile(gaps, [0.5, 0.99]) if timed else (0.0, 0.0)
    return TraceStats(
        requests=len(trace),
        over_length=0 if trace.over_length is None else int(trace.over_length.sum()),
        prompt_tokens=_lengths(trace.prompt_tokens),
        output_tokens=_lengths(trace.output_tokens),
        total_tokens=_lengths(trace.prompt_tokens + trace.output_tokens),
        spearman=_spearman(trace.prompt_tokens, trace.output_tokens),
        duration_s=int(trace.arrival[-1]) / PICOSECONDS,
        rate=mean_rate(trace),
        gap_variation=float(gaps.std() / gaps.mean()) if timed else None,
        gap_p50_s=float(p50) if timed else None,
        gap_p99_s=float(p99) if timed else None,
    )


def _lengths(tokens: IntArray) -> LengthStats:
    p50, p90, p99 = np.quantile(tokens, [0.5, 0.9, 0.99]).tolist()
    return LengthStats(
        mean=float(tokens.mean()), p50=p50, p90=p90, p99=p99, max=int(tokens.max()), total=int(tokens.sum())
    )


def _spearman(first: IntArray, second: IntArray) -> float | None:
    """Pearson's correlation of the ranks, of which equal values share the mean; None where one never varies."""
    if not (np.ptp(first) and np.ptp(second)):
        return None
    return float(np.corrcoef(_ranks(first), _ranks(second))[0, 1])


def _ranks(values: IntArray) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[inverse])
