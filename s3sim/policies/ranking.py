"""Rankings: who is served first, when length is what counts."""

from dataclasses import dataclass
from typing import Any, Protocol

from s3sim.core.errors import InvariantError
from s3sim.core.growth import UNLIMITED_STEPS
from s3sim.core.protocols import View
from s3sim.core.request import Sequence
from s3sim.policies.priority_queues import GuardedQueue, PriorityQueue, ShortestOrOldestQueue

__all__ = ["Guarded", "Rank", "Ranking", "RemainingTime", "ShortestOrOldest", "ShortestPredicted", "predicted_tokens"]

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

    def observe(self, view: View) -> None:
        """Look at who waits and who runs; called at a plan before ranks are asked for."""
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

    def steps(self, view: View) -> int:
        """Decode steps, at least 1, for which ranks stay as they are though nothing happens."""
        ...


@dataclass(frozen=True, slots=True)
class ShortestPredicted:
    """Shortest predicted output first, by the prediction made at the start, whatever has been generated since."""

    def observe(self, view: View) -> None:
        """Nothing changes a rank."""

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

    def steps(self, view: View) -> int:
        """For ever."""
        return UNLIMITED_STEPS


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

    def observe(self, view: View) -> None:
        """Count who is idle, and promote who is so for too long."""
        waiting: GuardedQueue = view.waiting
        waiting.notice(view.steps, view.paused())

    def queue(self) -> GuardedQueue:
        """By prediction, the promoted first."""
        return GuardedQueue(predicted_tokens, patience=self.patience, period=self.period)

    def head(self, view: View, waiting: GuardedQueue) -> Sequence:
        """The shortest of the promoted, else of all."""
        return waiting.head()

    def rank(self, view: View, sequence: Sequence) -> Rank:
        """Whether it is promoted, then the prediction."""
        waiting: GuardedQueue = view.waiting
        return (int(not waiting.promoted(sequence, view.steps)), predicted_tokens(sequence))

    def gives_way(self, sequence: Sequence) -> bool:
        """Always."""
        return True

    def steps(self, view: View) -> int:
        """Until the next promotion, or the end of a promoted one's period."""
        waiting: GuardedQueue = view.waiting
        change = waiting.next_change()
        return UNLIMITED_STEPS if change is None else change - view.steps


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortestOrOldest:
    """SSJF's order (Qiu et al. 2024, arXiv 2404.08509): the shortest predicted first, unless somebody waits too long.

    Source: model-serving/sjf_dynamic.py and util.py of James-QiuHaoran/LLM-serving-with-proxy-models: where the
    longest wait exceeds `longest_wait`, or `times` that request's own duration, all are served in order of their
    waits. A wait is there, and here, the time since the arrival, in the batch or out of it. The duration is the true
    one there; here it is the predicted tokens that are left, each as long as a decode step that the request joins.
    The order is by the prediction made at the start.
    """

    longest_wait: int | None  # ps
    times: float | None

    def observe(self, view: View) -> None:
        """See whether the oldest of all has waited for too long."""
        waiting: ShortestOrOldestQueue = view.waiting
        here = [*view.running(), *view.paused(), *([waiting.oldest()] if len(waiting) else [])]
        waiting.by_age = bool(here) and self._too_long(view, min(here, key=lambda s: (s.waiting_since, s.order)))

    def queue(self) -> ShortestOrOldestQueue:
        """By prediction, and by age."""
        return ShortestOrOldestQueue(predicted_tokens)

    def head(self, view: View, waiting: ShortestOrOldestQueue) -> Sequence:
        """The shortest, or the oldest."""
        return waiting.head()

    def rank(self, view: View, sequence: Sequence) -> Rank:
        """The prediction, or the arrival."""
        waiting: ShortestOrOldestQueue = view.waiting
        return (sequence.waiting_since if waiting.by_age else predicted_tokens(sequence),)

    def gives_way(self, sequence: Sequence) -> bool:
        """Always."""
        return True

    def steps(self, view: View) -> int:
        """For as long as nobody asks: the batch is formed anew only where somebody has finished."""
        return UNLIMITED_STEPS

    def _too_long(self, view: View, oldest: Sequence) -> bool:
        wait = view.now - oldest.waiting_since
        if self.longest_wait is not None and wait > self.longest_wait:
            return True
        if self.times is None:
            return False
        left = max(1, predicted_tokens(oldest) - oldest.generated)
        return wait > self.times * left * view.decode_time(more_rows=1, more_slots=oldest.prefill_tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemainingTime:
    """Shortest predicted remaining output first, preemption limited to the young: TRAIL (arXiv 2410.01035).

    A sequence gives way only while it has generated less than floor(c · prediction) tokens. The paper predicts the
    remaining length anew at each token, from the model's own embeddings. Those do not exist here: the refined
    prediction is the least doubling of the first one that the sequence has not outlived, which is all that its
    age tells.
    """

    share: float  # the paper's c

    def observe(self, view: View) -> None:
        """Nothing changes a rank."""

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

    def steps(self, view: View) -> int:
        """What remains of a waiting one does not change, and who runs only comes nearer to its end."""
        return UNLIMITED_STEPS


def remaining_tokens(sequence: Sequence) -> int:
    """Tokens left of the least doubling of the prediction that was not outlived, at most what the client allows."""
    refined, generated = predicted_tokens(sequence), sequence.generated
    while refined <= generated:
        refined *= 2
    return min(refined, sequence.request.max_new_tokens) - generated
