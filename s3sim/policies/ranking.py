"""Rankings: who is served first, when length is what counts."""

from dataclasses import dataclass
from typing import Any, Protocol

from s3sim.core.errors import InvariantError
from s3sim.core.growth import UNLIMITED_STEPS
from s3sim.core.protocols import View
from s3sim.core.request import Sequence
from s3sim.policies.priority_queues import GuardedQueue, PriorityQueue

__all__ = ["Guarded", "Rank", "Ranking", "RemainingTime", "ShortestPredicted", "predicted_tokens"]

Rank = tuple[int, ...]  # the least is served first; equals are, by submission


def predicted_tokens(sequence: Sequence) -> int:
    """Output tokens foreseen, at least 1, at most what the client allows; InvariantError where nobody predicted."""
    if sequence.predicted is None:
        raise InvariantError(f"{sequence} has no prediction; this system needs a predictor")
    return min(max(1, sequence.predicted), sequence.request.max_new_tokens)


class Ranking(Protocol):
    """An order of sequences, waiting and running alike."""

    def queue(self) -> Any:
        """A new, empty queue in this order."""
        ...

    def head(self, view: View, waiting: Any) -> Sequence:
        """The first in the queue, which must not be empty."""
        ...

    def rank(self, view: View, sequence: Sequence) -> Rank:
        """The place of a sequence in the order."""
        ...

    def gives_way(self, sequence: Sequence) -> bool:
        """Whether a running sequence may be preempted for one of a better rank."""
        ...


@dataclass(frozen=True, slots=True)
class ShortestPredicted:
    """Shortest predicted output first: SSJF (Qiu et al. 2024, arXiv 2404.08509).

    The prediction is the one made at the start, whatever has been generated since, so that equal predictions are
    first come, first served. The rules are silent on that.
    """

    def queue(self) -> PriorityQueue:
        """By prediction."""
        return PriorityQueue(predicted_tokens)

    def head(self, view: View, waiting: PriorityQueue) -> Sequence:
        """The shortest."""
        return waiting.head()

    def rank(self, view: View, sequence: Sequence) -> Rank:
        """The prediction."""
        return (predicted_tokens(sequence),)

    def gives_way(self, sequence: Sequence) -> bool:
        """Always."""
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """Learning to rank (Fu et al. 2024, arXiv 2408.15792): a score's order, and a guard against starvation.

    A prediction of any scale serves as the score, since only its order counts. The guard is that of the paper's
    code (hao-ai-lab/vllm-ltr, vllm/core/scheduler.py): idle for `patience` steps, a sequence comes before all
    others until it has run `period` steps. Where it counts the steps of each sequence one by one, here they follow
    from the replica's step counter; whoever runs is never idle. Over several lanes all lanes' steps count.
    """

    patience: int | None  # steps
    period: int  # steps

    def queue(self) -> GuardedQueue:
        """By prediction, the promoted first."""
        return GuardedQueue(predicted_tokens, patience=self.patience, period=self.period)

    def head(self, view: View, waiting: GuardedQueue) -> Sequence:
        """The shortest of the promoted, else of all."""
        waiting.notice(view.steps)
        return waiting.head()

    def rank(self, view: View, sequence: Sequence) -> Rank:
        """Whether it is promoted, then the prediction."""
        waiting: GuardedQueue = view.waiting
        return (int(not waiting.promoted(sequence, view.steps)), predicted_tokens(sequence))

    def gives_way(self, sequence: Sequence) -> bool:
        """Always."""
        return True

    def steps(self, view: View, waiting: GuardedQueue) -> int:
        """Until the next promotion, or the end of a promoted one's period."""
        waiting.notice(view.steps)
        change = waiting.next_change()
        return UNLIMITED_STEPS if change is None else change - view.steps


@dataclass(frozen=True, slots=True, kw_only=True)
class RemainingTime:
    """Shortest predicted remaining output first, preemption limited to the young: TRAIL (arXiv 2410.01035).

    A sequence gives way only while it has generated less than floor(c · prediction) tokens. The paper predicts the
    remaining length anew at each token, from the model's own embeddings. Those do not exist here: the refined
    prediction is the least doubling of the first one that the sequence has not outlived, which is all that its
    age tells.
    """

    share: float  # the paper's c

    def queue(self) -> PriorityQueue:
        """By what remains, which does not change while a sequence waits."""
        return PriorityQueue(remaining_tokens)

    def head(self, view: View, waiting: PriorityQueue) -> Sequence:
        """The one with the least left."""
        return waiting.head()

    def rank(self, view: View, sequence: Sequence) -> Rank:
        """What remains."""
        return (remaining_tokens(sequence),)

    def gives_way(self, sequence: Sequence) -> bool:
        """Only while it is young for its predicted length."""
        return sequence.generated < int(self.share * predicted_tokens(sequence))


def remaining_tokens(sequence: Sequence) -> int:
    """Tokens left of the least doubling of the prediction that was not outlived, at most what the client allows."""
    refined, generated = predicted_tokens(sequence), sequence.generated
    while refined <= generated:
        refined *= 2
    return min(refined, sequence.request.max_new_tokens) - generated
