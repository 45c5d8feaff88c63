"""What a reader of a run must be told before its numbers: bursts that are too short, points where nothing finished."""

from collections.abc import Callable, Iterator, Mapping
from math import ceil

import pandas as pd

from s3sim.report.burst import LEAST_BATCHES, LEAST_SATURATED

__all__ = ["EMPTY", "SATURATED", "TOO_SHORT", "cautions", "marks"]

Reasons = Callable[[str], Mapping[str, int]]  # of a point: how many requests were rejected, by reason

SATURATED = "* saturated: in some seed the queue grew throughout the arrivals"
TOO_SHORT = (
    f"† burst too short: in some seed it held under {LEAST_BATCHES:g} mean batches, or under {LEAST_SATURATED:g}"
    " measured saturated, so that filling and draining the batch lowers its rates"
)
EMPTY = "nothing finished"
WHY = {
    "never_fits": "prompt + max_new_tokens exceeds what the device can hold for one sequence",
    "over_length": "prompt + output exceeds max_length",
    "out_of_memory": "its static batch ran out of memory",
}


def marks(rows: pd.DataFrame) -> str:
    """The signs of a setting, given by rows of its seeds or by their means: `*` saturated, `†` too short a burst."""
    signs = {"saturated": "*", "too_short": "†"}
    return "".join(sign for name, sign in signs.items() if name in rows and bool((rows[name].astype(float) > 0).any()))


def cautions(summary: pd.DataFrame, reasons: Reasons) -> Iterator[str]:
    """A line for bursts that are too short, and one for each system with points where nothing finished."""
    yield from _short(summary)
    empty = summary[(summary["completed"] == 0)] if "completed" in summary else summary[:0]
    for (scenario, system), rows in empty.groupby(["scenario", "system"], sort=False):
        yield f"{scenario}, {system}: {EMPTY} in {_points(len(rows))}: {_rejections(rows, reasons)}"


def _short(summary: pd.DataFrame) -> Iterator[str]:
    if "too_short" not in summary:
        return
    short = summary[summary["too_short"].astype(float) > 0]
    if short.empty:
        return
    places = []
    for scenario, rows in short.groupby("scenario", sort=False):
        counts = rows["system"].value_counts(sort=False)
        places.append(f"{scenario}: {', '.join(f'{system} ({_points(n)})' for system, n in counts.items())}")
    batch = float(short["mean_batch_size"].max())
    yield (
        f"bursts too short for their batch, so that rates are too low: {'; '.join(places)};"
        f" say measure: {{burst: saturated}} with at least {ceil(LEAST_SATURATED * batch)} requests,"
        f" or give at least {ceil(LEAST_BATCHES * batch)}"
    )


def _points(count: int) -> str:
    return f"{count} point{'s' if count > 1 else ''}"


def _rejections(rows: pd.DataFrame, reasons: Reasons) -> str:
    """Why the requests of points were rejected, and how many."""
    counts: dict[str, int] = {}
    for point in rows["point"]:
        for reason, count in reasons(str(point)).items():
            counts[reason] = counts.get(reason, 0) + count
    told = [f"{count} requests rejected as {reason} ({WHY.get(reason, reason)})" for reason, count in counts.items()]
    return "; ".join(told) or "no request was rejected, the run ended before"
