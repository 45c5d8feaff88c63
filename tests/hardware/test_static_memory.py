"""Laws of a static batch's memory: published use and limits are met, and every part is what it says."""

import csv
import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3sim.core.errors import InputError
from s3sim.hardware import DEVICES, MODELS
from s3sim.hardware.static_memory import FIXED_BYTES, StaticMemory

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT.parent / "shared" / "published" / "fastertransformer_a100.csv"
GIB = 2**30


@pytest.fixture(name="oom_table", scope="module")
def _oom_table() -> ModuleType:
    spec = importlib.util.spec_from_file_location("oom_table", ROOT / "benchmarks" / "oom_table.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["oom_table"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("model", "batch", "prompt", "output", "gibibytes"),
    [  # memory_used, FasterTransformer 5.3, docs/gpt_guide.md
        ("GPT-6.7B", 1, 128, 8, 15.55),
        ("GPT-6.7B", 64, 128, 8, 22.17),
        ("GPT-6.7B", 8, 512, 32, 18.72),
        ("GPT-6.7B", 64, 512, 32, 41.84),
        ("GPT-1.3B", 64, 512, 32, 15.61),
        ("GPT-350M", 64, 512, 32, 8.67),
    ],
)
def test_published_memory(
    model: str, batch: int, prompt: int, output: int, gibibytes: float, oom_table: ModuleType
) -> None:
    """The memory of published batches is met within 1%."""
    foretold = oom_table.Configuration(model, 1, batch, prompt, output).foretold()
    assert foretold / GIB == pytest.approx(gibibytes, rel=0.01)


@pytest.mark.parametrize(
    ("gpus", "batch", "prompt", "output", "fits"),
    [  # GPT-20B: ran, or OOM, in docs/gpt_guide.md
        (1, 256, 20, 8, True),
        (1, 128, 128, 20, True),
        (1, 256, 128, 20, False),
        (1, 64, 80, 200, True),
        (1, 128, 80, 200, False),
        (1, 256, 80, 200, False),
        (2, 256, 128, 20, True),
        (2, 256, 80, 200, True),
    ],
)
def test_published_limits(gpus: int, batch: int, prompt: int, output: int, fits: bool, oom_table: ModuleType) -> None:
    """Out of memory where it was, and not where it was not: the limits of GPT-20B on A100s."""
    foretold = oom_table.Configuration("GPT-20B", gpus, batch, prompt, output).foretold()
    assert (foretold <= DEVICES["a100-80gb"].memory_bytes) == fits


def test_all_published_rows(oom_table: ModuleType) -> None:
    """Every published batch has the right verdict, and the memory used errs by 1% in the median."""
    if not PUBLISHED.is_file():
        pytest.skip("no published measurements (shared/published) beside this checkout")
    found = oom_table.totals(oom_table.lines(oom_table.read(PUBLISHED)[0]))
    assert found["rows"] > 200
    assert found["out_of_memory"] == 3
    assert found["wrong"] == 0
    assert found["memory_used_error_percent_median"] <= 1.0


def test_rows_of_a_csv(oom_table: ModuleType, tmp_path: Path) -> None:
    """Rows of one batch make one line, a wrong verdict is called wrong, and rows of other things are counted."""
    path = tmp_path / "rows.csv"
    heading = ("model", "gpu", "n_gpus", "precision", "batch", "input_len", "output_len", "metric", "value")
    rows = [
        ("GPT-6.7B (32L)", "A100-SXM4-80GB", 1, "fp16", 8.0, 512.0, 32.0, "e2e_latency", 699.62),
        ("GPT-6.7B (32L)", "A100-SXM4-80GB", 1, "fp16", 8.0, 512.0, 32.0, "memory_used", 18.72),
        ("GPT-350M", "A100-SXM4-80GB", 1, "fp16", 1, 8, 8, "oom", 1.0),
        ("GPT-350M", "A100-SXM4-80GB", 1, "fp32", 1, 8, 8, "oom", 1.0),
        ("OTHER-1B", "A100-SXM4-80GB", 1, "fp16", 1, 8, 8, "oom", 1.0),
    ]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([heading, *rows])
    table, others = oom_table.read(path)
    right, wrong = oom_table.lines(table)
    assert others == 2
    assert (right["rows"], right["verdict"], right["measured"]) == (2, "right", "ran")
    assert (wrong["rows"], wrong["verdict"], wrong["measured"]) == (1, "wrong", "out of memory")
    assert oom_table.totals([right, wrong])["wrong"] == 1
    assert "18.72" not in oom_table.text([right], markdown=True)  # GiB are shown as GB
    assert "20.10 (-0.3%)" in oom_table.text([right], markdown=True)


def test_parts_by_hand() -> None:
    """One small batch, part by part: 5 rows grow to 6, 100 + 9 + 1 slots to 132, 100 prompt tokens to 120."""
    model = replace(MODELS["gpt3-175b"], layers=2, learned_positions=7)
    parts = StaticMemory(model=model).parts(rows=5, prompt_tokens=100, output_tokens=9)
    assert parts.kv == 6 * 132 * (2 * 2 * 12288 * 2)
    assert parts.prompt == round(6 * 120 * 5.6 * 12288 * 2)
    assert parts.mask == 6 * 132 * 132 * 2
    assert parts.logits == 6 * 50257 * 12
    assert parts.weights == model.weight_bytes + 50257 * 12288 * 2  # the tied table twice
    assert parts.fixed == FIXED_BYTES
    assert parts.total == sum(parts)


def test_untied_tables_are_counted_once_each() -> None:
    """A model whose head is its own already has both tables: on one device its weights are as they are."""
    assert StaticMemory(model=MODELS["gpt-j-6b"]).weight_bytes == MODELS["gpt-j-6b"].weight_bytes


def test_tensor_parallelism_splits_layers_and_kv_alone() -> None:
    """On twice the devices, KV and layers halve; tables, prompt activations, mask and logits do not."""
    model, batch = MODELS["gpt-neox-20b"], {"rows": 10, "prompt_tokens": 50, "output_tokens": 50}
    one, two = (StaticMemory(model=model, tensor=tensor).parts(**batch) for tensor in (1, 2))
    tables = 2 * model.vocab * model.hidden * 2
    assert two.kv == one.kv // 2
    assert two.weights == (one.weights - tables) // 2 + tables
    assert (two.fixed, two.prompt, two.mask, two.logits) == (one.fixed, one.prompt, one.mask, one.logits)


BATCH = st.fixed_dictionaries(
    {"rows": st.integers(1, 300), "prompt_tokens": st.integers(1, 2000), "output_tokens": st.integers(1, 2000)}
)


@given(BATCH, st.sampled_from(["rows", "prompt_tokens", "output_tokens"]))
def test_more_never_takes_less(batch: dict[str, Any], longer: str) -> None:
    """A row or a token more, or growth, never takes less memory."""
    memory = StaticMemory(model=MODELS["gpt-j-6b"])
    parts = memory.parts(**batch)
    assert memory.parts(**{**batch, longer: batch[longer] + 1}).total >= parts.total
    assert replace(memory, growth=1).parts(**batch).total <= parts.total


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"growth": 0.0}, "growth: 0.0"),
        ({"growth": float("inf")}, "growth: inf"),
        ({"tensor": 3}, "tensor 3 does not divide"),
        ({"tensor": 0}, "tensor: 0"),
    ],
)
def test_refuses_impossible_engines(fields: dict[str, Any], message: str) -> None:
    """Growth is a number above 0; a tensor degree divides the heads."""
    with pytest.raises(InputError, match=message):
        StaticMemory(model=MODELS["gpt-j-6b"], **fields)


@pytest.mark.parametrize("field", ["rows", "prompt_tokens", "output_tokens"])
@pytest.mark.parametrize("value", [0, -1, 1.5])
def test_refuses_impossible_batches(field: str, value: float) -> None:
    """Rows and lengths are whole numbers of at least 1."""
    batch: dict[str, Any] = {"rows": 1, "prompt_tokens": 1, "output_tokens": 1, field: value}
    with pytest.raises(InputError, match=f"static memory: {field}: {value}"):
        StaticMemory(model=MODELS["gpt-j-6b"]).parts(**batch)
