import gzip
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from s3sim.core.errors import InputError
from s3sim.workload import json_tables
from s3sim.workload.readers import read_trace
from s3sim.workload.texts import TextPair, read_texts
from s3sim.workload.tokenizer import load_tokenizer
from tests.workload.test_trace_files import save
from tests.workload.words import Words

ROWS = '{"prompt": "a b", "output": "c"}\n{"prompt": "", "output": "d"}\n{"prompt": "e", "output": "f g"}\n'


def test_texts_have_the_ids_of_the_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that the trace dropped do not shift the others: a prompt is found by its request's id."""
    path = save(tmp_path, ROWS, "a.jsonl")
    trace = read_trace(path, tokenizer=Words(), invalid_rows="drop").trace
    assert trace.id.tolist() == [0, 2]
    texts = read_texts(path, ids=trace.id.tolist())
    assert texts == {0: TextPair("a b", "c"), 2: TextPair("e", "f g")}
    assert len(read_texts(path)) == 3
    monkeypatch.setattr(json_tables, "ROWS", 1)
    assert read_texts(path, ids=trace.id.tolist()) == texts


def test_texts_that_are_not_there_are_missed(tmp_path: Path) -> None:
    """A file without texts, and one without a row that was asked for, are refused."""
    with pytest.raises(InputError, match="format csv holds token counts and no texts"):
        read_texts(save(tmp_path, "prompt_tokens,output_tokens\n1,1\n"))
    with pytest.raises(InputError, match="holds no row 7, of 1 that were asked for"):
        read_texts(save(tmp_path, ROWS, "a.jsonl"), ids=[0, 7])


VOCABULARY = {"a": 0, "b": 1, "ab": 2, "Ġ": 3, "Ġa": 4}
MERGES = "#version: 0.2\na b\nĠ a\n"


def pair(folder: Path, vocabulary: object = VOCABULARY, merges: str | None = MERGES) -> Path:
    """A GPT-2 pair of files, compressed; returns the vocabulary's path."""
    path = folder / "encoder.json.gz"
    path.write_bytes(gzip.compress(json.dumps(vocabulary).encode()))
    if merges is not None:
        (folder / "vocab.bpe").write_text(merges, encoding="utf-8")
    return path


def test_a_missing_package_is_named_with_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `tokenizers` the message says what to install."""
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(InputError, match=r"pip install 's3sim\[text\]'"):
        load_tokenizer(pair(tmp_path))


def test_a_gpt2_pair_counts_tokens(tmp_path: Path) -> None:
    """Bytes are merged in the order of the merges; a folder stands for the pair in it; no text is no token."""
    pytest.importorskip("tokenizers")
    for path in (pair(tmp_path), tmp_path):
        tokenizer = load_tokenizer(path)
        counts, unknown = tokenizer.count(["abab", " aab", "", None, "a" * 3000])
        assert counts.tolist() == [2, 2, 0, 0, 3000]
        assert (unknown, tokenizer.size) == (0, 5)


def test_a_tokenizer_file_counts_tokens_and_unknown_ones(tmp_path: Path) -> None:
    """A tokenizer.json is used as it is, without special tokens, and its unknown token is counted."""
    package: Any = pytest.importorskip("tokenizers")
    engine = package.Tokenizer(package.models.WordLevel({"a": 0, "b": 1, "?": 2}, unk_token="?"))
    engine.pre_tokenizer = package.pre_tokenizers.Whitespace()
    (tmp_path / "tokenizer.json").write_text(engine.to_str())
    counts, unknown = load_tokenizer(tmp_path / "tokenizer.json").count(["a b a", "a c"])
    assert (counts.tolist(), unknown) == ([3, 2], 1)


@pytest.mark.parametrize(
    ("vocabulary", "merges", "message"),
    [
        (VOCABULARY, None, "a vocabulary alone splits no text; vocab.bpe or merges.txt is needed beside it"),
        (VOCABULARY, "a b\nb b\n", "merge 2, 'b b', makes no token of .*do not fit"),
        (["a"], MERGES, "neither a tokenizer.json nor a vocabulary"),
        ({"model": {"type": "none"}}, MERGES, "is no tokenizer that `tokenizers`"),
    ],
)
def test_files_that_are_no_tokenizer_are_refused(
    tmp_path: Path, vocabulary: object, merges: str | None, message: str
) -> None:
    """Files that do not belong together, or are something else, are named."""
    pytest.importorskip("tokenizers")
    with pytest.raises(InputError, match=message):
        load_tokenizer(pair(tmp_path, vocabulary, merges))


def test_broken_json_and_empty_folders_are_refused(tmp_path: Path) -> None:
    """A tokenizer that cannot be read is an InputError with its line."""
    pytest.importorskip("tokenizers")
    (tmp_path / "tokenizer.json").write_text("{\n  nothing")
    with pytest.raises(InputError, match=r"tokenizer.json:2: is no tokenizer"):
        load_tokenizer(tmp_path / "tokenizer.json")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"holds no tokenizer\.json"):
        load_tokenizer(tmp_path / "empty")
