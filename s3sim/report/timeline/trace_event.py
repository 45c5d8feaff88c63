"""A timeline in the Trace Event Format, which Perfetto and chrome://tracing open.

Source: "Trace Event Format" by the Chrome team, and what Perfetto's importer makes of it. Phases used: X, a
complete slice; i, an instant; C, a counter; M, names and order of processes and threads. A thread is a track.

Times are microseconds with three decimals, whole nanoseconds, because that is what viewers count in. Both
ends of a slice are rounded, and its duration is their difference, so slices that met still meet and none overlap.
"""

import json
from collections.abc import Iterator
from typing import Any

from s3sim.report.timeline.parts import PROCESSES, Instant, Process, Sample, Slice, Timeline, Track

__all__ = ["lines", "trace_events"]

Event = dict[str, Any]
PS_PER_NS = 1000
TRACKS = 1_000_000  # thread ids per process, so that no two tracks share one


def trace_events(timeline: Timeline) -> Iterator[Event]:
    """The timeline's events: names first, then slices, instants and counters."""
    for process in dict.fromkeys(track.process for track in timeline.tracks):
        yield from _named("process", {"pid": _pid(process)}, process, _pid(process))
    for track in timeline.tracks:
        yield from _named("thread", _place(track), track.name, track.number)
    yield from map(_slice, timeline.slices)
    yield from map(_instant, timeline.instants)
    yield from map(_sample, timeline.samples)


def lines(timeline: Timeline) -> Iterator[str]:
    """The file's text, an event on each line; what it is of, and what was left out, stands at its end."""
    yield '{"displayTimeUnit": "ms", "traceEvents": ['
    comma = ""
    for event in trace_events(timeline):
        yield f"{comma}\n{json.dumps(event, allow_nan=False, separators=(',', ':'))}"
        comma = ","
    yield f'\n], "otherData": {json.dumps(timeline.about, allow_nan=False)}}}\n'


def _named(what: str, place: Event, name: str, rank: int) -> Iterator[Event]:
    yield {"ph": "M", "name": f"{what}_name", **place, "args": {"name": name}}
    yield {"ph": "M", "name": f"{what}_sort_index", **place, "args": {"sort_index": rank}}


def _slice(part: Slice) -> Event:
    begin, end = _ns(part.begin), _ns(part.end)
    times = {"ts": _us(begin), "dur": _us(end - begin)}
    return {"ph": "X", "cat": part.kind, "name": part.name, **_place(part.track), **times, **_args(part)}


def _instant(part: Instant) -> Event:
    place = {**_place(part.track), "ts": _us(_ns(part.time))}
    return {"ph": "i", "s": "t", "cat": part.kind, "name": part.name, **place, **_args(part)}  # s: of the thread


def _sample(part: Sample) -> Event:
    place = {"pid": _pid(part.process), "ts": _us(_ns(part.time))}
    return {"ph": "C", "name": part.counter, **place, "args": {part.unit: part.value}}


def _args(part: Slice | Instant) -> Event:
    return {"args": dict(part.args)} if part.args else {}


def _place(track: Track) -> Event:
    return {"pid": _pid(track.process), "tid": _pid(track.process) * TRACKS + track.number}


def _pid(process: Process) -> int:
    return PROCESSES.index(process) + 1


def _ns(ps: int) -> int:
    """Nanoseconds, halves rounded up."""
    return (ps + PS_PER_NS // 2) // PS_PER_NS


def _us(ns: int) -> int | float:
    return ns // 1000 if ns % 1000 == 0 else ns / 1000
