"""The event log: everything that happened, in order; reports are computed from it and from nothing else.

Two tables of 64-bit integers. `events` has a row for each change in a request's life, `steps` a row
for each stretch. Rows are appended in place to flat arrays, which readers view as columns.
"""

from array import array
from collections.abc import Iterator
from enum import IntEnum

from s3sim.core.errors import InputError

__all__ = ["EVENT_COLUMNS", "STEP_COLUMNS", "Event", "EventLog", "Preemption", "Reason", "Stall", "canonical"]

EVENT_COLUMNS = ("time_ps", "event", "id", "tokens", "detail", "lane")
STEP_COLUMNS = (
    "start_ps",
    "first_ps",  # duration of the stretch's first step
    "increment_ps",  # by which each later step is longer
    "steps",
    "lane",
    "prefill_sequences",
    "prefill_tokens",
    "decode_sequences",
    "decode_context",  # slots read by decode attention in the first step
    "relocated_tokens",  # written slots moved by compaction before the step
    "kv_held",  # slots held during the first step, on the whole device
    "kv_used",  # slots written when the first step starts, on the whole device
    "kv_grown",  # Σ over the stretch's steps of slots held beyond the first step's
    "kv_grown_moment",  # Σ over its steps j of j times those
    "padding_tokens",  # prompt positions computed for padding
    "padding_rows",  # rows that decode without a sequence
    "padding_slots",  # slots read by attention beyond decode_context in the first step
    "copied_slots",  # slots copied to longer tensors in the first step
    "waiting",  # sequences in the queue
)


DAY = 86_400 * 10**12  # ps


class Event(IntEnum):
    """What a row of `events` says, and the meaning of its columns tokens and detail.

    The order is the order of what happens at one instant.
    """

    SWAPPED_OUT = 0  # the move to the host is complete: tokens moved, detail 0
    SWAPPED_IN = 1  # the move from the host is complete: tokens moved, detail 0
    ARRIVED = 2  # prompt_tokens, max_new_tokens
    PREDICTED = 3  # predicted output tokens, version of the predictor
    REJECTED = 4  # prompt_tokens, a Reason
    PREFILLED = 5  # output tokens emitted so far, tokens computed by the prefill
    FINISHED = 6  # output tokens, preemptions
    PREEMPTED = 7  # slots cached, a Preemption
    ADMITTED = 8  # slots reserved, address of the first
    GROWN = 9  # slots added by a supervisor, slots held now
    COMPACTED = 10  # written slots moved, extents moved (id: the sequence that needed the room)
    IDLE = 11  # nothing to run from here on: slots held, slots written
    STALLED = 12  # it sits steps out, its KV in place: slots cached, a Stall
    RESUMED = 13  # a stalled one decodes again: slots cached, the Stall that ends
    RETRAINED = 14  # a retraining begins: rows learnt, duration in ps (id: the version that it will end with)
    PREDICTING = 15  # from here on no step, but the predictor: requests foreseen, duration in ps (id: lane)
    RELOCATED = 16  # an extent that a compaction moved: written slots moved, its new address


class Reason(IntEnum):
    """Why a request was rejected."""

    NEVER_FITS = 1  # prompt + max_new_tokens exceeds what the device can hold for one sequence
    OVER_LENGTH = 2  # the experiment says `over_length: reject`

    OUT_OF_MEMORY = 3  # its static batch ran out of memory, and the system gives up


class Preemption(IntEnum):
    """How a sequence left the device before its end."""

    RECOMPUTE = 0  # its KV is dropped, to be computed again with the tokens generated so far
    SWAP = 1  # its KV moves to the host
    RESTART = 2  # its batch ran out of memory: KV and generated tokens are lost
    HOST_FULL = 3  # a swap was wanted, the host had no room: recompute


class Stall(IntEnum):
    """Why a sequence sits steps out."""

    NO_BLOCK = 0  # until a block is free
    OUTRANKED = 1  # until it is among the first again


class EventLog:
    """The two tables, appended in place: 48 bytes an event, 152 bytes a stretch."""

    def __init__(self) -> None:
        self.events = array("q")
        self.steps = array("q")

    def event(self, time: int, event: int, ident: int, tokens: int, detail: int, lane: int = 0) -> None:
        """Append one row of `events`; raises InputError where 64 bits no longer hold the time."""
        try:
            self.events.extend((time, event, ident, tokens, detail, lane))
        except OverflowError:
            raise _too_long(time) from None

    def step(self, row: tuple[int, ...]) -> None:
        """Append one row of `steps`, in the order of STEP_COLUMNS; raises InputError as `event` does."""
        try:
            self.steps.extend(row)
        except OverflowError:
            raise _too_long(row[0] + row[1]) from None

    def event_rows(self) -> Iterator[tuple[int, ...]]:
        """The rows of `events`, in the order they were appended."""
        return _rows(self.events, len(EVENT_COLUMNS))

    def step_rows(self) -> Iterator[tuple[int, ...]]:
        """The rows of `steps`, in the order they were appended."""
        return _rows(self.steps, len(STEP_COLUMNS))


def _too_long(time: int) -> InputError:
    return InputError(
        f"the run lasts longer than 106 days of simulated time, which is all that 64 bits of picoseconds hold:"
        f" something happens at {time / DAY:.4g} days; give it fewer requests, a higher rate of arrival or a faster"
        " device"
    )


def _rows(cells: "array[int]", width: int) -> Iterator[tuple[int, ...]]:
    return zip(*[iter(cells)] * width, strict=True)


def canonical(log: EventLog) -> list[tuple[int, ...]]:
    """The log as it would be without stretches: what two worlds, or two ways to run, are compared by.

    Stretches are expanded to single steps `(end, -1, start, lane, prefill sequences, prefill tokens,
    decode sequences, decode context, relocated tokens)`; events keep their columns. Sorted by time,
    then by the order of what happens at one instant; slot counts are left to the report's integrals.
    """
    rows: list[tuple[int, ...]] = list(log.event_rows())
    for start, first, increment, steps, lane, *counts in log.step_rows():
        prefills, prefill_tokens, decodes, context, relocated, *_ = counts
        begin = start
        for step in range(steps):
            end = begin + first + step * increment
            rows.append((end, -1, begin, lane, prefills, prefill_tokens, decodes, context + step * decodes, relocated))
            begin = end
    return sorted(rows)
