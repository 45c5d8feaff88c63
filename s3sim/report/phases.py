"""What each request waited for and when: its life as phases, from the event log."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pandas as pd

from s3sim.core.events import EVENT_COLUMNS, Event, Preemption
from s3sim.report.frames import Column, column

__all__ = ["PHASES", "STATES", "first_admissions", "interesting", "phases"]

PHASES = ("queued", "prefill", "decode", "swapped")
STATES = (*PHASES, "stalled", "preempted")  # finer: what sits a step out, and what waits again without its KV
AFTER = {
    Event.ARRIVED: "queued",
    Event.ADMITTED: "prefill",
    Event.PREFILLED: "decode",
    Event.SWAPPED_IN: "decode",
    Event.PREEMPTED: "queued",
    Event.FINISHED: None,
    Event.REJECTED: None,
}
FINER = AFTER | {Event.PREEMPTED: "preempted", Event.STALLED: "stalled", Event.RESUMED: "decode"}


def phases(events: pd.DataFrame, ids: Iterable[int], *, finer: bool = False) -> pd.DataFrame:
    """The phases of some requests, in their order: id, phase (one of PHASES), begin_ps, end_ps.

    Queued until admitted, also after a preemption that dropped the KV; prefill until the first token after
    that; decode, stalls included; swapped from a preemption by swap until the KV is back, the moves
    included. A phase that the log does not end is left out. `finer` tells STATES: stalls are no decode, and
    who waits after such a preemption is preempted, not queued.
    """
    after = FINER if finer else AFTER
    wanted = np.fromiter(ids, np.int64)
    at = np.flatnonzero(np.isin(column(events, "id"), wanted) & np.isin(column(events, "event"), list(after)))
    cells = [column(events, name)[at] for name in EVENT_COLUMNS]
    place = {ident: rank for rank, ident in enumerate(wanted.tolist())}
    order = np.argsort([place[ident] for ident in cells[EVENT_COLUMNS.index("id")].tolist()], kind="stable")
    rows = list(_phases(zip(*(cell[order].tolist() for cell in cells), strict=True), after))
    frame = pd.DataFrame(rows, columns=["id", "phase", "begin_ps", "end_ps"])
    frame["phase"] = pd.Categorical(frame["phase"], STATES if finer else PHASES)
    return frame


def _phases(rows: Iterator[tuple[int, ...]], after: Mapping[Event, str | None]) -> Iterator[tuple[int, str, int, int]]:
    """From events by request, then in the log's order."""
    phase: str | None = None
    begin = 0
    for time, kind, ident, _, detail, _ in rows:
        if phase == "swapped" and kind == Event.ADMITTED:  # its slots are there, its KV is on the way
            continue
        if kind != Event.ARRIVED and phase is not None and time > begin:
            yield ident, phase, begin, time
        swapped = kind == Event.PREEMPTED and detail == Preemption.SWAP
        phase, begin = "swapped" if swapped else after[Event(kind)], time


def first_admissions(events: pd.DataFrame) -> Column:
    """The ids of all that were admitted, by their first admission."""
    admitted = column(events, "id")[column(events, "event") == Event.ADMITTED]
    return np.asarray(admitted[np.sort(np.unique(admitted, return_index=True)[1])], np.int64)


def interesting(events: pd.DataFrame, count: int) -> Column:
    """Up to `count` requests by their first admission: those that were preempted, and if these are few, others."""
    first = first_admissions(events)
    preempted = np.isin(first, column(events, "id")[column(events, "event") == Event.PREEMPTED])
    chosen = np.concatenate((np.flatnonzero(preempted), np.flatnonzero(~preempted)))[:count]
    return np.asarray(first[np.sort(chosen)], np.int64)
