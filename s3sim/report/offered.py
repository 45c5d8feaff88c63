"""What was offered to a system, and whether it kept up."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from s3sim.core.events import Event, Reason
from s3sim.core.rates import arrival_rate
from s3sim.report.frames import PS_PER_S, column
from s3sim.report.window import Window

__all__ = ["offered_rate", "saturated"]

GROWTH = 1.5  # a queue is this many times as long in the last quarter of the arrivals as in the second
LEAST_QUEUE = 4.0  # sequences; shorter queues say nothing about saturation


def offered_rate(requests: pd.DataFrame, window: Window) -> float | None:
    """Requests per second from the window's first arrival to its last, as `s3sim trace stats` counts a trace.

    None where all came at once, or only one came.
    """
    arrival = requests.loc[window.arrived(requests), "arrival_s"].to_numpy(dtype=np.float64)
    span = round(float(arrival.max() - arrival.min()) * PS_PER_S) if len(arrival) else 0
    return arrival_rate(len(arrival), span)


def saturated(events: pd.DataFrame) -> bool | None:
    """Whether the queue grew throughout: no quarter of the time of arrivals has a shorter one than that before.

    The last quarter's mean must be above LEAST_QUEUE, and GROWTH times the second's; the first is warm-up. In
    the queue are those that arrived or were preempted and are not admitted, also while their prediction is
    made. None where all arrive at once, so that nothing is offered at a rate.
    """
    kind, time = column(events, "event"), column(events, "time_ps")
    arrivals = time[kind == Event.ARRIVED]
    if not len(arrivals) or arrivals.max() <= arrivals.min():
        return None
    means = _queue_means(events, np.linspace(arrivals.min(), arrivals.max(), 5))
    grows = bool(np.all(np.diff(means) >= 0)) and means[3] > means[2]
    return bool(grows and means[3] > max(LEAST_QUEUE, GROWTH * means[1]))


def _queue_means(events: pd.DataFrame, edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean length of the queue between the edges, weighted by time."""
    kind, detail = column(events, "event"), column(events, "detail")
    joins = (kind == Event.ARRIVED) | (kind == Event.PREEMPTED)
    leaves = (kind == Event.ADMITTED) | ((kind == Event.REJECTED) & (detail != Reason.OUT_OF_MEMORY))
    at = np.flatnonzero(joins | leaves)
    at = at[np.argsort(column(events, "time_ps")[at], kind="stable")]
    times = column(events, "time_ps")[at].astype(np.float64)
    length = np.cumsum(joins[at].astype(np.int64) - leaves[at])
    area = np.append([0.0], np.cumsum(length[:-1] * np.diff(times)))
    means: NDArray[np.float64] = np.diff(np.interp(edges, times, area)) / np.diff(edges)
    return means
