"""Laws on real data, which is not part of the project; skipped, and said so, where it is not beside the checkout."""

import importlib.util
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest

from s3sim.workload.limits import prepare
from s3sim.workload.presets import PRESETS
from s3sim.workload.readers import read_trace

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
