"""The sizes of steps and copies that a profile measures."""

from collections.abc import Iterator
from dataclasses import dataclass

from gpu_validate.samples import Sample

__all__ = ["BLOCK_TOKENS", "Grid"]

BLOCK_TOKENS = 16  # vLLM's default


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """What is measured: sizes of steps and copies, and how often each."""

    rows: tuple[int, ...] = (1, 2, 4, 8, 16, 32)
    contexts: tuple[int, ...] = (16, 128, 512)  # cached tokens of each row
    prompts: tuple[int, ...] = (1, 16, 64, 256)  # tokens of each
    chunks: tuple[int, ...] = (1, 4)  # prompts in one step
    copies: tuple[int, ...] = (16, 128, 512)  # slots
    warm_up: int = 2
    repeats: int = 5

    def slots(self) -> int:
        """Slots that the largest point needs, in whole blocks."""
        most = max(self.rows) * (max(self.contexts) + 1) + max(self.chunks) * max(self.prompts)
        return -(-max(most, 2 * max(self.copies)) // BLOCK_TOKENS) * BLOCK_TOKENS + BLOCK_TOKENS * max(self.rows)

    def steps(self) -> Iterator[Sample]:
        """Decode, prefill, and both, without their times; mixed steps have next to no context."""
        for rows in self.rows:
            yield from (Sample(rows, rows * context, 0, 0, 0, 0.0) for context in self.contexts)
        for chunks in self.chunks:
            yield from (Sample(0, 0, chunks, chunks * tokens, 0, 0.0) for tokens in self.prompts)
        for rows in self.rows:
            yield from (Sample(rows, rows, 1, tokens, 0, 0.0) for tokens in self.prompts)
