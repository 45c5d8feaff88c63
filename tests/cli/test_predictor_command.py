"""`s3sim predictor` from the command line: trained, judged and used, and what is said of bad input."""

import json
import sys
from pathlib import Path

import pandas as pd
import pytest

from s3sim.learn import packages
from tests.cli.conftest import Call
from tests.learn.rows import learnable, write_csv, write_jsonl

SMALL = [
    "--backbone",
    "random",
    "--max-tokens",
    128,
    "--buckets",
    8,
    "--learning-rate",
    3e-3,
    "--max-prompt-tokens",
    16,
]


@pytest.fixture
def needs_torch() -> None:
    """The tests that train."""
    pytest.importorskip("torch", reason="the extra `learn` is not installed")


@pytest.mark.usefixtures("needs_torch")
def test_train_evaluate_record_and_simulate(call: Call, tmp_path: Path) -> None:
    """From a CSV of prompts and lengths to a trace that a simulation reads."""
    write_csv(tmp_path / "rows.csv", learnable(300))
    options = ["--length", "tokens", "--epochs", 4, "--batch-size", 16, "--held-out", 0.2, *SMALL]
    done = call("predictor", "train", "rows.csv", "--out", "model", *options)
    assert (done.code, "held_out" in done.out) == (0, True), done.err
    again = json.loads(call("predictor", "train", "rows.csv", "--out", "other", *options, "--epochs", 1, "--json").out)
    assert list(again) == ["model", "scores", "data", "training"]
    assert set(again["scores"]["held_out"]) >= {"accuracy", "macro_f1", "mae_tokens"}
    found = json.loads(call("predictor", "evaluate", "model", "--json").out)
    assert found["rows"] == 60
    assert found["accuracy"] > found["majority_accuracy"] == found["baselines"]["majority"]["accuracy"]
    trace = [
        {"prompt": row["prompt"], "prompt_tokens": 9, "output_tokens": row["tokens"]} for row in learnable(40, seed=2)
    ]
    write_csv(tmp_path / "trace.csv", trace)
    assert call("predictor", "record", "model", "trace.csv", "out.parquet").out == "out.parquet: 40 predictions\n"
    assert pd.read_parquet(tmp_path / "out.parquet")["predicted_tokens"].between(16, 128).all()
    again = call("predictor", "record", "model", "trace.csv", "out.parquet")
    assert (again.code, "is there already" in again.err) == (2, True)


@pytest.mark.usefixtures("needs_torch")
def test_evaluate_writes_what_is_asked_for(call: Call, trained: Path, data: Path, tmp_path: Path) -> None:
    """Files with --out, a table of throughput with --worth, the file that is held back with --data."""
    rows = ["--data", write_jsonl(tmp_path / "other.jsonl", learnable(50, seed=8)), "--length", "tokens"]
    small = ["--set", "workload.requests=60", "--set", "memory.kv_capacity_tokens=3000"]
    done = call("predictor", "evaluate", trained, *rows, "--out", "judged", "--worth", *small)
    assert done.code == 0, done.err
    assert all(word in done.out for word in ("tfidf_logistic", "paired bootstrap", "preemptions", "true bucket"))
    assert {"confusion.csv", "confusion.png", "worth.csv"} <= {path.name for path in (tmp_path / "judged").iterdir()}
    refused = call("predictor", "evaluate", trained, *small)
    assert (refused.code, "ask for it" in refused.err) == (2, True)


def test_what_is_left_out_is_said(call: Call, tmp_path: Path) -> None:
    """Dropped rows and cut prompts are counted on the error stream."""
    pytest.importorskip("torch", reason="the extra `learn` is not installed")
    rows = [{**row, "prompt": "" if row["id"] < 3 else row["prompt"] + " a" * 30} for row in learnable(100)]
    rows[7]["tokens"] = None
    write_jsonl(tmp_path / "rows.jsonl", rows)
    options = ["--length", "tokens", "--epochs", 1, *SMALL, "--invalid-rows", "drop"]
    done = call("predictor", "train", "rows.jsonl", "--out", "model", *options)
    assert "3 of 100 rows with an empty prompt were left out" in done.err
    assert "1 of 100 rows without a length of at least 1 were left out" in done.err
    assert "96 prompts were cut to 16 encoder tokens" in done.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "no.csv", "--out", "m"], "no file 'no.csv'"),
        (["train", "rows.csv", "--out", "m"], "neither a length nor an answer"),
        (["train", "rows.csv", "--out", "m", "--length", "tokens", "--edges", "9,3"], "9,3|bounds"),
        (["train", "rows.csv", "--out", "m", "--length", "tokens", "--held-out", "2"], "held_out is 2.0"),
        (["train", "rows.csv", "--out", ".", "--length", "tokens"], "is not empty, and holds no predictor"),
        (["train", "rows.csv", "--out", "rows.csv", "--length", "tokens"], "is a file; a folder is needed"),
        (["train", "rows.csv", "--out", "m", "--resume", "--overwrite"], "give one of them"),
        (["evaluate", "nowhere"], "holds no trained predictor"),
        (["record", "nowhere", "rows.csv", "out.csv"], "holds no trained predictor"),
    ],
)
@pytest.mark.usefixtures("needs_torch")
def test_bad_input_ends_in_one_message(arguments: list[str], message: str, call: Call, tmp_path: Path) -> None:
    """Exit code 2 and a line that says what would be right."""
    write_csv(tmp_path / "rows.csv", learnable(100))
    done = call("predictor", *arguments)
    assert done.code == 2
    assert done.err.startswith("error: ")
    assert any(part in done.err for part in message.split("|"))


@pytest.mark.parametrize("command", [["train", "a.csv", "--out", "m"], ["evaluate", "m"], ["record", "m", "a", "b"]])
def test_without_the_extra_it_is_named(command: list[str], call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without torch is told what to install."""
    monkeypatch.setattr(packages, "find_spec", lambda name: None if name == "torch" else object())
    done = call("predictor", *command)
    assert (done.code, "pip install 's3sim[learn]'" in done.err) == (2, True)
    assert "torch is not installed" in done.err


@pytest.mark.parametrize("command", [[], ["train"], ["evaluate"], ["record"]])
def test_help_imports_no_torch(command: list[str], call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would take seconds."""
    for name in ("torch", "transformers", "sklearn"):
        monkeypatch.setitem(sys.modules, name, None)  # an import would fail
    done = call("predictor", *command, "--help")
    assert (done.code, "Usage" in done.out) == (0, True)


@pytest.mark.usefixtures("needs_torch")
def test_learn_on_from_a_run(call: Call, trained: Path, tmp_path: Path) -> None:
    """A run's events and its prompts give another predictor; what fits no single point is an error that names them."""
    rows = learnable(60, seed=5)
    write_jsonl(tmp_path / "texts.jsonl", rows)
    write_csv(tmp_path / "trace.csv", [{"prompt_tokens": 9, "output_tokens": 1 + row["id"] % 7} for row in rows])
    text = """
version: 1
name: taught
model: gpt-j-6b
device: a100-80gb
max_length: 256
workload: {kind: trace, path: trace.csv}
systems: [orca]
scenarios: {main: {}}
"""
    (tmp_path / "taught.yaml").write_text(text, encoding="utf-8")
    assert call("run", "taught.yaml", "--out", "run").code == 0
    options = ["--texts", "texts.jsonl", "--retrain-every", 20, "--collect", "all"]
    done = call("predictor", "learn", trained, "run", *options, "--out", "on")
    assert (done.code, "accuracy" in done.out) == (0, True), done.err
    told = json.loads(call("predictor", "learn", trained, "run", *options, "--out", "json", "--json").out)
    assert list(told["versions"][0]) == ["version", "requests", "accuracy", "learnt"]
    assert json.loads(call("predictor", "evaluate", "on", "--json").out)["rows"] == 100
    again = call("predictor", "learn", trained, "run", *options, "--out", "on")
    assert (again.code, "is there already" in again.err) == (2, True)
    other = call("predictor", "learn", trained, "run", *options, "--out", "two", "--point", "none")
    assert (other.code, "main-orca-seed0" in other.err) == (2, True)
