"""Admission by the future peak of memory, foreseen from other lengths or from a predicted interval."""

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import ceil
from typing import Any, Protocol

from s3sim.core.growth import UNLIMITED_STEPS
from s3sim.core.protocols import Grow, Preempt, View
from s3sim.core.request import Sequence, State
from s3sim.policies.priority_queues import PriorityQueue
from s3sim.policies.queues import FirstComeQueue
from s3sim.policies.ranking import predicted_tokens
from s3sim.policies.uniform import uniform

__all__ = ["Foresight", "History", "LowerBound", "PeakFits", "SmallestBound", "UpperBound", "future_peak"]

ENOUGH_DRAWS = 200  # at each test: LightLLM's MINIMUM_SAMPLES
Total = Callable[[Sequence], int]  # output tokens that a sequence will have had at its end


def future_peak(sequences: Iterable[tuple[int, int]]) -> int:
    """Most slots that sequences of (slots still to write, slots written) will hold at one time.

    max over i of left_i · i + Σ_{j ≤ i} written_j, in descending order of left: when the i-th ends, those before it
    still run, and each has written left_i more. LightLLM's test (lightllm/server/router/req_queue).
    """
    peak = written = 0
    for count, (left, slots) in enumerate(sorted(sequences, reverse=True), start=1):
        written += slots
        peak = max(peak, left * count + written)
    return peak


class Foresight(Protocol):
    """Says how long sequences will become."""

    def draws(self, view: View) -> list[Total]:
        """Ways in which it may go on, each a total for every sequence, more than it has generated."""
        ...

    def queue(self) -> Any:
        """A new, empty queue in the order of admission."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PeakFits:
    """The head of the queue, if the foreseen peak of all that run and itself stays within `limit` slots.

    A sequence for which nothing else would run is admitted as soon as it fits, whatever is foreseen.
    """

    foresight: Foresight
    limit: int  # slots
    ahead: int  # decode steps that run with the prefill: 0 where prefill comes first, 1 where they share a step

    def queue(self) -> Any:
        """A queue in the order of admission."""
        return self.foresight.queue()

    def next(self, view: View, waiting: Any) -> Sequence | None:
        """The head, if it fits now and in every foreseen future."""
        head: Sequence = waiting.head()
        if head.demand > view.longest:
            return None
        return head if not view.admitted or self._peak(view, head) <= self.limit else None

    def arrival_matters(self, view: View, waiting: Any) -> bool:
        """Wherever a slot is free."""
        return view.free > 0

    def steps(self, view: View, waiting: Any) -> int:
        """One, where the peak alone holds somebody back: it is another at each step."""
        return 1 if waiting.head().demand <= view.longest and not view.full else UNLIMITED_STEPS

    def _peak(self, view: View, head: Sequence) -> int:
        sequences = [*view.running(), head]
        draws = self.foresight.draws(view)
        return max(future_peak(self._left_and_written(s, total(s)) for s in sequences) for total in draws)

    def _left_and_written(self, sequence: Sequence, total: int) -> tuple[int, int]:
        """Slots to write after this step, and written by then; the last token is never written."""
        left = total - sequence.generated
        if sequence.state is State.DECODING:
            return left - self.ahead, sequence.cached + self.ahead
        return left - 1, sequence.prefill_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The lengths of those that finished of late, given that a sequence is longer than what it has generated.

    Past-Future (Gong et al., ASPLOS 2025) as LightLLM has it: each total is drawn from the last `window` lengths
    above generated, with generated below and the client's limit above them, linear in between; `lists` draws for
    each sequence (fewer where many run), of which the worst peak counts. At the start half of the window is
    `longest`. LightLLM gives a candidate one of the window's lengths, without the line. First come, first served.
    Draws depend on the request, its age and the draw alone, so that a run can be repeated.
    """

    window: int  # sequences
    lists: int
    longest: int  # tokens

    def queue(self) -> FirstComeQueue:
        """In order of submission."""
        return FirstComeQueue()

    def draws(self, view: View) -> list[Total]:
        """So many independent draws for every sequence."""
        known = [self.longest] * (self.window // 2) + list(view.finished[-self.window :])
        lengths = sorted(known[-self.window :])
        number = min(self.lists, ENOUGH_DRAWS // max(1, view.admitted) + 1)
        return [_drawing(lengths, draw) for draw in range(number)]


def _drawing(lengths: list[int], draw: int) -> Total:
    def total(sequence: Sequence) -> int:
        limit, generated = sequence.request.max_new_tokens, sequence.generated
        first, last = bisect_right(lengths, generated), bisect_right(lengths, limit)
        place = uniform(sequence.request.id, generated, draw) * (1 + len(lengths) - first)
        index = int(place)

        def at(index: int) -> int:
            if index == 0:
                return generated
            return lengths[first + index - 1] if first + index - 1 < last else limit

        below, above = at(index), at(index + 1)
        return max(generated + 1, round(below + (above - below) * (place - index)))

    return total


@dataclass(frozen=True, slots=True, kw_only=True)
class LowerBound:
    """The lower end of a predicted interval, raised by what a sequence has proved: A_min (arXiv 2508.14544).

    The bound is `share` of the prediction, or what the sequence had generated when it was last preempted. The
    least bound is admitted first.
    """

    share: float  # lower end ÷ prediction

    def bound(self, sequence: Sequence) -> int:
        """Output tokens that the sequence is taken to have; unchanged while it runs."""
        proved = sequence.min_reservation_tokens - sequence.request.prompt_tokens
        return max(1, ceil(self.share * predicted_tokens(sequence)), proved)

    def queue(self) -> PriorityQueue:
        """By bound."""
        return PriorityQueue(self.bound)

    def draws(self, view: View) -> list[Total]:
        """The bound, or one token more than was generated."""
        return [lambda sequence: max(self.bound(sequence), sequence.generated + 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class UpperBound:
    """The upper end of a predicted interval, `share` of the prediction: A_max (arXiv 2508.14544), the least first.

    The peak is of the moment when each has its upper end, which no sequence passes where the intervals hold.
    """

    share: float  # upper end ÷ prediction

    def bound(self, sequence: Sequence) -> int:
        """Output tokens that the sequence is taken to have."""
        return min(max(1, ceil(self.share * predicted_tokens(sequence))), sequence.request.max_new_tokens)

    def queue(self) -> PriorityQueue:
        """By bound."""
        return PriorityQueue(self.bound)

    def draws(self, view: View) -> list[Total]:
        """The bound, or one token more than was generated."""
        return [lambda sequence: max(self.bound(sequence), sequence.generated + 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallestBound:
    """Short of blocks, preempt the least lower bound first, and raise it to what was generated: A_min.

    Of equal bounds the last submitted goes first; the paper draws lots. KV is dropped and computed again, tokens
    are kept, where the paper's model starts again from the prompt.
    """

    foresight: LowerBound
    block_tokens: int

    def overrun(self, view: View, sequence: Sequence) -> Grow | Preempt:
        """Grow by one block, or preempt."""
        block = self.block_tokens
        needy = [s for s in view.decoding() if s.order >= sequence.order and s.cached % block == 0]
        if len(needy) * block <= view.free:
            return Grow(block)
        victim = min(view.running(), key=lambda s: (self.foresight.bound(s), -s.order))
        return Preempt([victim], swap=False, min_reservation_tokens=victim.request.prompt_tokens + victim.generated)
