"""A tokenizer for tests: a word is a token."""

from collections.abc import Sequence

import numpy as np

from s3sim.workload.checks import IntArray

__all__ = ["Words"]


class Words:
    """Counts the words of a text; `???` is unknown to it."""

    name = "words"
    size = 1000

    def count(self, texts: Sequence[str | None]) -> tuple[IntArray, int]:
        """Words of each text, and how many of all are unknown."""
        split = [(text or "").split() for text in texts]
        unknown = sum(words.count("???") for words in split)
        return np.array([len(words) for words in split], dtype=np.int64), unknown
