"""What the device does: the steps of each lane, pauses for predictions, and what happens at step boundaries."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from s3sim.core.events import Event, Preemption
from s3sim.report.frames import column
from s3sim.report.levels import durations
from s3sim.report.timeline.parts import Args, Instant, Slice, Track

__all__ = ["boundaries", "lane_track", "pauses", "retrainings", "step_slices"]

ARGS = {  # column of the log → what a slice says of it
    "steps": "steps",
    "prefill_sequences": "prefill_sequences",
    "prefill_tokens": "prefill_tokens",
    "decode_sequences": "decode_sequences",
    "decode_context": "decode_context_slots",
    "kv_held": "kv_reserved_slots",
    "kv_used": "kv_used_slots",
}
RETRAINING = Track("predictor", 0, "retraining")


def lane_track(lane: int) -> Track:
    """The track of a lane's steps."""
    return Track("replica", lane, f"steps, lane {lane}")


def step_slices(steps: pd.DataFrame) -> Iterator[Slice]:
    """A slice for each stretch: `prefill`, `decode` or both; its steps are told by its arguments."""
    lasted = durations(steps)
    rows = zip(*(column(steps, name).tolist() for name in ARGS), strict=True)
    places = zip(column(steps, "lane").tolist(), column(steps, "start_ps").tolist(), lasted.tolist(), strict=True)
    for (lane, start, duration), row in zip(places, rows, strict=True):
        args: dict[str, int] = dict(zip(ARGS.values(), row, strict=True))
        name = _name(args["prefill_sequences"], args["decode_sequences"])
        yield Slice(lane_track(lane), "step", name, start, start + duration, args | {"duration_ps": duration})


def _name(prefills: int, decodes: int) -> str:
    return "prefill + decode" if prefills and decodes else "prefill" if prefills else "decode"


def pauses(events: pd.DataFrame) -> Iterator[Slice]:
    """The times at which the device computes predictions, and no step."""
    for time, lane, requests, duration in _rows(events, Event.PREDICTING):
        yield Slice(lane_track(lane), "pause", "predicting", time, time + duration, {"requests": requests})


def retrainings(events: pd.DataFrame) -> Iterator[Slice]:
    """The times at which a predictor learns, wherever that is computed."""
    for time, version, rows, duration in _rows(events, Event.RETRAINED):
        name = f"retraining to version {version}"
        yield Slice(RETRAINING, "retraining", name, time, time + duration, {"requests_learnt": rows})


def _rows(events: pd.DataFrame, kind: Event) -> Iterator[tuple[int, ...]]:
    """Time, id, tokens and detail of the events of a kind."""
    mine = events[column(events, "event") == kind]
    yield from zip(*(column(mine, name).tolist() for name in ("time_ps", "id", "tokens", "detail")), strict=True)


def boundaries(events: pd.DataFrame) -> Iterator[Instant]:
    """Preemptions, compactions and reservations that were lengthened, on their lane's track."""
    kinds = (Event.PREEMPTED, Event.COMPACTED, Event.GROWN)
    mine = events[np.isin(column(events, "event"), kinds)]
    names = ("time_ps", "event", "id", "tokens", "detail", "lane")
    for time, kind, ident, tokens, detail, lane in zip(*(column(mine, name).tolist() for name in names), strict=True):
        what, name, args = _told(Event(kind), tokens, detail)
        yield Instant(lane_track(lane), what, name, time, {"request": ident, **args})


def _told(kind: Event, tokens: int, detail: int) -> tuple[str, str, Args]:
    match kind:
        case Event.PREEMPTED:
            return "preemption", f"preempted: {Preemption(detail).name.lower()}", {"cached_slots": tokens}
        case Event.COMPACTED:
            return "compaction", "compaction", {"moved_slots": tokens, "moved_extents": detail}
        case _:
            return "growth", "reservation grown", {"added_slots": tokens, "reserved_slots": detail}
