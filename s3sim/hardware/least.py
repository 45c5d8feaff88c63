"""The least that a step can take: linear functions of what it computes, below every duration of a latency model."""

from typing import NamedTuple, Protocol, runtime_checkable

__all__ = ["Bounded", "LeastStep"]


class LeastStep(NamedTuple):
    """A linear function of what a step computes; no step that computes so much is shorter. All in picoseconds.

    A step takes at least step + prefill · prompt tokens + decode · decoding sequences + sequence · (decoding
    sequences + chunks) + slot · slots that its decodes read + pair · query-key pairs of its chunks, and at least
    `floor`. All are at least 0.
    """

    step: float
    prefill: float = 0.0
    decode: float = 0.0
    sequence: float = 0.0
    slot: float = 0.0
    pair: float = 0.0
    floor: float = 0.0
    window: int | None = None  # most tokens that a token attends to, where pairs are counted within a sliding window


@runtime_checkable
class Bounded(Protocol):
    """A latency model whose steps are bounded from below by linear functions of what they compute."""

    def least_step(self, *, tokens: float, sequences: float) -> LeastStep:
        """Such a function, as near as can be for steps of about so many new tokens and sequences (each at least 1)."""
        ...
