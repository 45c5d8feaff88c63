"""Bursts, where everything is there at time 0: their saturated part, and whether they are long enough to measure.

While requests wait for room the batch is as full as the system lets it be; once the last is admitted it drains. A
burst of few batches is mostly drain, and understates a system with a large batch most.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from s3sim.core.events import Event
from s3sim.report.facts import Delivery
from s3sim.report.frames import column
from s3sim.report.levels import durations
from s3sim.report.stays import decode_rows, span, stays
from s3sim.report.window import Window

__all__ = ["LEAST_BATCHES", "LEAST_SATURATED", "Served", "is_burst", "saturated_window", "served_in", "too_short"]

LEAST_BATCHES = 30.0  # mean batches of a burst measured whole: docs/explanation/measuring.md has the bias by length
LEAST_SATURATED = 20.0  # of one measured in its saturated part, where its bias is below some 2%


@dataclass(frozen=True, slots=True)
class Served:
    """What a window served: requests and their tokens; of a saturated part by share of output tokens, no whole ones."""

    requests: float
    prompt_tokens: float
    output_tokens: float

    @property
    def useful_tokens(self) -> float:
        """Tokens that went through the model once: the last output token of a request does not."""
        return self.prompt_tokens + self.output_tokens - self.requests


def is_burst(requests: pd.DataFrame) -> bool:
    """Whether everything came at one time."""
    arrival = requests["arrival_s"].to_numpy(dtype=np.float64)
    return bool(len(arrival)) and bool(arrival.max() <= arrival.min())


def saturated_window(events: pd.DataFrame, *, end_ps: int) -> Window | None:
    """From time 0 to the last first admission; None where all are admitted at once, so that nobody ever waits."""
    admitted = column(events, "event") == Event.ADMITTED
    ident, time = column(events, "id")[admitted], column(events, "time_ps")[admitted]
    firsts = time[np.unique(ident, return_index=True)[1]]  # the log tells of a request's admissions in order
    if not len(firsts) or firsts.max() <= firsts.min():
        return None
    return Window(0, min(int(firsts.max()), end_ps), saturated=True)


def served_in(
    window: Window, events: pd.DataFrame, steps: pd.DataFrame, requests: pd.DataFrame, *, delivery: Delivery = "token"
) -> Served:
    """What was served in a window.

    Ordinarily the requests that finished in it. In a saturated part output tokens are counted as they come, and
    requests and prompts by them: a request cut by the part's end counts by its share of tokens. Where tokens are
    delivered at a batch's end, none is cut.
    """
    if not window.saturated:
        return _sums(requests[window.completed(requests)])
    all_of_it = _sums(requests[requests["status"] == "finished"])
    if delivery == "batch_end":
        tokens = int(requests.loc[window.completed(requests), "output_tokens"].sum())
    else:
        tokens = _tokens_until(window.end, events, steps, requests)
    share = tokens / all_of_it.output_tokens if all_of_it.output_tokens else 0.0
    return Served(all_of_it.requests * share, all_of_it.prompt_tokens * share, tokens)


def _sums(finished: pd.DataFrame) -> Served:
    return Served(len(finished), int(finished["prompt_tokens"].sum()), int(finished["output_tokens"].sum()))


def _tokens_until(time: int, events: pd.DataFrame, steps: pd.DataFrame, requests: pd.DataFrame) -> int:
    """Output tokens delivered up to a time, of the requests that finish, then or later; each position counts once.

    A log up to a step's end is a log. A prefill emits a token, and so does each step that a sequence decodes in,
    but for tokens that a RESTART lost, which come again.
    """
    ended = column(steps, "start_ps") + durations(steps) <= time
    rows, told = decode_rows(steps[ended]), stays(events[column(events, "time_ps") <= time])
    first, last = span(rows, told)
    before = np.append([0], np.cumsum(rows.steps))
    decoded = np.where(last >= first, before[np.maximum(last, first - 1) + 1] - before[first], 0)
    new = np.maximum(decoded - np.maximum(told.repeats - 1, 0), 0) + (told.prefilled & (told.repeats == 0))
    finishes = requests.loc[requests["status"].to_numpy() == "finished", "id"].to_numpy(np.int64)
    return int(new[np.isin(told.ident, finishes)].sum())


def too_short(batches: float | None, window: Window) -> int | None:
    """1 where a burst of so many mean batches is too short for what was measured of it, 0 where not; None: no burst."""
    if batches is None:
        return None
    return int(batches < (LEAST_SATURATED if window.saturated else LEAST_BATCHES))
