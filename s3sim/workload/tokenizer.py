"""Tokenizers for traces that hold texts. The `tokenizers` package is imported only here, when one is loaded."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from s3sim.core.errors import InputError
from s3sim.workload.checks import IntArray
from s3sim.workload.files import open_binary

__all__ = ["MAX_UNKNOWN", "Tokenizer", "TokenizerFile", "load_tokenizer"]

AT_ONCE = 1024  # texts encoded in one call
MAX_UNKNOWN = 0.01  # share of unknown tokens from which a tokenizer is taken not to fit; a byte-level one has none
VOCABULARIES = ("encoder.json", "vocab.json")  # of a GPT-2 pair, as OpenAI and as Hugging Face name them
MERGES = ("vocab.bpe", "merges.txt")


class Tokenizer(Protocol):
    """What counts the tokens of texts."""

    @property
    def name(self) -> str:
        """What to call it in a message."""
        ...

    @property
    def size(self) -> int:
        """Tokens that it knows."""
        ...

    def count(self, texts: Sequence[str | None]) -> tuple[IntArray, int]:
        """Tokens of each text (0 where there is none), and how many of all of them are the unknown token."""
        ...


@dataclass(frozen=True, slots=True)
class TokenizerFile:
    """A tokenizer from a local file, run by the `tokenizers` package, without special tokens."""

    name: str
    engine: Any  # tokenizers.Tokenizer

    @property
    def size(self) -> int:
        """Tokens that it knows, added ones included."""
        return int(self.engine.get_vocab_size(with_added_tokens=True))

    def count(self, texts: Sequence[str | None]) -> tuple[IntArray, int]:
        """Tokens of each text (0 where there is none), and how many of all of them are the unknown token."""
        lengths, unknown = [], 0
        word = getattr(self.engine.model, "unk_token", None)
        unknown_id = None if word is None else self.engine.token_to_id(word)
        encode = getattr(self.engine, "encode_batch_fast", self.engine.encode_batch)  # without offsets, from 0.20 on
        rest = iter(texts)
        while some := list(islice(rest, AT_ONCE)):
            for encoding in encode([text or "" for text in some], add_special_tokens=False):
                lengths.append(len(encoding.ids))
                unknown += 0 if unknown_id is None else encoding.ids.count(unknown_id)
        return np.array(lengths, dtype=np.int64), unknown


@lru_cache(maxsize=4)
def load_tokenizer(path: Path) -> TokenizerFile:
    """Tokenizer of a tokenizer.json, of a GPT-2 vocabulary with its merges beside it, or of a folder with either.

    Any may end in .gz. GPT-2's pair is encoder.json and vocab.bpe, or vocab.json and merges.txt; GPT-J's is the
    same. Raises InputError where the `tokenizers` package is missing, and for files that are no tokenizer or do
    not belong together.
    """
    package = _package()
    file = _file_of(path)
    text = _read(file)
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{file}:{error.lineno}: is no tokenizer: {error.msg}; a tokenizer.json is needed") from error
    if isinstance(content, dict) and content and all(isinstance(value, int) for value in content.values()):
        return TokenizerFile(str(path), _gpt2(package, file, content))
    if isinstance(content, dict) and "model" in content:
        return TokenizerFile(str(path), _whole(package, file, text))
    raise InputError(f"{file}: is no tokenizer: neither a tokenizer.json nor a vocabulary of tokens and numbers")


def _package() -> Any:
    try:
        return import_module("tokenizers")  # an extra
    except ImportError as error:
        raise InputError(
            "texts are counted by the package `tokenizers`, which is not installed: pip install 's3sim[text]'"
        ) from error


def _file_of(path: Path) -> Path:
    if not path.is_dir():
        return path
    found = _first(path, ("tokenizer.json", *VOCABULARIES))
    if found is None:
        raise InputError(f"{path}: holds no tokenizer.json, encoder.json or vocab.json, compressed or not")
    return found


def _first(folder: Path, names: Sequence[str]) -> Path | None:
    candidates = [folder / f"{name}{packed}" for name in names for packed in ("", ".gz")]
    return next((path for path in candidates if path.is_file()), None)


def _read(path: Path) -> str:
    with open_binary(path) as file:
        try:
            return file.read().decode("utf-8")
        except UnicodeDecodeError as error:
            raise InputError(f"{path}: is no text in UTF-8: {error}") from error


def _whole(package: Any, path: Path, text: str) -> Any:
    try:
        return package.Tokenizer.from_str(text)
    except Exception as error:
        if type(error) is Exception:  # the package raises nothing more specific
            reads = f"{path}: is no tokenizer that `tokenizers` {package.__version__} reads"
            raise InputError(f"{reads}: {error}") from error
        raise


def _gpt2(package: Any, path: Path, vocabulary: dict[str, int]) -> Any:
    merges_file = _first(path.parent, MERGES)
    if merges_file is None:
        raise InputError(f"{path}: a vocabulary alone splits no text; {' or '.join(MERGES)} is needed beside it")
    lines = _read(merges_file).splitlines()
    merges = [tuple(line.split(" ")) for line in lines if line and not line.startswith("#version")]
    wrong = next((number for number, merge in enumerate(merges) if not _known(merge, vocabulary)), None)
    if wrong is not None:
        pair = " ".join(merges[wrong])
        raise InputError(f"{merges_file}: merge {wrong + 1}, {pair!r}, makes no token of {path}: they do not fit")
    engine = package.Tokenizer(package.models.BPE(vocab=vocabulary, merges=merges))
    engine.pre_tokenizer = package.pre_tokenizers.ByteLevel(add_prefix_space=False)
    return engine


def _known(merge: tuple[str, ...], vocabulary: dict[str, int]) -> bool:
    return len(merge) == 2 and "".join(merge) in vocabulary and all(part in vocabulary for part in merge)
