"""What one forward pass computes, how long it takes, and what came of it."""

from dataclasses import dataclass
from math import isqrt
from typing import NamedTuple

from s3sim.core.request import Sequence

__all__ = ["Affine", "Batch", "Chunk", "Outcome", "Relocation"]


class Chunk(NamedTuple):
    """Prompt tokens of one sequence that a step computes."""

    sequence: Sequence
    tokens: int  # new tokens computed
    context: int  # tokens of this sequence cached before
    last: bool  # the prompt ends here: the step emits this sequence's next token


class Relocation(NamedTuple):
    """A device-to-device move of one extent, made by a compaction before the step."""

    sequence: Sequence
    source: int
    target: int
    tokens: int  # written slots that move


@dataclass(slots=True)
class Batch:
    """All that one forward pass computes, as changes against the lane's batch before it.

    The decoding sequences stay from batch to batch: `joined` decode from this batch on, `left`
    were preempted since the last one (a finished sequence leaves without notice). A batch runs for
    up to `max_steps` identical decode steps; with chunks or relocations for exactly one.
    """

    lane: int
    chunks: list[Chunk]
    joined: list[Sequence]
    left: list[Sequence]
    relocations: list[Relocation]
    decode_sequences: int  # rows that decode in each step
    decode_context: int  # slots that their attention reads in the first step; grows by decode_sequences a step
    prefill_tokens: int = 0  # new tokens over all chunks
    prefill_attended: int = 0  # query-key pairs over all chunks
    relocated_tokens: int = 0  # written slots moved on the device before the step
    max_steps: int = 1
    padding_tokens: int = 0  # prompt positions computed beyond prefill_tokens, where prompts are padded
    padding_rows: int = 0  # rows that decode without a sequence: finished ones of a static batch
    padding_slots: int = 0  # slots that attention reads beyond decode_context in the first step
    padding_slots_per_step: int = 0  # by which padding_slots grows, or shrinks, a step
    copied_slots: int = 0  # slots copied to longer tensors in the first step; grows by rows a step
    allocated_slots: int = 0  # slots newly allocated in each step, where allocation stalls computation

    @property
    def rows(self) -> int:
        """Rows that decode in each step, with or without a sequence."""
        return self.decode_sequences + self.padding_rows

    @property
    def new_tokens(self) -> int:
        """Tokens that go through the dense layers in the first step."""
        return self.prefill_tokens + self.padding_tokens + self.rows


class Affine(NamedTuple):
    """Durations of consecutive steps: step j (from 0) takes first + j·increment picoseconds.

    Holds for `steps` steps, then a limit switches and the model must be asked again. Integer
    coefficients make the closed-form sum of k steps equal k single steps bit for bit.
    """

    first: int  # ps
    increment: int  # ps per step
    steps: int

    def elapsed(self, steps: int) -> int:
        """Picoseconds that the first `steps` steps take together."""
        return steps * self.first + self.increment * (steps * (steps - 1) // 2)

    def boundary(self, delay: int) -> int:
        """Least number of steps (at least 1) whose end lies at or after `delay` picoseconds."""
        if delay <= self.first:
            return 1
        if self.increment == 0:
            return -(-delay // self.first)
        a, b = self.increment, 2 * self.first - self.increment
        steps = (isqrt(b * b + 8 * a * delay) - b) // (2 * a)  # a·j² + b·j = 2·delay, rounded down
        return steps if self.elapsed(steps) >= delay else steps + 1


class Outcome(NamedTuple):
    """What came of a batch: how many steps ran, how long they took, who finished in the last one."""

    steps: int
    first: int  # ps, duration of the first step
    increment: int  # ps, by which each later step was longer
    finished: list[Sequence]
