"""The lives of single requests: what each was doing when, as slices on a track of its own."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from s3sim.core.events import Event, Preemption, Reason
from s3sim.report.frames import Column, column
from s3sim.report.timeline.parts import Args, Instant, Slice, Track
from s3sim.report.timeline.span import Span

__all__ = ["PHASES", "chosen", "lives"]

PHASES = ("predicting", "queued", "prefill", "decode", "away", "stalled")
AFTER = {  # what a request does from an event on
    Event.ARRIVED: "queued",
    Event.PREDICTED: "queued",
    Event.ADMITTED: "prefill",
    Event.PREFILLED: "decode",
    Event.STALLED: "stalled",
    Event.RESUMED: "decode",
    Event.PREEMPTED: "queued",
    Event.SWAPPED_IN: "decode",
    Event.FINISHED: None,
    Event.REJECTED: None,
}
TOLD = ("prompt_tokens", "predicted_tokens", "output_tokens", "preemptions", "ttft_ms", "tpot_ms", "e2el_ms")


def chosen(events: pd.DataFrame, span: Span, count: int) -> Column:
    """Up to `count` requests that were in the system within a span, in the order of their arrival.

    Those that were preempted in it come before others.
    """
    time, kind, ident = (column(events, name) for name in ("time_ps", "event", "id"))
    ended = np.isin(kind, (Event.FINISHED, Event.REJECTED))
    arrived = ident[(kind == Event.ARRIVED) & (time <= span.end)]
    here = arrived[~np.isin(arrived, ident[ended & (time < span.begin)])]
    preempted = ident[(kind == Event.PREEMPTED) & (time >= span.begin) & (time <= span.end)]
    first = np.isin(here, preempted)
    order = np.concatenate((np.flatnonzero(first), np.flatnonzero(~first)))[:count]
    found: Column = here[np.sort(order)]
    return found


def lives(
    events: pd.DataFrame, requests: pd.DataFrame, ids: Iterable[int], *, until: int
) -> tuple[list[Slice], list[Instant]]:
    """Phases of some requests, with their arrivals and ends; what the log does not end lasts `until` then, in ps.

    `predicting` from the arrival until the prediction is ready; `queued` until admitted, also after a preemption
    that dropped the KV; `prefill` until the first token after that; `decode` until the last; `stalled` out of the
    batch with its KV in place; `away` from a preemption by swap until its KV is back, both moves included.
    """
    wanted = np.fromiter(ids, np.int64)
    mine = events[np.isin(column(events, "id"), wanted) & np.isin(column(events, "event"), list(AFTER))]
    stories: dict[int, list[tuple[int, int, int]]] = {ident: [] for ident in wanted.tolist()}
    cells = (column(mine, name).tolist() for name in ("id", "time_ps", "event", "detail"))
    for ident, *row in zip(*cells, strict=True):
        stories[ident].append(tuple(row))
    slices: list[Slice] = []
    instants: list[Instant] = []
    told = _told(requests, wanted)
    for number, (ident, story) in enumerate(stories.items()):
        track = Track("requests", number, f"request {ident}")
        slices += _phases(track, story, until)
        instants += _ends(track, story, told.get(ident, {}))
    return slices, instants


def _phases(track: Track, story: list[tuple[int, int, int]], until: int) -> Iterator[Slice]:
    """From a request's events in the log's order; phases that take no time are left out."""
    phase: str | None = None
    begin = 0
    predicted = next((time for time, kind, _ in story if kind == Event.PREDICTED), None)
    for time, kind, detail in story:
        if phase == "away" and kind == Event.ADMITTED:  # its slots are there, its KV is on the way
            continue
        if phase is not None and time > begin:
            yield Slice(track, "phase", phase, begin, time)
        swapped = kind == Event.PREEMPTED and detail == Preemption.SWAP
        phase, begin = "away" if swapped else AFTER[Event(kind)], time
        if kind == Event.ARRIVED and predicted is not None:
            phase = "predicting"
    if phase is not None and until > begin:
        yield Slice(track, "phase", phase, begin, until)


def _ends(track: Track, story: list[tuple[int, int, int]], told: Args) -> Iterator[Instant]:
    for time, kind, detail in story:
        match kind:
            case Event.ARRIVED:
                yield Instant(track, "arrival", "arrived", time, told)
            case Event.FINISHED:
                yield Instant(track, "end", "finished", time)
            case Event.REJECTED:
                yield Instant(track, "end", f"rejected: {Reason(detail).name.lower()}", time)


def _told(requests: pd.DataFrame, ids: Column) -> dict[int, dict[str, Any]]:
    """What the table of requests says of each, nulls left out."""
    names = [name for name in TOLD if name in requests.columns]
    rows = requests[np.isin(column(requests, "id"), ids)]
    return {
        int(row["id"]): {name: _plain(row[name]) for name in names if not pd.isna(row[name])}
        for row in rows[["id", *names]].to_dict("records")
    }


def _plain(value: Any) -> int | float:
    return float(value) if isinstance(value, float) else int(value)
