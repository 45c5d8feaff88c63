"""The shipped engine presets against published latencies, where a copy of those lies beside the checkout."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from s3sim.hardware import ENGINES

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT.parent / "shared" / "published"


@pytest.fixture(name="first_fit", scope="module")
def _first_fit() -> ModuleType:
    pytest.importorskip("scipy", reason="the fit needs scipy")
    spec = importlib.util.spec_from_file_location("first_fit", ROOT / "benchmarks" / "first_fit.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_presets_meet_the_published_rows(first_fit: ModuleType) -> None:
    """The presets meet published static batches within the labels' noise: 5% median, 15% p90."""
    paths = [PUBLISHED / name for name in ("fastertransformer_a100.csv", "tensorrt_llm_static.csv")]
    if not all(path.is_file() for path in paths):
        pytest.skip("no published measurements (shared/published) beside this checkout")
    rows = [row for path in paths for row in first_fit.read(path)]
    assert len(rows) > 50
    found = first_fit.quality(first_fit.log_errors(ENGINES, rows))
    assert found["median"] <= 5.0
    assert found["p90"] <= 15.0


def test_rows_become_seconds(first_fit: ModuleType, tmp_path: Path) -> None:
    """Throughput and latency rows become the seconds of one static batch; all others are left out."""
    path = tmp_path / "rows.csv"
    path.write_text(
        "version,model,gpu,n_gpus,precision,batch,input_len,output_len,metric,value\n"
        "FT v5.3,GPT-20B (44L),A100-SXM4-80GB,1,fp16,2,20,8,e2e_latency,225\n"
        "TensorRT-LLM 0.5.0,GPT-J-6B,A100-SXM4-80GB,1,fp16,64,128,100,output_throughput_per_gpu,3200\n"
        "TensorRT-LLM 0.5.0,GPT-J-6B,A100-SXM4-80GB,1,fp16,1,128,1,first_token_latency,12\n"
        "TensorRT-LLM 0.5.0,GPT-J-6B,H100-SXM-80GB,1,fp8,1,128,1,first_token_latency,12\n"
        "FT v5.3,GPT-20B (44L),A100-SXM4-80GB,2,fp16,2,20,8,e2e_latency,225\n"
        "FT v5.3,GPT-20B (44L),A100-SXM4-80GB,1,fp16,256,80,200,oom,1\n",
        encoding="utf-8",
    )
    assert [row.seconds for row in first_fit.read(path)] == [0.225, 2.0, 0.012]


def test_the_fit_finds_its_own_constants(first_fit: ModuleType) -> None:
    """Fitted to durations that the presets foretell, the fit foretells them too."""
    shapes = [(batch, prompt, output) for batch in (1, 8, 64) for prompt in (32, 512) for output in (1, 64)]
    rows = [
        first_fit.Row(model, "fastertransformer", *shape, 1.0) for model in ("GPT-20B", "GPT-6.7B") for shape in shapes
    ]
    latency = {row: first_fit.log_errors(ENGINES, [row])[0] for row in rows}
    rows = [row._replace(seconds=float(2.718281828459045 ** latency[row])) for row in rows]
    assert first_fit.quality(first_fit.log_errors(first_fit.fit(rows), rows))["max"] < 0.5
