"""Prompts of the right length whose words mean nothing: drawn from a seed, since times do not depend on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from s3sim.workload.tokenizer import load_tokenizer

__all__ = ["Prompts", "TextPrompts", "TokenPrompts", "text_prompts"]

ROUNDS = 20  # of shortening and lengthening a text; two do, nearly always


class Prompts(Protocol):
    """What a request says, by its id."""

    def prompt(self, ident: int, tokens: int) -> list[int] | str:
        """The prompt of a request, of so many tokens; the same each time."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPrompts:
    """Prompts as token ids below `vocab`. No two requests share a beginning, which a prefix cache would know."""

    vocab: int
    seed: tuple[int, ...]

    def prompt(self, ident: int, tokens: int) -> list[int]:
        """The token ids of a request's prompt."""
        ids: list[int] = np.random.default_rng([*self.seed, ident]).integers(0, self.vocab, tokens).tolist()
        return ids


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPrompts:
    """Prompts as text that a tokenizer splits into the tokens asked for, `added` of which the server adds itself.

    A text that no round of mending makes fit is off by a few tokens; the server's own count tells.
    """

    engine: Any  # tokenizers.Tokenizer
    words: Sequence[int]  # tokens to draw from
    seed: tuple[int, ...]
    added: int = 0  # tokens, such as one that begins a sequence

    def prompt(self, ident: int, tokens: int) -> str:
        """The text of a request's prompt."""
        random = np.random.default_rng([*self.seed, ident])
        wanted, ids, text = max(1, tokens - self.added), list[int](), ""
        for _ in range(ROUNDS):
            ids += random.choice(self.words, max(0, wanted - len(ids))).tolist()
            text = self.engine.decode(ids[:wanted], skip_special_tokens=False)
            ids = self.engine.encode(text, add_special_tokens=False).ids
            if len(ids) == wanted:
                break
        return text


def text_prompts(path: Path, seed: tuple[int, ...]) -> TextPrompts:
    """Prompts by a tokenizer's file; raises InputError where it is none, or `tokenizers` is not installed."""
    engine = load_tokenizer(path).engine
    special = engine.get_added_tokens_decoder().keys()
    words = [number for number in range(engine.get_vocab_size(with_added_tokens=True)) if number not in special]
    return TextPrompts(engine=engine, words=words, seed=seed)
