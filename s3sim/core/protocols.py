"""The seams of the house: what policies, models and worlds must offer, and what policies may see."""

from collections.abc import Iterable, Iterator
from collections.abc import Sequence as Row
from typing import Any, NamedTuple, Protocol, TypeVar

from s3sim.core.batch import Affine, Batch
from s3sim.core.request import Sequence

__all__ = [
    "Abandon",
    "Admission",
    "Batching",
    "Displacement",
    "Grow",
    "Horizon",
    "LatencyModel",
    "Pause",
    "Planner",
    "Preempt",
    "Queue",
    "Reservation",
    "Selected",
    "Selection",
    "Supervisor",
    "View",
    "Wait",
]


class Queue(Protocol):
    """The sequences that wait for admission, in the order that an admission policy wants."""

    def push(self, sequence: Sequence) -> None:
        """Add a sequence that was submitted, or that returns after a swap."""
        ...

    def push_front(self, sequence: Sequence) -> None:
        """Add a sequence that returns after a recompute preemption, ahead of those that never ran."""
        ...

    def remove(self, sequence: Sequence) -> None:
        """Take out a sequence that is admitted."""
        ...

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Sequence]: ...


class View(Protocol):
    """What a policy sees of a replica: requests and sequences, never a true output length."""

    @property
    def now(self) -> int:
        """Time of the plan in picoseconds."""
        ...

    @property
    def free(self) -> int:
        """Slots that no sequence holds on the device."""
        ...

    @property
    def longest(self) -> int:
        """Slots of the longest reservation that could be held now: fewer than `free` where holes are not joined."""
        ...

    @property
    def capacity(self) -> int:
        """Slots that the device has for KV."""
        ...

    @property
    def host_free(self) -> int:
        """Slots' worth of host memory that no swapped sequence holds."""
        ...

    @property
    def admitted(self) -> int:
        """Sequences admitted to the lane that is being planned."""
        ...

    @property
    def swapped(self) -> int:
        """Sequences of the replica whose KV is on the host, or on its way there or back."""
        ...

    @property
    def moving(self) -> bool:
        """Whether the host link is at work on slots of the lane that is being planned."""
        ...

    @property
    def leaving(self) -> int:
        """Slots of the lane that will be free once the moves to the host that are under way have ended."""
        ...

    @property
    def decodes(self) -> int:
        """Sequences that decode on the lane that is being planned."""
        ...

    def room_behind(self, sequence: Sequence) -> int:
        """Slots by which the reservation of a sequence of the lane could grow where it is."""
        ...

    @property
    def max_num_seqs(self) -> int | None:
        """Most sequences that may run on the lane at once; None: memory decides."""
        ...

    @property
    def full(self) -> bool:
        """Whether the lane has max_num_seqs sequences."""
        ...

    @property
    def steps(self) -> int:
        """Steps that the replica has run so far."""
        ...

    @property
    def finished(self) -> Row[int]:
        """Output tokens of every sequence that has finished, in the order of their ends."""
        ...

    @property
    def waiting(self) -> Any:
        """The queue that the admission policy made."""
        ...

    @property
    def decodes_since_prefill(self) -> int:
        """Decode steps that the lane has run since it last computed a prompt."""
        ...

    def decode_time(self, *, more_rows: int, more_slots: int) -> int:
        """Picoseconds that the latency model foretells for a decode step of the lane with so much more in it."""
        ...

    def running(self) -> Iterable[Sequence]:
        """Sequences of the lane that hold slots on the device and are not on the link: prefilling and decoding."""
        ...

    def decoding(self) -> Iterable[Sequence]:
        """Sequences that decode on the lane that is being planned, in the order they joined."""
        ...

    def paused(self) -> Iterable[Sequence]:
        """Sequences of the lane that sit steps out because they were outranked, their KV in place."""
        ...

    def held_by(self, sequence: Sequence) -> int:
        """Slots that a sequence of the lane holds."""
        ...


class Grow(NamedTuple):
    """Answer to an overrun: hold so many more slots, which must be free, in one address space right behind."""

    tokens: int


class Preempt(NamedTuple):
    """Answer to an overrun: take these sequences off the device, to return later."""

    victims: list[Sequence]
    swap: bool  # True: move the KV to the host; False: drop it and compute it again
    min_reservation_tokens: int = 0  # the least that each victim reserves when it returns


class Pause(NamedTuple):
    """Let these sequences sit steps out, their KV in place, and their places under max_num_seqs be free."""

    sequences: list[Sequence]


class Selected(NamedTuple):
    """Who, of those that hold KV, runs from here on."""

    paused: list[Sequence]  # decode now, and sit out the steps from here on
    resumed: list[Sequence]  # sat steps out, and decode from here on
    preempt: Preempt | None = None  # who leaves the device


class Wait(NamedTuple):
    """Answer to an overrun: sit the step out, and keep what is held; slots are on their way."""


class Abandon(NamedTuple):
    """Answer to an overrun by a static batch: out of memory, all that it computed is lost."""

    rerun: bool  # True: its requests start again from their prompts; False: they fail


class Reservation(Protocol):
    """How many slots a sequence is given when it is admitted."""

    def tokens(self, sequence: Sequence) -> int:
        """Slots to hold from admission on; at least the tokens to prefill."""
        ...


Q = TypeVar("Q", bound=Queue)
Q_contra = TypeVar("Q_contra", bound=Queue, contravariant=True)


class Admission(Protocol[Q]):
    """Who is admitted next."""

    def queue(self) -> Q:
        """A new, empty queue, ordered as this policy needs it."""
        ...

    def next(self, view: View, waiting: Q) -> Sequence | None:
        """The sequence to admit now, or None where nobody may be; `view.free` shrinks as it is obeyed."""
        ...

    def arrival_matters(self, view: View, waiting: Q) -> bool:
        """Whether a request that arrived now could be admitted before anything else happens."""
        ...


class Displacement(Protocol[Q_contra]):
    """Which running sequences give way to one that waits."""

    def displaced(self, view: View, waiting: Q_contra, *, max_prefill_tokens: int) -> Preempt | Pause | None:
        """Whom to preempt or pause so that the next in the queue can be admitted; None where nobody must or may.

        An answer makes room for sure: the next in the queue then fits, its prompt within `max_prefill_tokens`; where
        KV is swapped out, once the moves have ended.
        """
        ...


class Selection(Protocol):
    """Which of the sequences that hold KV run, where not all do."""

    def select(self, view: View) -> Selected:
        """Whom to let sit steps out, whom to let run again, whom to preempt."""
        ...

    def steps(self, view: View) -> int:
        """Decode steps, at least 1, after which it must be asked again though nothing happens."""
        ...


class Horizon(Protocol[Q_contra]):
    """How long the answers about a queue hold, where they change though nothing happens."""

    def steps(self, view: View, waiting: Q_contra) -> int:
        """Decode steps, at least 1, after which admission and displacement must be asked again."""
        ...


class Planner(View, Protocol):
    """The verbs by which a batching policy composes a step, beside what every policy sees."""

    def settle_overruns(self) -> bool:
        """Let the supervisor answer every overrun that the next decode step would cause; True if it preempted."""
        ...

    @property
    def occupied(self) -> int:
        """Rows of the lane, finished ones that a static batch still holds included."""
        ...

    @property
    def prefill_backlog(self) -> int:
        """Prompt tokens of admitted sequences that are still to be computed."""
        ...

    @property
    def batch_ended(self) -> bool:
        """Whether nobody runs, or somebody has finished on the lane since `select` was last called."""
        ...

    @property
    def prefills_since_decode(self) -> int:
        """Steps with a prompt that the lane has run since it last decoded, or since nobody decoded on it."""
        ...

    @property
    def decoded_before(self) -> bool:
        """Whether a sequence that decodes on the lane has done so already, and does not come from a prefill."""
        ...

    def head(self) -> Sequence | None:
        """The sequence that the admission policy would admit now."""
        ...

    def admissible(self, *, max_prefill_tokens: int) -> int:
        """Sequences that `admit` would admit now, first come first served, up to the limits."""
        ...

    def admit(
        self, *, max_prefill_tokens: int | None = None, max_sequences: int | None = None, in_part: bool = False
    ) -> int:
        """Admit whom the admission policy picks, up to the limits; returns the tokens to prefill.

        With `in_part` the last prompt may exceed what is left of the tokens, and be computed in chunks.
        """
        ...

    def select(self) -> None:
        """Let the selection say who of those that hold KV runs, sits steps out or is preempted."""
        ...

    def displace(self, *, max_prefill_tokens: int) -> bool:
        """Preempt or pause whoever must give way to the next in the queue; True if it can be admitted now."""
        ...

    def prefill(self, *, budget: int | None = None, padded: bool = False) -> None:
        """Put admitted prompts into the step, in whole or up to `budget` tokens; `padded` to the longest."""
        ...

    def decode(self) -> None:
        """Put every decoding sequence into the step."""
        ...


class Batching(Protocol):
    """What a step holds, and in which order overruns, admissions, prefill and decode come."""

    def compose(self, step: Planner) -> None:
        """Fill the step."""
        ...


class Supervisor(Protocol):
    """What happens to a sequence whose next write would exceed its reservation."""

    def overrun(self, view: View, sequence: Sequence) -> Grow | Preempt | Abandon | Wait:
        """The answer; asked again while the sequence still overruns."""
        ...


class LatencyModel(Protocol):
    """Foretells how long a batch takes on a device."""

    def affine(self, batch: Batch) -> Affine:
        """Duration of the batch's first step, increment per further step, and for how many steps it holds."""
        ...
