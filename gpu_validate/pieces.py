"""A sequence's progress on the device, and its share of one step."""

from dataclasses import dataclass, field
from typing import NamedTuple

from torch import Tensor

from s3sim.core.request import Sequence

__all__ = ["Piece", "Row"]


@dataclass(slots=True, eq=False)
class Row:
    """What the executor itself knows of a sequence: its tokens, and how many of them are cached."""

    sequence: Sequence
    tokens: list[int]  # prompt and output
    prompt: int  # tokens of the prompt
    cached: int = 0  # slots written
    logits: list[Tensor] = field(default_factory=list)  # of each output token, where they are kept

    @property
    def output(self) -> list[int]:
        """Output tokens."""
        return self.tokens[self.prompt :]

    def rewind(self, output: int) -> None:
        """Forget all KV, and all output tokens but the first `output`."""
        del self.tokens[self.prompt + output :], self.logits[output:]
        self.cached = 0


class Piece(NamedTuple):
    """A row's share of one step: the tokens it computes, behind those that are cached."""

    row: Row
    new: int  # tokens computed
    emits: bool  # the step emits the row's next token
    ended: bool = False  # a finished row of a static batch: it computes, for nobody

    @property
    def sequence(self) -> Sequence:
        """The row's sequence."""
        return self.row.sequence

    @property
    def context(self) -> int:
        """Tokens cached before."""
        return self.row.cached

    @property
    def stop(self) -> int:
        """Tokens cached afterwards."""
        return self.row.cached + self.new

    @property
    def tokens(self) -> list[int]:
        """The tokens that are computed."""
        return self.row.tokens[self.context : self.stop]
