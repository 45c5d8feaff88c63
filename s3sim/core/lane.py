"""A lane: the sequences that share one micro-batch, and the step counter that they follow."""

from collections import deque

from s3sim.core.errors import InvariantError
from s3sim.core.growth import Grown, Growth
from s3sim.core.kv_cache import KVCacheManager
from s3sim.core.request import Sequence, State

__all__ = ["Lane"]


class Lane:
    """The sequences of one micro-batch in flight, and their share of the KV slots.

    A replica without pipeline parallelism has one lane; with it, one per stage.

    A sequence comes in to prefill, or while its KV swaps in; it decodes from `join` to `leave`, and
    is gone. Totals are kept, not summed, so that a step costs nothing per
    sequence.
    """

    def __init__(self, index: int, kv: KVCacheManager) -> None:
        self.index = index
        self.kv = kv
        self.decode_steps = 0  # decode steps run so far; every decoding sequence counts along
        self.prefilling: deque[Sequence] = deque()
        self.decoding: dict[Sequence, None] = {}  # in the order they joined
        self.swapping_in = 0
        self.arrived: list[Sequence] = []  # swapped in, to join at the next plan; still counted as swapping in
        self.stalled: list[Sequence] = []  # sit steps out for want of a block, their KV in place
        self.paused: dict[Sequence, None] = {}  # outranked, their KV in place, in the order they were paused
        self.context = 0  # Σ cached over decoding
        self.writing = False  # a decode step is planned: each decoding sequence holds the slot it will write
        self.joined: list[Sequence] = []  # not yet announced to the executor
        self.left: list[Sequence] = []
        self.ended: list[Sequence] = []  # finished rows of a static batch, which hold their slots until it ends
        self.prefills = 0  # steps with a prompt since the last decode step
        self.prefilled_at = 0  # decode steps run when a prompt was last computed
        self.ends = 0  # sequences that finished here so far
        self.selected = 0  # as many had, when it was last said who runs
        self._padding = 0  # length to which a static batch is padded, less the decode steps before it
        self.growth: Growth = kv.growth(self)

    @property
    def admitted(self) -> int:
        """Sequences that take a place under max_num_seqs."""
        return len(self.prefilling) + len(self.decoding) + self.swapping_in + len(self.stalled)

    @property
    def occupied(self) -> bool:
        """Whether anybody is here, or on the way here."""
        return bool(self.admitted or self.paused)

    @property
    def padded_length(self) -> int:
        """Slots that each row of a static batch has, written or padding."""
        return self._padding + self.decode_steps

    def pad(self, length: int) -> None:
        """Pad the rows of a static batch to `length` from now on; each decode step makes them longer by one."""
        self._padding = length - self.decode_steps

    def join(self, sequence: Sequence) -> None:
        """Let a sequence decode from the next decode step on."""
        sequence.follow(self)
        self.decoding[sequence] = None
        self.joined.append(sequence)
        self.context += sequence.cached
        self.growth.join(sequence)

    def join_arrived(self) -> None:
        """Let the sequences that were swapped in since the last plan decode."""
        for sequence in self.arrived:
            self.swapping_in -= 1
            self.join(sequence)
        self.arrived.clear()

    def leave(self, sequence: Sequence) -> None:
        """Take a finished or preempted sequence out of the decode steps."""
        self.growth.leave(sequence)
        del self.decoding[sequence]
        self.context -= sequence.cached
        sequence.unfollow()

    def withdraw(self, sequence: Sequence) -> None:
        """Tell the executor, with the next batch, that a preempted sequence decodes no more."""
        if sequence in self.joined:
            self.joined.remove(sequence)
        else:
            self.left.append(sequence)

    def stall(self, sequence: Sequence) -> None:
        """Let a decoding sequence sit out the steps until `retry`; it keeps the slots that it holds."""
        sequence.reservation = self.kv.held_by(sequence)
        self.leave(sequence)
        self.withdraw(sequence)
        sequence.state = State.STALLED
        self.stalled.append(sequence)

    def retry(self) -> list[Sequence]:
        """Let those that sat steps out decode again, if the next step has slots for them; returns them."""
        stalled, self.stalled = self.stalled, []
        for sequence in stalled:
            self.join(sequence)
        return stalled

    def pause(self, sequence: Sequence) -> None:
        """Let a decoding sequence sit out the steps until `resume`; it keeps the slots that it holds."""
        sequence.reservation = self.kv.held_by(sequence)
        self.leave(sequence)
        self.withdraw(sequence)
        sequence.state = State.PAUSED
        self.paused[sequence] = None

    def resume(self, sequence: Sequence) -> None:
        """Let a paused sequence decode from the next decode step on."""
        del self.paused[sequence]
        self.join(sequence)

    def advance(self, steps: int) -> Grown:
        """Count decode steps that have run; returns the slots that the later ones took."""
        self.writing = False
        self.prefills = 0
        grown = self.growth.grow(steps)
        self.decode_steps += steps
        self.context += steps * len(self.decoding)
        return grown

    def count_prefill(self) -> None:
        """Count a step that computed a prompt; called after `advance`, and before those prompts' sequences join."""
        self.prefills = self.prefills + 1 if self.decoding else 1
        self.prefilled_at = self.decode_steps

    def check_integrity(self) -> None:
        """Audit the totals against the sequences; raises InvariantError."""
        context = sum(sequence.cached for sequence in self.decoding)
        if context != self.context:
            raise InvariantError(f"lane {self.index}: {context} slots cached, {self.context} counted")
        strangers = [s for s in self.decoding if s.lane is not self or s.state is not State.DECODING]
        strangers += [s for s in self.prefilling if s.state is not State.PREFILLING]
        strangers += [s for s in self.stalled if s.state is not State.STALLED]
        strangers += [s for s in self.paused if s.state is not State.PAUSED]
        if strangers:
            raise InvariantError(f"lane {self.index}: sequences in a state they should not be in: {strangers}")
