"""Durations by fixed prices: for tests, worked examples and comparison with theory."""

from s3sim.core.batch import Affine, Batch
from s3sim.hardware.checks import require_not_negative, require_number
from s3sim.hardware.least import LeastStep
from s3sim.hardware.units import UNLIMITED_STEPS, picoseconds

__all__ = ["Constant"]


class Constant:
    """A LatencyModel with fixed prices, each in seconds, charged in every step.

    duration = step_seconds
               + prefill_seconds_per_token · prefill_tokens
               + decode_seconds_per_context_token · slots read, padding included
               + seconds_per_sequence · (decoding rows + chunks)
               + relocation_seconds_per_token · (relocated_tokens + copied_slots).
    Raises InputError for a price below 0, and for a step_seconds of 0: time must advance.
    """

    __slots__ = ("_context", "_prefill", "_relocation", "_sequence", "_step")

    def __init__(
        self,
        *,
        step_seconds: float,
        prefill_seconds_per_token: float = 0.0,
        decode_seconds_per_context_token: float = 0.0,
        seconds_per_sequence: float = 0.0,
        relocation_seconds_per_token: float = 0.0,
    ) -> None:
        require_number("constant: step_seconds", step_seconds)
        self._step = max(1, picoseconds(step_seconds))
        self._prefill = _price("prefill_seconds_per_token", prefill_seconds_per_token)
        self._context = _price("decode_seconds_per_context_token", decode_seconds_per_context_token)
        self._sequence = _price("seconds_per_sequence", seconds_per_sequence)
        self._relocation = _price("relocation_seconds_per_token", relocation_seconds_per_token)

    def affine(self, batch: Batch) -> Affine:
        """Duration of the batch's first step, increment per further step, and for how many steps it holds."""
        rows = batch.rows
        slots = batch.decode_context + batch.padding_slots
        first = self._step + self._context * slots + self._sequence * rows + self._relocation * batch.copied_slots
        if batch.prefill_tokens or batch.relocated_tokens:
            first += self._prefill * (batch.prefill_tokens + batch.padding_tokens) + self._sequence * len(batch.chunks)
            return Affine(first + self._relocation * batch.relocated_tokens, 0, 1)
        increment = self._context * (batch.decode_sequences + batch.padding_slots_per_step)
        if batch.copied_slots:
            increment += self._relocation * rows
        return Affine(first, increment, UNLIMITED_STEPS)

    def least_step(self, *, tokens: float, sequences: float) -> LeastStep:
        """What no step is shorter than: its duration itself, without padding and relocation, whatever is in it."""
        return LeastStep(step=self._step, prefill=self._prefill, sequence=self._sequence, slot=self._context)


def _price(field: str, seconds: float) -> int:
    require_not_negative(f"constant: {field}", seconds)
    return picoseconds(seconds)
