"""What a viewer demands of a file in the Trace Event Format, checked on its own: no code of s3sim's is used."""

import gzip
import json
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

__all__ = ["KEYS", "check", "nanoseconds", "of_phase", "read"]

Event = dict[str, Any]
KEYS = {  # by phase: what an event must have, besides ph and name
    "X": {"cat", "pid", "tid", "ts", "dur"},
    "i": {"cat", "pid", "tid", "ts", "s"},
    "C": {"pid", "ts", "args"},
    "M": {"pid", "args"},
}
METADATA = {"process_name": "name", "process_sort_index": "sort_index"}
METADATA |= {"thread_name": "name", "thread_sort_index": "sort_index"}
LARGEST_ID = 2**32 - 1  # Perfetto reads pid and tid as 32 bits, unsigned


def read(path: Path) -> dict[str, Any]:
    """The object in a file, as JSON and nothing more lenient."""
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no JSON")

    found: dict[str, Any] = json.loads(raw.decode("utf-8"), parse_constant=refuse)
    return found


def nanoseconds(value: float) -> int:
    """A time as Perfetto counts it."""
    return round(value * 1000)


def of_phase(events: list[Event], phase: str) -> list[Event]:
    """The events of one phase."""
    return [event for event in events if event["ph"] == phase]


def check(trace: dict[str, Any]) -> list[Event]:
    """The events of a trace that keeps all rules; raises AssertionError for the first that it breaks."""
    assert trace["displayTimeUnit"] in ("ms", "ns")
    events: list[Event] = trace["traceEvents"]
    for event in events:
        _check_one(event)
    _check_names(events)
    _check_nesting(of_phase(events, "X"))
    _check_counters(of_phase(events, "C"))
    return events


def _check_one(event: Event) -> None:
    missing = {"ph", "name", *KEYS[event["ph"]]} - set(event)
    assert not missing, f"{missing} missing in {event}"
    assert isinstance(event["name"], str)
    assert event["name"]
    for key in {"pid", "tid"} & set(event):
        assert isinstance(event[key], int)
        assert 0 < event[key] <= LARGEST_ID
    for key in {"ts", "dur"} & set(event):
        assert isinstance(event[key], int | float)
        assert event[key] >= 0
    if event["ph"] == "i":
        assert event["s"] in ("g", "p", "t")
    for value in event.get("args", {}).values():
        assert isinstance(value, int | float | str)
    if event["ph"] == "M":
        assert METADATA[event["name"]] in event["args"]


def _check_names(events: list[Event]) -> None:
    """Every track and every process that holds anything is named once, and no two tracks share an id."""
    named = [event["tid"] for event in of_phase(events, "M") if event["name"] == "thread_name"]
    assert len(named) == len(set(named))
    used = {event["tid"] for event in events if event["ph"] in ("X", "i")}
    assert used == set(named)
    processes = [event["pid"] for event in of_phase(events, "M") if event["name"] == "process_name"]
    assert len(processes) == len(set(processes))
    assert {event["pid"] for event in events} == set(processes)


def _check_nesting(slices: list[Event]) -> None:
    """Two slices of a track follow one another, or one lies within the other."""
    tracks: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for event in slices:
        begin = nanoseconds(event["ts"])
        tracks[event["pid"], event["tid"]].append((begin, begin + nanoseconds(event["dur"])))
    for track, spans in tracks.items():
        open_until: list[int] = []
        for begin, end in sorted(spans, key=lambda span: (span[0], -span[1])):
            while open_until and open_until[-1] <= begin:
                open_until.pop()
            assert not open_until or end <= open_until[-1], f"slices of track {track} overlap at {begin} ns"
            open_until.append(end)


def _check_counters(samples: list[Event]) -> None:
    """A counter's samples are numbers, and rise in time."""
    counters: dict[tuple[int, str], list[float]] = defaultdict(list)
    for event in samples:
        assert len(event["args"]) == 1
        (value,) = event["args"].values()
        assert isinstance(value, int | float)
        counters[event["pid"], event["name"]].append(event["ts"])
    for times in counters.values():
        assert all(one < other for one, other in pairwise(times))
