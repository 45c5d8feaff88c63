"""Laws of reading measurements: units are understood or refused, with file and line; nothing vanishes."""

from pathlib import Path
from typing import Any

import pytest
from calibration_rows import COLUMNS, ROW, case, write

from s3sim.calibration.cases import case_of
from s3sim.calibration.check import check
from s3sim.calibration.names import find_device, find_family, find_model
from s3sim.calibration.rows import UNITS, read_rows
from s3sim.calibration.skips import Reason, Skip
from s3sim.core.errors import InputError


@pytest.mark.parametrize(("value", "unit"), [(12.0, "ms"), (0.012, "s"), (12000, "us"), (12000, "µs")])
def test_units_of_one_metric_agree(value: float, unit: str, tmp_path: Path) -> None:
    """The same duration in any unit is the same measurement, and has the same error."""
    (found,) = check([write(tmp_path, {"value": value, "unit": unit})]).rows
    (plain,) = check([write(tmp_path, {})]).rows
    assert found.row.measured == pytest.approx(0.012)
    assert found.error == pytest.approx(plain.error)


@pytest.mark.parametrize("metric", UNITS)
def test_a_unit_of_another_metric_is_refused(metric: str, tmp_path: Path) -> None:
    """A unit that does not fit its metric is an error that names file, line, unit and remedy."""
    wrong = "tok/s" if "latency" in metric or "interval" in metric else "ms"
    path = write(tmp_path, {}, {"metric": metric, "unit": wrong})
    with pytest.raises(InputError, match=rf"rows\.csv:3: unit '{wrong}' does not fit metric '{metric}'; give one of"):
        read_rows(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"value": "fast"}, "value is 'fast'; give a finite number above 0"),
        ({"value": "nan"}, "value is 'nan'"),
        ({"value": 0}, "value is '0'"),
        ({"value": -3}, "value is '-3'"),
        ({"batch": 1.5}, "batch is '1.5'; give a whole number of at least 1, or nothing"),
        ({"n_gpus": 0}, "n_gpus is '0'"),
        ({"input_len": "long"}, "input_len is 'long'"),
    ],
)
def test_faults_are_told_with_file_and_line(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    """A cell that cannot be used is an error with its file, line, value and remedy."""
    with pytest.raises(InputError, match=rf"rows\.csv:2: {message}"):
        read_rows(write(tmp_path, change))


def test_files_that_hold_no_measurements(tmp_path: Path) -> None:
    """Missing columns, broken rows and missing files are told, never guessed."""
    with pytest.raises(InputError, match=r"rows\.csv:1: columns missing: batch, unit; a file of measurements has"):
        read_rows(write(tmp_path, {}, columns=tuple(name for name in COLUMNS if name not in ("batch", "unit"))))
    path = write(tmp_path, {})
    path.write_text(path.read_text(encoding="utf-8") + "too,few\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"rows\.csv:3: the row has more or fewer cells"):
        read_rows(path)
    with pytest.raises(InputError, match="cannot be read as a CSV"):
        read_rows(tmp_path / "none.csv")


SKIPS: dict[Reason, dict[str, Any]] = {
    Reason.BEAM_SEARCH: {"note": "BEAM SEARCH width 4", "metric": "offline_samples_per_s"},
    Reason.UNKNOWN_METRIC: {"metric": "prefill_time"},
    Reason.NOT_COMPARABLE: {"n_gpus": 3},
    Reason.UNKNOWN_ENGINE: {"version": "FlexGen"},
    Reason.UNKNOWN_MODEL: {"model": "Mixtral-8x7B"},
    Reason.UNKNOWN_GPU: {"gpu": "unknown (T4-class)"},
    Reason.UNKNOWN_PRECISION: {"precision": "w4a16"},
    Reason.MISSING_LENGTHS: {"input_len": ""},
    Reason.DOES_NOT_FIT: {"model": "LLaMA-70B", "metric": "output_throughput_per_gpu_ifb_max", "unit": "tok/s"},
}


@pytest.mark.parametrize("reason", SKIPS)
def test_rows_are_skipped_for_one_reason(reason: Reason, tmp_path: Path) -> None:
    """Each row that cannot be foretold is kept, with one of the closed list of reasons and a detail."""
    found = check([write(tmp_path, {}, SKIPS[reason])])
    assert len(found.rows) == 1
    (skip,) = found.skipped
    assert skip.reason is reason
    assert skip.row.line == 3
    assert skip.detail


def test_the_reasons_are_closed() -> None:
    """All reasons are tested: those of a check above, the two others belong to fits."""
    assert set(Reason) - set(SKIPS) == {Reason.NOT_FITTED, Reason.TOO_FEW_ROWS}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("GPT-J-6B", "gpt-j-6b"),
        ("EleutherAI/gpt-j-6b", "gpt-j-6b"),
        ("GPT-NeoX-20B", "gpt-neox-20b"),
        ("LLaMA-7B", "llama-7b"),
        ("LLaMA2-7B", "llama-2-7b"),
        ("meta-llama/Llama-2-13b-hf", "llama-2-13b"),
        ("LLaMA v2 70B", "llama-2-70b"),
        ("Llama 3 8B", "llama-3-8b"),
        ("OPT-6.7B", "opt-6.7b"),
        ("Falcon-180B", "falcon-180b"),
        ("InternLM-20B", "internlm-20b"),
        ("bloom", "bloom-176b"),
        ("CodeLlama-7B", None),
        ("GPT-J2", None),
    ],
)
def test_aliases_of_models(text: str, name: str | None) -> None:
    """Names that publications use lead to the preset that they mean, and others to none."""
    found = find_model(text)
    assert (found and found.name) == name


def test_a_shape_in_the_name_is_read() -> None:
    """FasterTransformer's names carry the shape, its notes the vocabulary."""
    found = find_model("GPT-1.3B (24L,32x64,h2048)", note="vocab 50000, top_p")
    assert found is not None
    assert (found.name, found.layers, found.heads, found.head_dim, found.hidden) == ("gpt-1.3b", 24, 32, 64, 2048)
    assert (found.ffn, found.vocab) == (8192, 50000)


@pytest.mark.parametrize(
    ("text", "name"),
    [("A100-SXM4-80GB", "a100-80gb"), ("A100-80GB", "a100-80gb"), ("A100-SXM4-40GB", "a100-40gb"),
     ("H100-SXM-80GB", "h100-80gb"), ("H100-PCIe-80GB", "h100-pcie-80gb"), ("H200-SXM-141GB", "h200-141gb"),
     ("L40S", "l40s"), ("L4-24GB", "l4"), ("T4-16GB", "t4"), ("V100-SXM2-16GB", "v100-16gb"), ("GH200-96GB", None)],
)  # fmt: skip
def test_aliases_of_devices(text: str, name: str | None) -> None:
    """Names of devices lead to the preset that they mean, and others to none."""
    found = find_device(text)
    assert (found and found.name) == name


@pytest.mark.parametrize(
    ("version", "engine"),
    [("FT v5.3 (main df4a753)", "fastertransformer"), ("FasterTransformer (Triton)", "fastertransformer"),
     ("TensorRT-LLM 0.10.0", "tensorrt-llm"), ("LMDeploy 0.1.0a1 (TurboMind)", "lmdeploy"),
     ("HF transformers eager", "huggingface-eager"), ("vLLM 0.1.2", "vllm-early"), ("vLLM 0.6.0", None)],
)  # fmt: skip
def test_versions_belong_to_families(version: str, engine: str | None) -> None:
    """A version belongs to the family whose name it begins with, and others to none."""
    found = find_family(version)
    assert (found and found.engine) == engine


def test_steps_of_a_static_batch(tmp_path: Path) -> None:
    """Output − 1 steps follow a prefill; FasterTransformer's tables of other models than GPT-20B count one more."""
    batch = {"version": "FT v5.3", "metric": "e2e_latency", "output_len": 8}
    assert case(tmp_path, **batch, model="GPT-20B (44L,48x128,h6144)").decode_steps == 7
    assert case(tmp_path, **batch, model="GPT-6.7B (32L,32x128,h4096)").decode_steps == 8
    assert case(tmp_path, **batch | {"version": "TensorRT-LLM 0.5.0"}).decode_steps == 7


def test_a_reason_comes_from_the_first_rule_that_applies(tmp_path: Path) -> None:
    """A row with several faults is skipped once, by the order that case_of documents."""
    (row,) = read_rows(write(tmp_path, {"metric": "x", "note": "beam search", "model": "?"}))
    found = case_of(row)
    assert isinstance(found, Skip)
    assert found.reason is Reason.BEAM_SEARCH
    assert ROW["note"] == ""
