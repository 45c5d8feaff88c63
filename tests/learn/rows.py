"""Prompts whose outputs' lengths follow from one of their words, as files."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from s3sim.learn.settings import Settings

__all__ = ["LENGTHS", "TINY", "learnable", "write_csv", "write_jsonl"]

LENGTHS = {"name": 8, "list": 40, "explain": 90, "essay": 120}  # word → tokens of its answers, give or take
FILLER = ("the", "of", "a", "river", "house", "green", "seven", "quickly", "under", "cloud", "paper", "engine", "song")

TINY = Settings(
    backbone="random",
    buckets=8,
    max_tokens=128,
    epochs=6,
    batch_size=16,
    learning_rate=3e-3,
    max_prompt_tokens=16,
    held_out=0.2,
)


def learnable(rows: int, *, seed: int = 0) -> list[dict[str, Any]]:
    """Rows (id, prompt, tokens): the word at a random place decides the length up to 4 tokens."""
    draw = np.random.default_rng(seed)
    made = []
    for row in range(rows):
        word = list(LENGTHS)[int(draw.integers(len(LENGTHS)))]
        words = draw.choice(FILLER, size=int(draw.integers(3, 9))).tolist()
        words.insert(int(draw.integers(len(words))), word)
        prompt = f"{' '.join(words)} {row}"
        made.append({"id": row, "prompt": prompt, "tokens": LENGTHS[word] + int(draw.integers(5))})
    return made


def write_jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    """The rows as JSON Lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_csv(path: Path, rows: list[dict[str, Any]]) -> Path:
    """The rows as CSV, texts quoted."""
    names = list(rows[0])
    lines = [",".join(names), *(",".join(json.dumps(row[name]) for name in names) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
