"""A latency model of small integers, under which ties and near misses are both common."""

from dataclasses import dataclass

from s3sim.core.batch import Affine, Batch
from s3sim.hardware.least import LeastStep

__all__ = ["LinearLatency", "PaddedLatency"]

NO_LIMIT = 1 << 40  # steps


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearLatency:
    """A step of base + per_row·decode rows + per_token·prefill tokens + per_slot·context + per_relocated·moved slots.

    All in picoseconds, and never less than `floor`, as where a CPU cannot launch kernels any faster.
    """

    base: int = 10
    per_row: int = 1
    per_token: int = 0
    per_slot: int = 0
    per_relocated: int = 0
    floor: int = 0

    def affine(self, batch: Batch) -> Affine:
        """Durations of the batch's steps: only the context grows from one to the next."""
        rows = batch.decode_sequences
        first = self.base + self.per_row * rows + self.per_token * batch.prefill_tokens
        first += self.per_slot * batch.decode_context + self.per_relocated * batch.relocated_tokens
        increment = self.per_slot * rows
        if first >= self.floor:
            return Affine(first, increment, NO_LIMIT)
        return Affine(self.floor, 0, (self.floor - first) // increment + 1 if increment else NO_LIMIT)

    def least_step(self, *, tokens: float, sequences: float) -> LeastStep:
        """What no step is shorter than: its duration itself, but for relocation."""
        return LeastStep(
            step=self.base, prefill=self.per_token, decode=self.per_row, slot=self.per_slot, floor=self.floor
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PaddedLatency:
    """A step that pays for padding as for work, as static batches do; all in picoseconds.

    Its base, and for each prompt position computed, row that decodes, slot read by attention, slot copied to a
    longer tensor, and slot newly allocated.
    """

    base: int = 10
    per_token: int = 1
    per_row: int = 1
    per_slot: int = 0
    per_copied: int = 0
    per_allocated: int = 0

    def affine(self, batch: Batch) -> Affine:
        """Durations of the batch's steps: slots read and slots copied grow from one to the next."""
        first = self.base + self.per_token * (batch.prefill_tokens + batch.padding_tokens) + self.per_row * batch.rows
        first += self.per_slot * (batch.decode_context + batch.padding_slots)
        first += self.per_copied * batch.copied_slots + self.per_allocated * batch.allocated_slots
        increment = self.per_slot * (batch.decode_sequences + batch.padding_slots_per_step)
        return Affine(first, increment + self.per_copied * (batch.rows if batch.copied_slots else 0), NO_LIMIT)
