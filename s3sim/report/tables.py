"""The table of requests: what became of each, from its events."""

import numpy as np
import pandas as pd

from s3sim.core.events import Event, Reason
from s3sim.report.facts import Delivery
from s3sim.report.frames import PS_PER_MS, PS_PER_S, Column, event_frame, step_frame
from s3sim.report.hits import RequestLog

__all__ = ["REQUEST_COLUMNS", "event_frame", "requests_table", "step_frame"]

STATUSES = ("finished", "rejected", "unfinished")
REASONS = tuple(reason.name.lower() for reason in Reason)
REQUEST_COLUMNS = (
    "id",
    "status",  # one of STATUSES
    "reason",  # of a rejection
    "arrival_s",
    "prompt_tokens",
    "max_new_tokens",
    "predicted_tokens",
    "output_tokens",  # of a finished request
    "admitted_s",  # for the first time
    "first_token_s",
    "finished_s",
    "ttft_ms",
    "tpot_ms",
    "e2el_ms",
    "normalized_latency_ms",  # per output token
    "preemptions",
    "swapped_tokens",  # both ways together
    "reserved_tokens",  # slots, by the first admission
)


def requests_table(events: pd.DataFrame, *, delivery: Delivery = "token") -> pd.DataFrame:
    """One row per request that arrived, with REQUEST_COLUMNS, in the order in which the log tells of the arrivals.

    Times are in seconds since the run's start and latencies in milliseconds: differences are taken
    in integer picoseconds, and converted last. What a request never came to is null. Definitions are
    those of vLLM's `bench serve`: TTFT = first token - arrival; E2EL = last token - arrival;
    TPOT = (E2EL - TTFT) / (output_tokens - 1), for more than one token; normalized latency =
    E2EL / output_tokens. A token that a RESTART lost was delivered all the same, so the first token stays
    the first; with delivery at the batch's end all tokens come with the last. Raises InvariantError where
    an id arrived twice, or never.
    """
    log = RequestLog(events)
    first = _first_tokens(log) if delivery == "token" else _last_tokens(log)
    cells = {**_given(log), **_outcome(log), **_service(log), **_latencies(log, *first), **_preempted(log)}
    return pd.DataFrame(cells, columns=list(REQUEST_COLUMNS), copy=False)


def _given(log: RequestLog) -> dict[str, object]:
    arrived, predicted = log.of(Event.ARRIVED), log.of(Event.PREDICTED)
    return {
        "id": log.ids,
        "arrival_s": arrived.time / PS_PER_S,
        "prompt_tokens": arrived.tokens,
        "max_new_tokens": arrived.detail,
        "predicted_tokens": log.integers(predicted.row, predicted.tokens),
    }


def _outcome(log: RequestLog) -> dict[str, object]:
    finished, rejected = log.of(Event.FINISHED), log.of(Event.REJECTED)
    status = np.full(len(log.ids), STATUSES.index("unfinished"), np.int8)
    status[finished.row], status[rejected.row] = STATUSES.index("finished"), STATUSES.index("rejected")
    reason = np.full(len(log.ids), -1, np.int8)  # pandas' code for no category
    reason[rejected.row] = rejected.detail - min(Reason)
    return {
        "status": pd.Categorical.from_codes(status, pd.Index(STATUSES)),
        "reason": pd.Categorical.from_codes(reason, pd.Index(REASONS)),
        "output_tokens": log.integers(finished.row, finished.tokens),
    }


def _service(log: RequestLog) -> dict[str, object]:
    finished, admitted = log.of(Event.FINISHED), log.of(Event.ADMITTED)
    row, first = np.unique(admitted.row, return_index=True)
    return {
        "admitted_s": log.numbers(row, admitted.time[first] / PS_PER_S),
        "finished_s": log.numbers(finished.row, finished.time / PS_PER_S),
        "reserved_tokens": log.integers(row, admitted.tokens[first]),
    }


def _first_tokens(log: RequestLog) -> tuple[Column, Column]:
    """The rows of those that got a token, and when they got their first."""
    prefilled = log.of(Event.PREFILLED)
    once = np.flatnonzero(prefilled.tokens == 1)  # a prefill after a recompute emits a later token
    row, first = np.unique(prefilled.row[once], return_index=True)
    return row, prefilled.time[once][first]


def _last_tokens(log: RequestLog) -> tuple[Column, Column]:
    finished = log.of(Event.FINISHED)
    return finished.row, finished.time


def _latencies(log: RequestLog, row: Column, time: Column) -> dict[str, object]:
    arrival, finished = log.of(Event.ARRIVED).time, log.of(Event.FINISHED)
    first_token = np.zeros(len(log.ids), np.int64)
    first_token[row] = time
    e2el, decoding = finished.time - arrival[finished.row], finished.time - first_token[finished.row]
    many = finished.tokens > 1
    return {
        "first_token_s": log.numbers(row, time / PS_PER_S),
        "ttft_ms": log.numbers(row, (time - arrival[row]) / PS_PER_MS),
        "tpot_ms": log.numbers(finished.row[many], decoding[many] / (finished.tokens[many] - 1) / PS_PER_MS),
        "e2el_ms": log.numbers(finished.row, e2el / PS_PER_MS),
        "normalized_latency_ms": log.numbers(finished.row, e2el / finished.tokens / PS_PER_MS),
    }


def _preempted(log: RequestLog) -> dict[str, object]:
    swapped = np.zeros(len(log.ids), np.int64)
    for kind in (Event.SWAPPED_OUT, Event.SWAPPED_IN):
        moved = log.of(kind)
        np.add.at(swapped, moved.row, moved.tokens)
    return {
        "preemptions": np.bincount(log.of(Event.PREEMPTED).row, minlength=len(log.ids)),
        "swapped_tokens": swapped,
    }
