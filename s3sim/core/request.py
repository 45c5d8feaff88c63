"""Requests, as a server sees them, and sequences, as a replica cares for them."""

from enum import Enum, auto
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from s3sim.core.lane import Lane

__all__ = ["Prediction", "Request", "Sequence", "State"]


class Request(NamedTuple):
    """What a server sees of a trace's row. It has no output length, so no policy can read one.

    `arrival` is in picoseconds since the run's start. `max_new_tokens` is the most output tokens
    that the client allows, the limit up to which a server may have to generate.
    """

    id: int
    arrival: int
    prompt_tokens: int
    max_new_tokens: int


class Prediction(NamedTuple):
    """A foreseen output length, in tokens, with the version of the predictor that foresaw it."""

    tokens: int
    version: int = 0


class State(Enum):
    """Where a sequence stands between its submission and its end."""

    WAITING = auto()  # in the queue, nothing cached
    PREFILLING = auto()  # admitted; its prompt is not wholly in the KV cache yet
    DECODING = auto()  # every decode step of its lane writes one slot and emits one token
    STALLED = auto()  # decodes no further until a block is free: it sits steps out, its KV in place
    PAUSED = auto()  # outranked: it sits steps out, its KV in place, and takes no place under max_num_seqs
    SWAPPING_OUT = auto()  # preempted; its KV is on the way to the host, source slots still held
    SWAPPED = auto()  # in the queue, its KV in host memory
    SWAPPING_IN = auto()  # admitted again; its KV is on the way back into slots already held
    FINISHED = auto()
    REJECTED = auto()


class Sequence:
    """A request in a replica's care, from submission until it is finished or rejected.

    Owned and mutated by one replica; policies read it. While it decodes, `generated` and `cached`
    follow the step counter of its lane, so that a step costs nothing per sequence.
    """

    __slots__ = (
        "_cached",
        "_generated",
        "address",
        "demand",
        "lane",
        "min_reservation_tokens",
        "order",
        "predicted",
        "preemptions",
        "request",
        "reservation",
        "state",
        "waiting_since",
    )

    def __init__(self, request: Request, prediction: Prediction | None, order: int) -> None:
        self.request = request
        self.predicted: int | None = None if prediction is None else prediction.tokens
        self.order = order  # rank by submission: breaks every tie
        self.state = State.WAITING
        self.waiting_since = request.arrival  # ps; the arrival, also after a preemption: age is not lost
        self.demand = 0  # slots that the reservation policy asks for at the next admission
        self.reservation = 0  # slots held on the device now
        self.address = 0  # first slot held, for contiguous systems
        self.min_reservation_tokens = 0  # raised by a supervisor after an overrun
        self.preemptions = 0
        self._generated = 0
        self._cached = 0
        self.lane: Lane | None = None  # the lane on which it decodes

    @property
    def generated(self) -> int:
        """Output tokens emitted so far."""
        if self.lane is None:
            return self._generated
        return self._generated + self.lane.decode_steps

    @property
    def cached(self) -> int:
        """Slots written: on the device, or on the host while swapped."""
        if self.lane is None:
            return self._cached
        return self.request.prompt_tokens + self._generated + self.lane.decode_steps - 1

    @property
    def prefill_tokens(self) -> int:
        """Tokens that a (re)prefill must compute before the next token is emitted."""
        return self.request.prompt_tokens + self._generated

    @property
    def max_tokens(self) -> int:
        """Most slots that this sequence can ever need: prompt + max_new_tokens."""
        return self.request.prompt_tokens + self.request.max_new_tokens

    def prefilled(self, tokens: int) -> None:
        """Count `tokens` more slots as written by a prefill."""
        self._cached += tokens

    def emit(self) -> None:
        """Count the token that the last chunk of a prefill emits."""
        self._generated += 1

    def follow(self, lane: "Lane") -> None:
        """Let `generated` and `cached` count the lane's decode steps from now on."""
        self._generated -= lane.decode_steps
        self.lane = lane
        self.state = State.DECODING

    def unfollow(self) -> None:
        """Stop counting decode steps and keep what was generated and cached."""
        generated, cached = self.generated, self.cached
        self.lane = None
        self._generated, self._cached = generated, cached

    def forget(self) -> None:
        """Drop all cached KV, to be computed again by a prefill."""
        self._cached = 0

    def restart(self) -> None:
        """Lose all KV and every generated token, to begin again with the prompt."""
        self._cached = self._generated = 0

    def __repr__(self) -> str:
        return f"<Sequence {self.request.id} {self.state.name} generated={self.generated} cached={self.cached}>"
