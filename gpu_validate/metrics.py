"""Metrics of a log without pandas, by which simulation and replay are compared.

They are of the whole run. What summary.csv measures in a window of its own bears the prefix `whole_run_` here, so that
one name means one thing.
"""

from collections import defaultdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s3sim.core.events import EVENT_COLUMNS, STEP_COLUMNS, Event, EventLog, Preemption

__all__ = ["COMPARED", "THROUGHPUT", "WHOLE", "Metrics", "held_over_time", "measure"]

Array = NDArray[Any]
Metrics = dict[str, float | None]
PS_PER_MS = 10**9
PS_PER_S = 10**12
QUANTILES = (50, 90, 99)
LEAST_FOR_P99 = 500  # finished requests
LATENCIES = ("ttft", "tpot", "itl", "e2el")
WHOLE = "whole_run_"  # before a name of summary.csv, of which it is the same of another window
THROUGHPUT = f"{WHOLE}request_throughput"
COMPARED = (
    THROUGHPUT,
    "duration_s",
    *(f"{WHOLE}{kind}_{name}_ms" for name in LATENCIES for kind in ("mean", *(f"p{q}" for q in QUANTILES))),
    f"{WHOLE}mean_batch_size",
    f"{WHOLE}kv_reserved_fraction",
    f"{WHOLE}preemptions",
    "swapped_tokens",
    "peak_kv_slots",
)
CELLS = 200  # of the grid on which slots over time are compared


def measure(log: EventLog, *, capacity: int) -> Metrics:
    """COMPARED of one run by tokens as they come; None where there is none, p99 from 500 requests on.

    Of the whole run, whatever window the experiment measures: a window is found in each log by its own rule,
    and would be another in a simulation than in each of its replays.
    Times are in ms and s; peak_kv_slots are reserved ones. ITL is left out where a batch was run again.
    """
    events, steps = _columns(log)
    steps = _single(steps)
    end = int(events["time_ps"][events["event"] == Event.FINISHED].max(initial=0))
    finished = int((events["event"] == Event.FINISHED).sum())
    found: Metrics = dict.fromkeys(COMPARED)
    found |= _counts(events)
    for name, values in (_latencies(events) | {"itl": _gaps(events, steps)}).items():
        found |= _distribution(name, values, enough=finished >= LEAST_FOR_P99)
    if not end:
        return found
    busy = steps["first_ps"]
    found[THROUGHPUT], found["duration_s"] = finished / (end / PS_PER_S), end / PS_PER_S
    rows = steps["decode_sequences"] + steps["prefill_sequences"]
    found[f"{WHOLE}mean_batch_size"] = float((rows * busy).sum() / busy.sum())
    held, until = _held(events, steps, end)
    found[f"{WHOLE}kv_reserved_fraction"] = float((held * until.astype(float)).sum() / (capacity * float(end)))
    found["peak_kv_slots"] = float(steps["kv_held"].max())
    return found


def held_over_time(log: EventLog, *, capacity: int, end_ps: int) -> Array:
    """Share of the slots that is held, at CELLS moments from 0 to `end_ps`."""
    steps = _single(_columns(log)[1])
    moments = np.linspace(0, end_ps, CELLS, endpoint=False)
    place = np.searchsorted(steps["start_ps"], moments, side="right") - 1
    last = steps["start_ps"][-1] + steps["first_ps"][-1]
    held: Array = np.where((place >= 0) & (moments < last), steps["kv_held"][np.maximum(place, 0)], 0) / capacity
    return held


def _columns(log: EventLog) -> tuple[dict[str, Array], dict[str, Array]]:
    parts = ((log.events, EVENT_COLUMNS), (log.steps, STEP_COLUMNS))
    tables = []
    for cells, names in parts:
        rows = np.frombuffer(cells, np.int64).reshape(-1, len(names))
        tables.append({name: rows[:, place] for place, name in enumerate(names)})
    return tables[0], tables[1]


def _single(steps: dict[str, Array]) -> dict[str, Array]:
    """Stretches as single steps; slots that grew within one are spread over its steps."""
    count = steps["steps"]
    row = np.repeat(np.arange(len(count)), count)
    step = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    first, increment = steps["first_ps"][row], steps["increment_ps"][row]
    changed = {
        "start_ps": steps["start_ps"][row] + step * first + increment * (step * (step - 1) // 2),
        "first_ps": first + step * increment,
        "kv_held": steps["kv_held"][row] + steps["kv_grown"][row] // count[row],
    }
    return {name: changed.get(name, cells[row]) for name, cells in steps.items()}


def _counts(events: dict[str, Array]) -> Metrics:
    kind = events["event"]
    moved = np.isin(kind, (Event.SWAPPED_OUT, Event.SWAPPED_IN))
    return {
        f"{WHOLE}preemptions": float((kind == Event.PREEMPTED).sum()),
        "swapped_tokens": float(events["tokens"][moved].sum()),
    }


def _latencies(events: dict[str, Array]) -> dict[str, Array]:
    """TTFT, TPOT and E2EL of finished requests in ps."""
    arrival: dict[int, int] = {}
    first: dict[int, int] = {}
    found = defaultdict(list)
    for time, event, ident, tokens in zip(*(events[name].tolist() for name in EVENT_COLUMNS[:4]), strict=True):
        if event == Event.ARRIVED:
            arrival[ident] = time
        elif event == Event.PREFILLED and tokens == 1:
            first.setdefault(ident, time)
        elif event == Event.FINISHED:
            found["ttft"].append(first[ident] - arrival[ident])
            found["e2el"].append(time - arrival[ident])
            if tokens > 1:
                found["tpot"].append((time - first[ident]) / (tokens - 1))
    return {name: np.array(found[name], dtype=np.float64) for name in ("ttft", "tpot", "e2el")}


def _gaps(events: dict[str, Array], steps: dict[str, Array]) -> Array:
    """Times between consecutive tokens of a request in ps, all requests together; none where a batch restarted."""
    restarts = (events["event"] == Event.PREEMPTED) & (events["detail"] == Preemption.RESTART)
    if restarts.any():
        return np.array([])
    order = np.argsort(events["time_ps"], kind="stable")
    told = zip(*(events[name][order].tolist() for name in ("time_ps", "event", "id")), strict=True)
    decoding: set[int] = set()
    latest: dict[int, int] = {}
    gaps: list[int] = []
    waiting = next(told, None)
    columns = (steps[name].tolist() for name in ("start_ps", "first_ps", "decode_sequences"))
    for start, took, rows in zip(*columns, strict=True):
        while waiting is not None and waiting[0] <= start:
            _follow(waiting, decoding, latest, gaps)
            waiting = next(told, None)
        if rows:
            gaps += [start + took - latest[ident] for ident in decoding]
            latest |= dict.fromkeys(decoding, start + took)
    for last in (waiting, *told):
        if last is not None:
            _follow(last, decoding, latest, gaps)
    return np.array(gaps, dtype=np.float64)


def _follow(told: tuple[int, int, int], decoding: set[int], latest: dict[int, int], gaps: list[int]) -> None:
    time, event, ident = told
    if event == Event.PREFILLED:
        if ident in latest:  # after a recompute
            gaps.append(time - latest[ident])
        latest[ident] = time
        decoding.add(ident)
    elif event in (Event.SWAPPED_IN, Event.RESUMED):
        decoding.add(ident)
    elif event in (Event.FINISHED, Event.PREEMPTED, Event.STALLED):
        decoding.discard(ident)


def _held(events: dict[str, Array], steps: dict[str, Array], end: int) -> tuple[Array, Array]:
    """Slots held, and for how long: each plan's stand until the next plan."""
    idle = events["event"] == Event.IDLE
    begin = np.concatenate([steps["start_ps"], events["time_ps"][idle]])
    held = np.concatenate([steps["kv_held"], events["tokens"][idle]])
    order = np.argsort(begin, kind="stable")
    return held[order], np.diff(np.minimum(begin[order], end), append=end)


def _distribution(name: str, values: Array, *, enough: bool) -> Metrics:
    if not len(values):
        return {}
    found: Metrics = {f"{WHOLE}mean_{name}_ms": float(values.mean()) / PS_PER_MS}
    for quantile in QUANTILES:
        if enough or quantile < max(QUANTILES):
            found[f"{WHOLE}p{quantile}_{name}_ms"] = float(np.percentile(values, quantile)) / PS_PER_MS
    return found
