"""From a run directory to a timeline file."""

import gzip
from collections.abc import Iterable
from contextlib import suppress
from io import TextIOWrapper
from itertools import chain
from pathlib import Path
from typing import Any
from uuid import uuid4

import pandas as pd

from s3sim.core.errors import InputError, SystemFaultError
from s3sim.report.frames import PS_PER_S
from s3sim.report.point_names import find_point
from s3sim.report.rundir import read_run
from s3sim.report.timeline.counters import batches, kv_slots
from s3sim.report.timeline.device import boundaries, pauses, retrainings, step_slices
from s3sim.report.timeline.link import moves
from s3sim.report.timeline.lives import TOLD, chosen, lives
from s3sim.report.timeline.parts import Instant, Slice, Timeline
from s3sim.report.timeline.span import MOST_STRETCHES, Span, span_of
from s3sim.report.timeline.trace_event import lines

__all__ = ["SEQUENCES", "timeline_of", "write_timeline"]

NO_LOG = "the run kept no event log (log: requests); run the experiment with `log: full`"
SEQUENCES = 200  # requests that get a track of their own, unless told otherwise: a few screens


def write_timeline(
    run_dir: str | Path,
    *,
    point: str | None = None,
    out: str | Path | None = None,
    first: float | None = None,
    last: float | None = None,
    sequences: int = SEQUENCES,
    stretches: int = MOST_STRETCHES,
) -> tuple[Path, Timeline]:
    """Write a point's timeline, compressed if the name ends in .gz; returns the file and what it holds.

    `point` is the name of a point or the begin of one name alone; it may be left out where there is one point.
    The file is `figures/timeline-<point>.json.gz` in the run directory unless `out` names one. Raises InputError for
    a directory that cannot be used or that kept no log, SystemFaultError where the file cannot be written.
    """
    folder = Path(run_dir)
    run = read_run(folder)
    name = find_point(run, point)
    path = _target(None if out is None else Path(out), folder / "figures" / f"timeline-{name}.json.gz")
    log = run.log(name)
    if log is None:
        raise InputError(f"{folder / 'points' / name}: {NO_LOG}")
    requests = run.requests(name, ["id", *TOLD])
    found = timeline_of(*log, requests, first=first, last=last, sequences=sequences, stretches=stretches)
    found.about.update({"run": run.name, "point": name})
    if out is None:
        with suppress(OSError):  # writing says what is wrong
            path.parent.mkdir(exist_ok=True)
    _write(path, lines(found))
    return path, found


def timeline_of(
    events: pd.DataFrame,
    steps: pd.DataFrame,
    requests: pd.DataFrame,
    *,
    first: float | None = None,
    last: float | None = None,
    sequences: int = SEQUENCES,
    stretches: int = MOST_STRETCHES,
) -> Timeline:
    """The timeline of a log: all of it, or the `first` or `last` seconds, and tracks for so many requests.

    What crosses an end of the span is cut there.
    """
    span = span_of(events, steps, first=first, last=last, stretches=stretches)
    ids = chosen(events, span, sequences)
    phases, ends = lives(events, requests, ids.tolist(), until=span.last)
    parts = (step_slices(steps), pauses(events), moves(events), retrainings(events), phases)
    slices = _cut(chain.from_iterable(parts), span)
    instants = [part for part in (*boundaries(events), *ends) if span.begin <= part.time <= span.end]
    samples = (*kv_slots(events, steps, span), *batches(steps, span))
    shown = sum(part.kind == "step" for part in slices)
    about = _about(span, stretches=(shown, len(steps)), requests=(len(ids), len(requests)))
    return Timeline(slices=tuple(slices), instants=tuple(_ordered(instants)), samples=samples, about=about)


def _cut(parts: Iterable[Slice], span: Span) -> list[Slice]:
    """What of the slices lies within the span."""
    cut = (part._replace(begin=max(part.begin, span.begin), end=min(part.end, span.end)) for part in parts)
    return [part for part in cut if part.end > part.begin]


def _ordered(instants: Iterable[Instant]) -> list[Instant]:
    return sorted(instants, key=lambda part: (part.track.process, part.track.number, part.time))


def _about(span: Span, *, stretches: tuple[int, int], requests: tuple[int, int]) -> dict[str, Any]:
    times = {"begin_s": span.begin, "end_s": span.end, "run_ends_s": span.last}
    counts = zip(("stretches", "requests"), (stretches, requests), strict=True)
    return {name: time / PS_PER_S for name, time in times.items()} | {
        f"{name}{suffix}": count for name, pair in counts for suffix, count in zip(("", "_in_run"), pair, strict=True)
    }


def _target(out: Path | None, default: Path) -> Path:
    if out is None:
        return default
    if not out.name.endswith((".json", ".json.gz")):
        raise InputError(f"--out {out}: a timeline is a .json or a .json.gz file; give it such a name")
    if not out.parent.is_dir():
        raise InputError(f"--out {out}: its folder does not exist; make it first")
    return out


def _write(path: Path, text: Iterable[str]) -> None:
    """Write a file, whole or not at all; the same text gives the same bytes."""
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with draft.open("wb") as raw:
            if path.suffix == ".gz":
                with gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed:
                    _fill(packed, text)
            else:
                _fill(raw, text)
        draft.replace(path)
    except OSError as error:
        raise SystemFaultError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def _fill(binary: Any, text: Iterable[str]) -> None:
    with TextIOWrapper(binary, encoding="utf-8") as file:
        file.writelines(text)
