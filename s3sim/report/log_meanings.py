"""What the event log holds: the columns of its two tables with their units, and every kind of event."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from s3sim.core.events import Event
from s3sim.report.meanings import columns_of

__all__ = ["EVENTS", "EVENT_KINDS", "STEPS", "EventKind"]


class EventKind(NamedTuple):
    """One kind of event: what happened, and what its columns `tokens` and `detail` hold."""

    what: str
    tokens: str
    detail: str


EVENTS: Final = columns_of(
    time_ps=("ps", "When it happened, since the run's start."),
    event=("", "The kind, a number of the table of events."),
    id=("", "The request; where the table of events says so, something else."),
    tokens=("", "As the table of events says."),
    detail=("", "As the table of events says."),
    lane=("", "The micro-batch of a pipeline; 0 without one."),
)

EVENT_KINDS: Final[Mapping[Event, EventKind]] = MappingProxyType(
    {
        Event.SWAPPED_OUT: EventKind("The move to the host is complete.", "slots moved", "0"),
        Event.SWAPPED_IN: EventKind("The move from the host is complete.", "slots moved", "0"),
        Event.ARRIVED: EventKind("The request arrived.", "prompt tokens", "max_new_tokens"),
        Event.PREDICTED: EventKind("Its prediction is there.", "output tokens foreseen", "version of the predictor"),
        Event.REJECTED: EventKind(
            "It was rejected.", "prompt tokens", "1: never fits, 2: over length, 3: out of memory"
        ),
        Event.PREFILLED: EventKind(
            "Its prompt is computed, and a token emitted.", "output tokens emitted so far", "tokens computed"
        ),
        Event.FINISHED: EventKind("Its last token was emitted.", "output tokens", "preemptions"),
        Event.PREEMPTED: EventKind(
            "It was taken off the device.",
            "slots cached",
            "0: recompute, 1: swap, 2: restart, 3: swap wanted, host full",
        ),
        Event.ADMITTED: EventKind("It was admitted.", "slots reserved", "address of the first slot"),
        Event.GROWN: EventKind("A supervisor lengthened its reservation.", "slots added", "slots held now"),
        Event.COMPACTED: EventKind(
            "Extents were slid together; id: who needed the room.", "written slots moved", "extents moved"
        ),
        Event.IDLE: EventKind("Nothing to run from here on.", "slots held", "slots written"),
        Event.STALLED: EventKind(
            "It sits steps out, its KV in place.", "slots cached", "0: until a block is free, 1: it is outranked"
        ),
        Event.RESUMED: EventKind("It decodes again after a stall.", "slots cached", "0 or 1: the stall that ends"),
        Event.RETRAINED: EventKind(
            "A retraining begins; id: the version that it will end with.", "rows learnt", "duration in ps"
        ),
        Event.PREDICTING: EventKind(
            "From here on the predictor runs, and no step; id: the lane.", "requests foreseen", "duration in ps"
        ),
        Event.RELOCATED: EventKind("A compaction moved its extent.", "written slots moved", "its new address"),
    }
)

STEPS: Final = columns_of(
    start_ps=("ps", "When the stretch begins, since the run's start."),
    first_ps=("ps", "Duration of its first step."),
    increment_ps=("ps", "By which each later step is longer."),
    steps=("count", "Steps of the stretch."),
    lane=("", "The micro-batch of a pipeline; 0 without one."),
    prefill_sequences=("sequences", "Whose prompts are computed."),
    prefill_tokens=("tokens", "Prompt tokens computed."),
    decode_sequences=("sequences", "That decode."),
    decode_context=("slots", "Read by decode attention in the first step."),
    relocated_tokens=("slots", "Written slots moved by compaction before the step."),
    kv_held=("slots", "Held during the first step, on the whole device."),
    kv_used=("slots", "Written when the first step starts, on the whole device."),
    kv_grown=("slot · steps", "Σ over the stretch's steps of slots held beyond the first step's."),
    kv_grown_moment=("slot · steps²", "Σ over its steps j of j times those."),
    padding_tokens=("tokens", "Prompt positions computed for padding."),
    padding_rows=("rows", "That decode without a sequence."),
    padding_slots=("slots", "Read by attention beyond `decode_context` in the first step."),
    copied_slots=("slots", "Copied to longer tensors in the first step."),
    waiting=("sequences", "In the queue."),
)
