"""Each figure from the files of a run; instead of a figure, the reason why there is none."""

from collections.abc import Iterable, Sequence
from textwrap import wrap

import pandas as pd
from matplotlib.figure import Figure

from s3sim.core.events import Event
from s3sim.report.extents import extents
from s3sim.report.facts import ServiceLevel
from s3sim.report.figures import (
    bars,
    foresight_over_time,
    kv_map,
    kv_over_time,
    latency_cdf,
    slo_over_load,
    throughput_latency,
    timeline,
    utilisation,
)
from s3sim.report.foresight import FORESIGHT, foresight_series
from s3sim.report.frames import PS_PER_S, column
from s3sim.report.occupancy import occupancy_series
from s3sim.report.phases import interesting, phases
from s3sim.report.replay import lane_count
from s3sim.report.rundir import Tables

__all__ = [
    "address_map",
    "cdf",
    "curve_rows",
    "curves",
    "foresight",
    "kv",
    "load_curves",
    "requests_over_time",
    "throughput",
    "utilisation_curves",
]

X = "request_throughput"
LATENCIES = ("ttft_ms", "tpot_ms", "e2el_ms")
UTILISATION = ("compute_utilisation", "bandwidth_utilisation", "mean_batch_size")
REQUESTS = 40  # in a timeline
ADMISSIONS = 400  # in a map, after those with which the run begins
LINE = 75  # characters across a figure's title
NO_LOG = "the run kept no events (log: requests)"
NOTHING = "nothing finished"


def curves(rows: pd.DataFrame, key: str, latency: str, *, slo: ServiceLevel, title: str) -> Figure | str:
    """Throughput against a latency, which has no place for systems where it is 0 by definition."""
    known, note = curve_rows(rows, latency)
    if known.empty:
        return NOTHING
    title = "\n".join((title, *wrap(note, width=LINE)))
    return throughput_latency(known, x=X, y=latency, swept_over=key, slo=slo, title=title)


def curve_rows(rows: pd.DataFrame, latency: str) -> tuple[pd.DataFrame, str]:
    """The rows that have a place on the curves, and a note on systems that have none."""
    known = rows[rows[X].notna() & rows[latency].notna()]
    at_once = set(known["system"]) - set(known.loc[known[latency] > 0, "system"])
    note = f"all tokens at a batch's end, so not shown: {', '.join(sorted(at_once))}" if at_once else ""
    return known[~known["system"].isin(at_once)], note


def load_curves(rows: pd.DataFrame, key: str, *, slo: ServiceLevel, title: str) -> Figure | str:
    """SLO attainment and goodput against the offered rate."""
    if not {"slo_attainment", "request_goodput", "offered_rate"} <= set(rows.columns):
        return "its summary has no offered_rate"
    known = rows[rows["slo_attainment"].notna() & rows["request_goodput"].notna() & rows["offered_rate"].notna()]
    return NOTHING if known.empty else slo_over_load(known, swept_over=key, slo=slo, title=title)


def utilisation_curves(rows: pd.DataFrame, key: str, *, title: str) -> Figure | str:
    """Utilisation and batch against the batch asked for."""
    missing = [name for name in UTILISATION if name not in rows.columns or rows[name].isna().all()]
    if missing:
        return f"its summary has no {missing[0]}"
    return utilisation(rows, metrics=UTILISATION, swept_over=key, title=title)


def kv(run: Tables, points: dict[str, str], title: str) -> Figure | str:
    """KV cache over time, by system."""
    series, capacity = {}, {}
    for system, point in points.items():
        log = run.log(point, Event.FINISHED, Event.IDLE)
        if log is None:
            return NO_LOG
        series[system] = occupancy_series(*log)
        capacity[system] = run.facts(point).kv_capacity_tokens
    if any(frame.empty for frame in series.values()):
        return NOTHING
    return kv_over_time(series, capacity=capacity, title=title)


def cdf(
    run: Tables,
    points: dict[str, str],
    *,
    slo: ServiceLevel | None,
    title: str,
    metrics: Sequence[str] = LATENCIES,
) -> Figure | str:
    """Latencies, by system."""
    tables = {system: run.requests(point, ["status", *metrics]) for system, point in points.items()}
    if not any((table["status"] == "finished").any() for table in tables.values()):
        return NOTHING
    return latency_cdf(tables, metrics=metrics, slo=slo, title=title)


def foresight(run: Tables, points: dict[str, str], title: str) -> Figure | str:
    """How well lengths were foreseen over time, by setting."""
    series, begun = {}, {}
    for label, point in points.items():
        edges, log = run.facts(point).bucket_edges, run.log(point, Event.RETRAINED)
        if edges is None:
            return "its predictor has no buckets"
        series[label] = foresight_series(run.requests(point, list(FORESIGHT)), edges)
        begun[label] = [] if log is None else (column(log[0], "time_ps") / PS_PER_S).tolist()
    if any(frame.empty for frame in series.values()):
        return NOTHING
    return foresight_over_time(series, retrained=begun, title=title)


def throughput(rows: pd.DataFrame, title: str) -> Figure | str:
    """Throughput, by system."""
    return bars(rows, (X,), title=title) if rows[X].notna().any() else NOTHING


def requests_over_time(run: Tables, point: str, title: str, ids: Iterable[int] | None = None) -> Figure | str:
    """The phases of these requests of one point, or of some, preempted ones if there are."""
    log = run.log(point)
    if log is None:
        return NO_LOG
    told = phases(log[0], interesting(log[0], REQUESTS) if ids is None else ids)
    return timeline(told, title=title) if len(told) else "nothing ran"


def address_map(run: Tables, point: str, title: str) -> Figure | str:
    """The address space of one point's first lane, for as long as it is legible."""
    log, facts = run.log(point), run.facts(point)
    if log is None:
        return NO_LOG
    if not facts.contiguous:
        return "its KV is not contiguous, or the run's facts do not say so"
    events, steps = log
    lanes = lane_count(events, steps)
    found = extents(events, steps, capacity_tokens=facts.kv_capacity_tokens)
    if found.empty:
        return "nothing ran"
    first = events[column(events, "lane") == 0]
    compacted = column(first, "time_ps")[column(first, "event") == Event.COMPACTED] / PS_PER_S
    return kv_map(
        found[found["lane"] == 0],
        capacity=facts.kv_capacity_tokens // lanes,
        compactions=compacted.tolist(),
        until=_legible(first),
        title=title if lanes == 1 else f"{title}, lane 0 of {lanes}",
    )


def _legible(events: pd.DataFrame) -> float | None:
    """When the last of so many admissions comes, in seconds; None where there are fewer."""
    times = column(events, "time_ps")[column(events, "event") == Event.ADMITTED]
    later = times[times > times[:1]]
    return float(later[ADMISSIONS - 1]) / PS_PER_S if len(later) >= ADMISSIONS else None
