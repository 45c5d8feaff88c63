"""Batchings: what a step holds, and in which order things happen before it."""

from dataclasses import dataclass

from s3sim.core.protocols import Planner

__all__ = ["IterationLevel", "PrefillFirst"]


@dataclass(frozen=True, slots=True)
class IterationLevel:
    """ORCA's iteration-level scheduling with selective batching: prefill and decode share each step."""

    def compose(self, step: Planner) -> None:
        """Overruns are settled first, so that the slots they give back can be handed on."""
        step.settle_overruns()
        step.admit()
        step.prefill()
        step.decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefillFirst:
    """vLLM v0: if anybody can be admitted the step is prefill alone, else it is decode alone."""

    max_prefill_tokens: int

    def compose(self, step: Planner) -> None:
        """Decoding sequences, and their overruns, wait while prompts are computed."""
        if step.admit(max_prefill_tokens=self.max_prefill_tokens):
            step.prefill()
        else:
            step.settle_overruns()
            step.decode()
