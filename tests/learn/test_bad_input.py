"""What can be wrong with the data: each is an error that says where and what to do, or is counted."""

import gzip
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from s3sim.core.errors import InputError
from s3sim.learn.examples import read_examples
from s3sim.learn.source import Source
from tests.learn.rows import learnable, write_csv, write_jsonl

ROWS = learnable(6)


def changed(row: int, **values: Any) -> list[dict[str, Any]]:
    """The rows with one of them changed."""
    return [{**found, **values} if number == row else found for number, found in enumerate(ROWS)]


def jsonl(folder: Path, content: list[dict[str, Any]], **fields: Any) -> Source:
    """The rows as a source."""
    return Source(path=str(write_jsonl(folder / "rows.jsonl", content)), **{"length": "tokens", **fields})


@pytest.mark.parametrize("prompt", ["", "  \n", None, 7])
def test_an_empty_prompt_is_an_error_or_is_counted(prompt: object, tmp_path: Path) -> None:
    """Empty, blank, missing and non-text prompts: the line is named; with `drop` they are left out and counted."""
    rows = changed(2, prompt=prompt)
    with pytest.raises(InputError, match=r"rows\.jsonl:3: the prompt is empty; correct it, or leave such rows out"):
        read_examples(jsonl(tmp_path, rows))
    examples, facts = read_examples(jsonl(tmp_path, rows, invalid_rows="drop"))
    assert facts.empty_prompts == 1
    assert examples.ids.tolist() == [0, 1, 3, 4, 5]


@pytest.mark.parametrize("tokens", [None, float("nan"), "many", 0, -3, 2.5, 2**40])
def test_a_missing_or_impossible_length_is_an_error_or_is_counted(tokens: object, tmp_path: Path) -> None:
    """NaN labels, texts, zeros, negative, broken and absurd numbers."""
    rows = changed(4, tokens=tokens)
    with pytest.raises(InputError, match=r"rows\.jsonl:5: the length of the output is missing, or no whole number"):
        read_examples(jsonl(tmp_path, rows))
    examples, facts = read_examples(jsonl(tmp_path, rows, invalid_rows="drop"))
    assert (facts.invalid_lengths, len(examples)) == (1, 5)


def test_nan_labels_of_parquet_and_csv_are_counted(tmp_path: Path) -> None:
    """A null of a Parquet column, and an empty CSV cell, are NaN labels too."""
    frame = pd.DataFrame(ROWS).astype({"tokens": "float64"})
    frame.loc[1, "tokens"] = float("nan")
    frame.to_parquet(tmp_path / "rows.parquet")
    frame.to_csv(tmp_path / "rows.csv.gz", index=False)
    for name in ("rows.parquet", "rows.csv.gz"):
        source = Source(path=str(tmp_path / name), length="tokens", invalid_rows="drop")
        examples, facts = read_examples(source)
        assert facts.invalid_lengths == 1
        assert examples.tokens.tolist() == [row["tokens"] for row in ROWS if row["id"] != 1]


def test_missing_columns_are_named_with_those_that_are_there(tmp_path: Path) -> None:
    """The column of prompts, of lengths, of answers, and of ids."""
    with pytest.raises(InputError, match=r"no column 'len'; found id, prompt, tokens"):
        read_examples(jsonl(tmp_path, ROWS, length="len"))
    with pytest.raises(InputError, match=r"no column 'question'; found id, prompt, tokens"):
        read_examples(jsonl(tmp_path, ROWS, prompt="question"))
    with pytest.raises(InputError, match=r"neither a length nor an answer that is known.*name the column"):
        read_examples(jsonl(tmp_path, ROWS, length=None))
    nameless = write_jsonl(tmp_path / "a.jsonl", [{"question": "why", "tokens": 3}])
    with pytest.raises(InputError, match=r"no prompts are known by their name; found question, tokens: name"):
        read_examples(Source(path=str(nameless), length="tokens"))
    with pytest.raises(InputError, match=r"no column 'number'"):
        read_examples(jsonl(tmp_path, ROWS, id="number"))


def test_repeated_and_broken_ids_are_errors(tmp_path: Path) -> None:
    """Rows are joined by id, so ids are whole and differ."""
    with pytest.raises(InputError, match=r"rows\.jsonl:4: id 0 stands in an earlier row too"):
        read_examples(jsonl(tmp_path, changed(3, id=0)))
    with pytest.raises(InputError, match=r"rows\.jsonl:4: the id is no whole number"):
        read_examples(jsonl(tmp_path, changed(3, id="x"), id="id"))


def test_a_file_without_any_usable_row_is_an_error(tmp_path: Path) -> None:
    """All rows dropped leave nothing to learn from."""
    rows = [{**row, "tokens": 0} for row in ROWS]
    with pytest.raises(InputError, match=r"none of its 6 rows has a prompt and a length"):
        read_examples(jsonl(tmp_path, rows, invalid_rows="drop"))


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    """With where it was looked for."""
    with pytest.raises(InputError, match=r"no file 'nowhere\.jsonl' in .*S3SIM_DATA"):
        read_examples(Source(path="nowhere.jsonl", length="tokens"))


def test_answers_need_a_tokenizer(tmp_path: Path) -> None:
    """Texts are not lengths."""
    rows = [{"prompt": "why", "output": "because"}]
    with pytest.raises(InputError, match=r"answers are texts: give the tokenizer that counts them"):
        read_examples(jsonl(tmp_path, rows, length=None))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"served": "b.csv"}, "say which of its columns is the length, or which the answer"),
        ({"served": "b.csv", "length": "a", "answer": "b"}, "say which of its columns"),
        ({"length": "a", "answer": "b"}, "give one of them"),
        ({"served_offset": 1}, "no served file is given"),
        ({"rows": 0}, "rows is 0"),
    ],
)
def test_choices_that_contradict_are_errors(fields: dict[str, Any], message: str) -> None:
    """Before any file is read."""
    with pytest.raises(InputError, match=message):
        Source(path="a.csv", **fields)


def test_served_outputs_are_joined_by_id_and_offset(tmp_path: Path) -> None:
    """A second file's ids less the offset are the prompts' ids or row numbers; rows without a partner are counted."""
    prompts = tmp_path / "alpaca.jsonl.gz"
    rows = [{"instruction": f"say {row}", "input": "x" if row == 2 else "", "output": "no"} for row in range(5)]
    with gzip.open(prompts, "wt") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    served = write_csv(tmp_path / "served.csv", [{"id": 5, "L": 50}, {"id": 3, "L": 30}, {"id": 9, "L": 90}])
    source = Source(path=str(prompts), served=str(served), length="L", served_offset=1)
    examples, facts = read_examples(source)
    assert dict(zip(examples.ids.tolist(), examples.tokens.tolist(), strict=True)) == {2: 30, 4: 50}
    assert examples.prompts == ("say 2\nx", "say 4")
    assert (facts.rows, facts.unserved, facts.unasked) == (5, 3, 1)
    with pytest.raises(InputError, match=r"no id is an id of .* \+ 100; is the offset right\?"):
        read_examples(Source(path=str(prompts), served=str(served), length="L", served_offset=100))


def test_served_answers_and_own_answers_are_counted_by_the_tokenizer(tmp_path: Path) -> None:
    """ShareGPT's first answer, and a second file's answers, in tokens; an empty answer has no length."""
    pytest.importorskip("tokenizers", reason="the extra `text` is not installed")
    words = {"model": {"type": "WordLevel", "vocab": {"a": 0, "[UNK]": 1}, "unk_token": "[UNK]"}}
    words |= {"pre_tokenizer": {"type": "Whitespace"}, "version": "1.0", "added_tokens": [], "truncation": None}
    tokenizer = tmp_path / "tokenizer.json"
    tokenizer.write_text(
        json.dumps(words | {"padding": None, "normalizer": None, "post_processor": None, "decoder": None})
    )
    talks = [[{"from": "human", "value": "hi"}, {"from": "gpt", "value": text}] for text in ("a a a", "", "a")]
    path = write_jsonl(
        tmp_path / "talks.json", [{"id": f"x{n}", "conversations": talk} for n, talk in enumerate(talks)]
    )
    own = read_examples(Source(path=str(path), tokenizer=str(tokenizer), invalid_rows="drop"))
    assert (own.examples.ids.tolist(), own.examples.tokens.tolist()) == ([0, 2], [3, 1])
    served = write_jsonl(tmp_path / "served.jsonl", [{"id": 1, "text": "a a"}])
    source = Source(path=str(path), served=str(served), answer="text", tokenizer=str(tokenizer))
    assert read_examples(source).examples.tokens.tolist() == [2]


def test_the_first_valid_rows_can_be_asked_for(tmp_path: Path) -> None:
    """`rows` counts valid ones."""
    source = jsonl(tmp_path, changed(0, tokens=0), invalid_rows="drop", rows=2)
    assert read_examples(source).examples.ids.tolist() == [1, 2]


def test_facts_hold_the_digests_of_the_files(tmp_path: Path) -> None:
    """Another content is another digest, whatever the name."""
    one = read_examples(jsonl(tmp_path, ROWS)).facts.files
    other = read_examples(jsonl(tmp_path, changed(1, tokens=9))).facts.files
    assert one.keys() == other.keys() == {"rows.jsonl"}
    assert one != other
