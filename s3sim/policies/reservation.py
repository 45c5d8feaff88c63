"""Reservations: how many slots a sequence is given when it is admitted."""

from dataclasses import dataclass

from s3sim.core.errors import InvariantError
from s3sim.core.request import Sequence, State

__all__ = ["AllButLast", "Fixed", "MaximumLength", "PowerOfTwo", "Predicted", "Written"]


@dataclass(frozen=True, slots=True)
class MaximumLength:
    """Prompt plus every token that the client allows: ORCA and FasterTransformer."""

    def tokens(self, sequence: Sequence) -> int:
        """Slots that can never be exceeded."""
        return sequence.max_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """The engine's maximum for every row, whatever it needs: FasterTransformer, transformers' StaticCache."""

    row_tokens: int

    def tokens(self, sequence: Sequence) -> int:
        """Slots of one row, the same for all."""
        return max(self.row_tokens, sequence.max_tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class AllButLast:
    """Prompt plus every token that the client allows, less the last, whose KV is never written: TGI."""

    def tokens(self, sequence: Sequence) -> int:
        """Slots that can never be exceeded."""
        return max(sequence.request.prompt_tokens, sequence.max_tokens - 1)


@dataclass(frozen=True, slots=True)
class PowerOfTwo:
    """Prompt plus the next power of two of the predicted output: Orca(Pow2) of the vLLM paper, with a true oracle."""

    def tokens(self, sequence: Sequence) -> int:
        """Slots for the power of two, at most the maximum; raises InvariantError where nobody predicted."""
        if sequence.predicted is None:
            raise InvariantError(f"{sequence} has no prediction; this system needs an oracle")
        rounded = 1 << (sequence.predicted - 1).bit_length()
        return sequence.request.prompt_tokens + min(rounded, sequence.request.max_new_tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicted:
    """Prompt plus the predicted output, at most the maximum, at least what a supervisor demands: S³.

    Without `counts_prompt` the prediction is taken for the whole, of which the prompt and one token are the least.
    """

    counts_prompt: bool = True

    def tokens(self, sequence: Sequence) -> int:
        """Slots for the prediction; raises InvariantError where nobody predicted."""
        if sequence.predicted is None:
            raise InvariantError(f"{sequence} has no prediction; this system needs a predictor")
        request = sequence.request
        prompt, predicted = request.prompt_tokens, sequence.predicted
        output = max(1, predicted if self.counts_prompt else predicted - prompt)
        return max(prompt + min(output, request.max_new_tokens), sequence.min_reservation_tokens)


@dataclass(frozen=True, slots=True)
class Written:
    """Only what the prefill writes; blocks for later tokens are taken when they are needed: vLLM."""

    def tokens(self, sequence: Sequence) -> int:
        """Slots for the prompt, and after a preemption for what was generated too; for what is cached, if swapped."""
        return sequence.cached if sequence.state is State.SWAPPED else sequence.prefill_tokens
