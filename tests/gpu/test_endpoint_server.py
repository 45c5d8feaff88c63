"""A real server: `transformers serve`, in a process of its own, with a small random model that has no EOS."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.request import urlopen

import pandas as pd
import pytest
import tokenizers
import torch
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM, PreTrainedTokenizerFast

from s3sim.cli.main import app
from s3sim.experiment.build import build_load
from s3sim.experiment.schema import load_experiment
from s3sim.report.rundir import read_run
from tests.gpu.endpoint_runs import check_laws, drive, manifest, point_folder, replayed, write_experiment

START_S = 180  # that a busy machine may need to import torch and load the model
WORDS = 256
CALM = {"first_token_timeout_s": 60, "token_timeout_s": 60}


def _model(folder: Path) -> Path:
    """A model and its tokenizer: each word one token, none the end."""
    words = tokenizers.models.WordLevel({f"w{number}": number for number in range(WORDS)}, unk_token="w0")
    engine = tokenizers.Tokenizer(words)
    engine.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    tokenizer: Any = PreTrainedTokenizerFast
    tokenizer(tokenizer_object=engine).save_pretrained(folder)
    torch.manual_seed(0)
    config = GPTNeoXConfig(
        vocab_size=WORDS,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=256,
        bos_token_id=None,
        eos_token_id=None,
        pad_token_id=0,
    )
    GPTNeoXForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model's folder, as safetensors."""
    return _model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def url(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server's address; its process ends with the tests."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    said = tmp_path_factory.mktemp("server") / "said.txt"
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(model)]
    command += ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    quiet = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "HF_HOME": str(said.parent)}
    with said.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, env={**os.environ, **quiet})
        try:
            _await_health(process, f"http://127.0.0.1:{port}", said)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)


def _await_health(process: "subprocess.Popen[bytes]", url: str, said: Path) -> None:
    end = monotonic() + START_S
    while True:
        assert process.poll() is None, said.read_text(encoding="utf-8")
        assert monotonic() < end, f"no server after {START_S} s: {said.read_text(encoding='utf-8')}"
        try:
            with urlopen(f"{url}/health", timeout=5) as answer:
                assert answer.status == 200
                return
        except OSError:
            sleep(0.2)


@pytest.mark.parametrize("rate", [None, 20])
def test_a_real_server_gives_what_the_trace_asks_for(rate: int | None, url: str, model: Path, tmp_path: Path) -> None:
    """Prompt and output tokens equal the trace's, by the server's count and by that of chunks, in a burst or not."""
    arrivals = {"kind": "offline"} if rate is None else {"kind": "poisson", "rate": rate}
    path, out = write_experiment(tmp_path, scenarios={"only": {"arrivals": arrivals}}), tmp_path / "run"
    assert drive(path, url, out, model=model, tokenizer=model, max_connections=4, **CALM) == 0
    (point,) = load_experiment(path).points
    trace, told = build_load(point).trace, replayed(out)
    requests = pd.read_parquet(point_folder(out) / "requests.parquet").set_index("id").loc[trace.id]
    assert requests["output_tokens"].tolist() == trace.output_tokens.tolist()
    assert (requests["status"] == "finished").all()
    assert told["output_tokens"] == {
        "asked": trace.output_tokens.sum(),
        "received": trace.output_tokens.sum(),
        "requests_that_differ": 0,
        "counted_by": "usage",
        "requests_with_other_than_one_token_a_chunk": 0,
    }
    assert told["prompt_tokens"] == {"requests_that_differ": 0, "requests_not_counted": 0}
    assert 1 < told["most_connections"] <= 4
    assert not told["server"]["ignore_eos"], "this server refuses the field"
    check_laws(point_folder(out))
    (row,) = read_run(out).scenarios[0].rows.to_dict("records")
    assert row["completed"] == len(trace.id)
    assert row["mean_ttft_ms"] <= row["mean_e2el_ms"]


def test_a_real_server_without_its_tokenizer_is_asked_in_vain(
    url: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It takes text alone, and says so; another model than its own it refuses."""
    path = write_experiment(tmp_path)
    assert drive(path, url, tmp_path / "run", model=model, **CALM) == 2
    assert "prompt must be a string" in capsys.readouterr().err
    assert drive(path, url, tmp_path / "run", model="another", tokenizer=model, **CALM) == 2
    assert "Server is pinned to" in capsys.readouterr().err


def test_a_run_against_a_real_server_is_a_run_directory_like_others(url: str, model: Path, tmp_path: Path) -> None:
    """It tells seed, versions, machine and command, and s3sim's report draws it."""
    out = tmp_path / "run"
    assert drive(write_experiment(tmp_path), url, out, "--model", model, "--tokenizer", model, seed=3, **CALM) == 0
    assert (manifest(out)["seed"], manifest(out)["model"], manifest(out)["status"]) == (3, str(model), "finished")
    environment = json.loads((out / "environment.json").read_text(encoding="utf-8"))
    assert {"aiohttp", "tokenizers"} <= environment["packages"].keys()
    assert json.loads((point_folder(out) / "point.json").read_text(encoding="utf-8"))["system"] == "vllm"
    app(["report", str(out)], standalone_mode=False)
    assert list((out / "figures").glob("*.svg"))
