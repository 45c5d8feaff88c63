"""A summary and figures of it and of the small worlds, each made once, for the tests of every figure."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from s3sim.core.events import Event
from s3sim.policies.registry import SYSTEMS
from s3sim.report.extents import extents
from s3sim.report.facts import ServiceLevel
from s3sim.report.figures import bars, kv_map, kv_over_time, latency_cdf, throughput_latency, timeline, utilisation
from s3sim.report.figures.style import KNOWN
from s3sim.report.occupancy import occupancy_series
from s3sim.report.phases import interesting, phases
from s3sim.report.tables import requests_table
from tests.report.worlds import CAPACITY, frames

__all__ = [
    "ALL",
    "BARS",
    "MANY",
    "NAMES",
    "SLO",
    "cdf_figure",
    "cliff_figure",
    "curve_figure",
    "kv_figure",
    "many_bars_figure",
    "many_kv_figure",
    "map_figure",
    "sweep",
    "timeline_figure",
]

NAMES = ("orca", "s3", "oracle_bucket", "oracle_exact", "vllm")
MANY = tuple(KNOWN)

SLO = ServiceLevel(ttft_ms=300.0, normalized_latency_ms=180.0)
SWEPT = (4, 64, 16, None)


def sweep(seeds: int = 2, names: tuple[str, ...] = NAMES) -> pd.DataFrame:
    """A summary that looks like one: throughput saturates, latency rises, and later systems do better."""
    rows = [
        {
            "system": name,
            "seed": seed,
            "max_num_seqs": np.nan if value is None else value,
            "request_throughput": (rank + 1) * min(value or 64, 64) / (30 + seed),
            "normalized_latency_ms": 20 + (value or 64) * (len(names) - rank) / (1 + seed / 10),
            "mean_batch_size": min(value or 64, 20 * (rank + 1)),
            "compute_utilisation": min(value or 64, 20 * (rank + 1)) / 100,
            "bandwidth_utilisation": 0.9 - (value or 64) / 1000,
        }
        for rank, name in enumerate(names)
        for value in SWEPT
        for seed in range(seeds)
    ]
    return pd.DataFrame(rows)


@cache
def curve_figure(seeds: int = 2) -> Figure:
    """Throughput against latency of that sweep."""
    return throughput_latency(sweep(seeds), swept_over="max_num_seqs", slo=SLO, title="a run")


@cache
def kv_figure() -> Figure:
    """KV over time of the small worlds."""
    return kv_over_time({n: occupancy_series(*frames(n)) for n in NAMES}, capacity=dict.fromkeys(NAMES, CAPACITY))


@cache
def cdf_figure() -> Figure:
    """Latencies of the small worlds."""
    return latency_cdf({name: requests_table(frames(name)[0]) for name in NAMES}, slo=SLO)


@cache
def bar_figure() -> Figure:
    """Throughput at the sweep's end."""
    rows = sweep()
    return bars(rows[rows["max_num_seqs"].isna()], ("request_throughput", "mean_batch_size"))


@cache
def cliff_figure(names: tuple[str, ...] = NAMES) -> Figure:
    """Utilisation over that sweep."""
    return utilisation(sweep(names=names), title="a run")


@cache
def timeline_figure() -> Figure:
    """Forty requests of a small world."""
    events, _ = frames("s3")
    return timeline(phases(events, interesting(events, 40)))


@cache
def map_figure(capacity: int = CAPACITY, until: float | None = None) -> Figure:
    """The address space of a small world."""
    events, steps = frames("s3")
    compacted = events.loc[events["event"] == Event.COMPACTED, "time_ps"] / 1e12
    found = extents(events, steps, capacity_tokens=CAPACITY)
    return kv_map(found, capacity=capacity, compactions=compacted, until=until)


@cache
def many_kv_figure() -> Figure:
    """KV over time of all systems, of which some take far longer."""
    return kv_over_time({name: occupancy_series(*frames(name)) for name in SYSTEMS})


@cache
def many_curves_figure() -> Figure:
    """Curves of all systems that have a look."""
    return throughput_latency(sweep(names=MANY), swept_over="max_num_seqs")


@cache
def many_bars_figure() -> Figure:
    """Bars of all systems that have a look."""
    rows = sweep(names=MANY)
    return bars(rows[rows["max_num_seqs"].isna()], ("request_throughput", "mean_batch_size"))


@cache
def many_cliffs_figure() -> Figure:
    """Utilisation of all systems that have a look."""
    return cliff_figure(MANY)


ALL: dict[str, Callable[[], Figure]] = {
    "curves": curve_figure,
    "kv": kv_figure,
    "cdf": cdf_figure,
    "bars": bar_figure,
    "cliff": cliff_figure,
    "timeline": timeline_figure,
    "map": map_figure,
    "kv of many": many_kv_figure,
    "curves of many": many_curves_figure,
    "bars of many": many_bars_figure,
    "cliffs of many": many_cliffs_figure,
}
BARS = (bar_figure, many_bars_figure)
