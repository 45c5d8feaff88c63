"""Laws on real data, which is not part of the project; skipped, and said so, where it is not beside the checkout."""

import importlib.util
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from s3sim.experiment.build import build_load
from s3sim.experiment.schema import load_experiment
from s3sim.workload.formats import FORMATS
from s3sim.workload.limits import prepare
from s3sim.workload.presets import PRESETS
from s3sim.workload.readers import read_trace
from s3sim.workload.texts import read_texts
from s3sim.workload.tokenizer import load_tokenizer
from s3sim.workload.writers import WriteLosses, write_trace

CHECKOUT = Path(__file__).parents[2]
DATA = CHECKOUT.parent / "shared" / "datasets"


def data(name: str) -> Path:
    """Path of a data file; skips the test where it is absent."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{name} is not beside the checkout")
    return path


def test_azure_conversations() -> None:
    """The whole hour is read, exactly, and 14.7% of it exceeds 2048 tokens."""
    trace, counts = read_trace(data("azure_llm_2023/AzureLLMInferenceTrace_conv.csv"))
    assert (len(trace), counts.dropped) == (19_366, 0)
    assert (len(trace) - 1) / (trace.arrival[-1] / 10**12) == pytest.approx(5.53, abs=0.01)
    assert trace.arrival[1] == 4_314_579_000_000  # 18:15:50.9951690 less 18:15:46.6805900
    limited = prepare(trace, max_length=2048, over_length="reject").counts
    assert limited.over_length / limited.requests == pytest.approx(0.147, abs=0.0006)


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_presets_are_what_the_benchmark_recomputes(name: str) -> None:
    """Every number of a preset follows from its file."""
    spec = importlib.util.spec_from_file_location("quantile_tables", CHECKOUT / "benchmarks/quantile_tables.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    files = Namespace(
        alpaca=data("alpaca/alpaca_en_52k_lengths.csv.gz"),
        vicuna=data("alpaca_vicuna7b_lengths/alpaca-train-10k-length.csv"),
        azure=data("azure_llm_2023/AzureLLMInferenceTrace_conv.csv"),
        sharegpt=data("sharegpt_lengths/first_turn_lengths_neox.csv.gz"),
    )
    table = module.summary(dict(module.pairs(files))[name])
    assert PRESETS[name].spearman == table["spearman"]
    assert np.array_equal(PRESETS[name].prompt.values, table["prompt"])  # type: ignore[attr-defined]
    assert np.array_equal(PRESETS[name].output.values, table["output"])  # type: ignore[attr-defined]


REAL: dict[str, tuple[str, dict[str, Any], int, int]] = {  # file, how it is read, rows kept, rows dropped
    "azure": ("azure_llm_2023/AzureLLMInferenceTrace_conv.csv", {}, 19_366, 0),
    "vidur": ("vidur_traces/splitwise_conv.csv", {}, 19_366, 0),
    "arxiv": ("vidur_traces/arxiv_summarization_stats_llama2_tokenizer_filtered_v2.csv", {}, 28_257, 0),
    "mooncake": ("mooncake/conversation_trace.jsonl.gz", {}, 12_031, 0),
    "sharegpt": ("sharegpt_lengths/first_turn_lengths_neox.csv.gz", {"invalid_rows": "drop"}, 17_345, 47),
    "predicted": ("sharegpt_predicted/first_20k.csv.gz", {"invalid_rows": "drop"}, 19_994, 6),
    "lmsys": (
        "lmsys_vicuna13b_pred/predictions_warmup_cls_1000K.csv.gz",
        {"columns": {"output_tokens": "output_token_length"}, "constants": {"prompt_tokens": 69}},
        85_482,
        0,
    ),
    "vicuna": (
        "alpaca_vicuna7b_lengths/alpaca-train-10k-length.csv",
        {"columns": {"output_tokens": "L_t0.0"}, "constants": {"prompt_tokens": 18}},
        10_000,
        0,
    ),
}


@pytest.mark.parametrize("name", REAL)
def test_real_traces_are_read_and_round_trip(name: str, tmp_path: Path) -> None:
    """Each real file is read with its rows counted, and written and read in s3sim's own formats, exactly."""
    file, options, kept, dropped = REAL[name]
    trace, counts = read_trace(data(file), **options)
    assert (len(trace), counts.dropped, counts.rows) == (kept, dropped, kept + dropped)
    for part, target in ((trace, "a.parquet"), (trace.head(5000), "a.csv.gz")):
        assert write_trace(part, tmp_path / target) == WriteLosses()
        assert read_trace(tmp_path / target).trace == part


@pytest.mark.parametrize("name", ["azure", "vidur", "mooncake"])
@pytest.mark.parametrize("form", ["azure", "burstgpt", "vidur", "splitwise", "vllm_bench", "mooncake"])
def test_real_traces_survive_every_format(name: str, form: str, tmp_path: Path) -> None:
    """A real trace written in any format with times is read back as it was, unless that format's times are coarser."""
    trace = read_trace(data(REAL[name][0])).trace.head(5000)
    path = tmp_path / f"a{FORMATS[form].suffixes[0]}"
    losses = write_trace(trace, path, format=form)
    back = read_trace(path).trace
    if form != "mooncake" or name == "mooncake":
        assert losses == WriteLosses()
        assert back == trace
    else:
        assert 0 < losses.rounded <= len(trace)
        assert np.abs(back.arrival - trace.arrival).max() <= 10**9 // 2
        assert back.with_arrivals(trace.arrival) == trace


def test_two_copies_of_one_hour_agree() -> None:
    """Azure's trace and Vidur's copy of it are one and the same."""
    azure, vidur = (read_trace(data(REAL[name][0])).trace for name in ("azure", "vidur"))
    assert azure == vidur


def test_alpaca_texts_have_their_published_lengths() -> None:
    """Texts counted with GPT-2's tokenizer have the lengths of the file of counts; a text is found by its id."""
    pytest.importorskip("tokenizers")
    tokenizer = load_tokenizer(data("tokenizers/gpt2/encoder.json.gz"))
    path = data("alpaca/alpaca_en_52k.jsonl.gz")
    columns = {"id": "idx", "prompt_tokens": "prompt_gpt2", "output_tokens": "output_gpt2"}
    counts = data("alpaca/alpaca_en_52k_lengths.csv.gz")
    lengths = read_trace(counts, columns=columns, invalid_rows="drop").trace.head(500)
    texts = read_texts(path, ids=lengths.id.tolist())
    pairs = [texts[ident] for ident in lengths.id.tolist()]
    assert tokenizer.count([pair.prompt for pair in pairs])[0].tolist() == lengths.prompt_tokens.tolist()
    assert tokenizer.count([pair.output for pair in pairs])[0].tolist() == lengths.output_tokens.tolist()


def test_gsm8k_has_its_published_lengths() -> None:
    """Any prompts and answers can be read: GSM8K with GPT-NeoX's tokenizer."""
    pytest.importorskip("tokenizers")
    tokenizer = load_tokenizer(data("tokenizers/gpt_neox_20b/tokenizer.json.gz"))
    columns = {"prompt": "question", "output": "answer"}
    trace = read_trace(data("gsm8k/test.jsonl.gz"), format="text", columns=columns, tokenizer=tokenizer).trace
    assert len(trace) == 1319
    assert trace.prompt_tokens.mean() == pytest.approx(56, rel=0.03)
    assert trace.output_tokens.mean() == pytest.approx(97, rel=0.03)


TRACES = CHECKOUT / "experiments" / "traces"


@pytest.mark.parametrize("path", sorted(TRACES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_trace_experiment_can_be_built(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each YAML of experiments/traces is valid, names its source, and finds its data."""
    text = path.read_text(encoding="utf-8")
    assert "# Question: " in text
    assert "# Data: " in text
    if "tokenizer:" in text:
        pytest.importorskip("tokenizers")
    workload = yaml.safe_load(text)["workload"]
    data(workload["path"])
    monkeypatch.setenv("S3SIM_DATA", str(DATA))
    first = load_experiment(path).points[0]
    assert len(build_load(first).trace) > 100
