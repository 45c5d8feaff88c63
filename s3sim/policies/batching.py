"""Batchings: what a step holds, and in which order things happen before it."""

from dataclasses import dataclass

from s3sim.core.growth import UNLIMITED_STEPS
from s3sim.core.protocols import Planner, View

__all__ = ["Chunked", "IterationLevel", "PrefillApart", "PrefillFirst", "PromptBatches", "Static"]


@dataclass(frozen=True, slots=True)
class IterationLevel:
    """ORCA's iteration-level scheduling with selective batching: prefill and decode share each step."""

    def compose(self, step: Planner) -> None:
        """Overruns are settled first, so that the slots they give back can be handed on."""
        step.settle_overruns()
        step.admit()
        step.prefill()
        step.decode()


@dataclass(frozen=True, slots=True)
class PrefillApart:
    """Iteration-level scheduling without selective batching: prompts are computed in a step of their own, and first."""

    def compose(self, step: Planner) -> None:
        """As IterationLevel, but decoding sequences sit out a step that computes prompts."""
        step.settle_overruns()
        step.admit()
        if step.prefill_backlog:
            step.prefill()
        else:
            step.decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefillFirst:
    """vLLM v0: if anybody can be admitted the step is prefill alone, else it is decode alone."""

    max_prefill_tokens: int

    def compose(self, step: Planner) -> None:
        """Decoding sequences, and their overruns, wait while prompts are computed; the swapped go before prompts."""
        swapped = step.swapped
        if not swapped and step.admit(max_prefill_tokens=self.max_prefill_tokens):
            step.prefill()
            return
        step.settle_overruns()
        if swapped:
            step.admit()  # nobody who needs a prefill, and after those that hold their KV
        step.decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptBatches:
    """TGI: prompts pause the running batch, and so wait until it is worth it; a decode step lies between two of them.

    Worth it are `waiting_served_ratio` times as many prompts, rounded down, as sequences run. After
    `max_waiting_tokens` − 1 decode steps any number is. The first prompts of an empty batch may be followed by a second
    batch of prompts at once. Source: `batching_task` of backends/v3/src/backend.rs in TGI's repository.
    """

    max_prefill_tokens: int
    waiting_served_ratio: float
    max_waiting_tokens: int

    def compose(self, step: Planner) -> None:
        """Prompts alone, where their turn has come, else decodes alone."""
        if self._may_prefill(step) and step.admissible(max_prefill_tokens=self.max_prefill_tokens) >= self._least(step):
            step.admit(max_prefill_tokens=self.max_prefill_tokens)
        if step.prefill_backlog:
            step.prefill()
            return
        step.settle_overruns()
        step.decode()

    def steps(self, view: View, waiting: object) -> int:
        """Until any number of prompts is enough; one right after a prefill, since a decode step must lie between."""
        if not view.decodes_since_prefill:
            return 1
        left = self.max_waiting_tokens - 1 - view.decodes_since_prefill
        return left if left > 0 else UNLIMITED_STEPS

    def _may_prefill(self, step: Planner) -> bool:
        return step.prefills_since_decode < (1 if step.decoded_before else 2)

    def _least(self, step: Planner) -> int:
        if not step.decodes or 1 + step.decodes_since_prefill >= self.max_waiting_tokens:
            return 1
        return max(1, int(step.decodes * self.waiting_served_ratio))


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunked:
    """Sarathi's chunked prefill, which vLLM v1 schedules too: decodes first, then prompts up to a token budget.

    New sequences are admitted only where no running one had to give way.
    """

    token_budget: int

    def compose(self, step: Planner) -> None:
        """Decodes take a token each, partial prompts go on, new prompts fill what is left."""
        preempted = step.settle_overruns()
        step.decode()
        budget = self.token_budget - step.decodes
        left = budget - step.prefill_backlog
        if left > 0 and not preempted:
            step.admit(max_prefill_tokens=left, in_part=True)
        step.prefill(budget=max(0, budget))


@dataclass(frozen=True, slots=True, kw_only=True)
class Static:
    """Request-level batches: formed when the device is empty, padded, and run until every row has finished.

    Each time that the head of the queue lost its batch to a lack of memory, the next batch is half as large.
    """

    batch_size: int | None  # None: as many as memory holds

    def compose(self, step: Planner) -> None:
        """Form a batch and prefill it, or run the one that is there."""
        if step.occupied:
            step.settle_overruns()
            step.decode()
        if not step.occupied:
            self._form(step)

    def _form(self, step: Planner) -> None:
        head = step.head()
        halvings = head.preemptions if head else 0
        size = None if self.batch_size is None else max(1, self.batch_size >> halvings)
        step.admit(max_sequences=size)
        step.prefill(padded=True)
