"""What requests say: token ids drawn from a seed, since times and memory do not depend on them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

__all__ = ["Texts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """Token ids of prompts by request id; the same for one seed, whatever else is asked.

    `forced` holds output tokens that a request is given in place of its own greedy ones.
    """

    vocab: int
    seed: int
    forced: Mapping[int, list[int]] = field(default_factory=dict)

    def prompt(self, ident: int, tokens: int) -> list[int]:
        """The prompt of a request, of so many tokens."""
        drawn = np.random.default_rng([self.seed, ident]).integers(0, self.vocab, tokens)
        ids: list[int] = drawn.tolist()
        return ids

    def next_token(self, ident: int, place: int, greedy: int) -> int:
        """Output token number `place` (from 0): the forced one, or the greedy one."""
        forced = self.forced.get(ident)
        return greedy if forced is None else forced[place]
