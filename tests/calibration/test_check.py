"""Laws of checks: the anchors hold, every row is counted, and what is foretold follows the model."""

import json
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from calibration_rows import PUBLISHED, ROW, case, write

from s3sim.calibration.anchors import ANCHORS
from s3sim.calibration.cases import Case, case_of
from s3sim.calibration.check import Check, check
from s3sim.calibration.predict import Constants, foretell, kv_capacity, roofline, rows_that_fit
from s3sim.calibration.rows import read_rows
from s3sim.calibration.serving import simulated_throughput_per_gpu
from s3sim.cli.main import main
from s3sim.core.batch import Batch

MEDIAN, P90 = 0.026, 0.074  # of the anchors, when the constants were last fitted
IFB = {"metric": "output_throughput_per_gpu_ifb_max", "unit": "tok/s/GPU", "batch": "", "value": 1000}


@pytest.fixture(name="anchors", scope="module")
def _anchors() -> Check:
    return check([ANCHORS])


def test_the_anchors_are_few_and_cited() -> None:
    """At most 80 figures, each with its source, of every metric but the simulated one."""
    rows = read_rows(ANCHORS)
    assert 70 <= len(rows) <= 80
    assert all(row.source for row in rows)
    assert len({row.metric for row in rows}) == 9
    assert len({(row.version, row.model, row.gpu, row.n_gpus, row.batch, row.input_len, row.output_len, row.metric)
                for row in rows}) == len(rows)  # fmt: skip


def test_the_anchors_hold(anchors: Check) -> None:
    """The shipped constants meet the anchors as they did when they were fitted."""
    found = anchors.to_json()
    assert found["median_abs_error"] == pytest.approx(MEDIAN, abs=0.003)
    assert found["p90_abs_error"] == pytest.approx(P90, abs=0.006)
    assert max(abs(row["error"]) for row in found["rows"]) < 0.2
    assert found["yes_or_no"] == {"rows": 2, "right": 2}


def test_every_row_is_foretold_or_skipped(anchors: Check) -> None:
    """Rows and skips together are the rows of the file, each once, and coverage is their share."""
    lines = [entry.row.line for entry in anchors.rows] + [skip.row.line for skip in anchors.skipped]
    assert sorted(lines) == [row.line for row in read_rows(ANCHORS)]
    assert anchors.coverage == pytest.approx(len(anchors.rows) / len(lines))
    assert anchors.to_json()["skipped_by_reason"] == {"beam_search": 1}


def test_published_rows_hold() -> None:
    """All published rows of the fitted engines: 5% median and 15% p90 of each metric but the first token's 20%."""
    paths = [PUBLISHED / f"{name}.csv" for name in ("fastertransformer_a100", "tensorrt_llm_static", "lmdeploy_a100")]
    if not all(path.is_file() for path in paths):
        pytest.skip("no published measurements (shared/published) beside this checkout")
    found = check(paths)
    assert len(found.rows) > 350
    assert set(found.to_json()["skipped_by_reason"]) <= {"unknown_metric"}
    for metric, errors in found.to_json()["by_metric"].items():
        assert errors["median_abs_error"] <= (0.08 if metric == "first_token_latency" else 0.05)
        assert errors["p90_abs_error"] <= (0.20 if "first_token" in metric else 0.15)


def value(found: Case) -> float:
    """What the shipped constants foretell of a case."""
    return foretell(found, Constants(), roofline(found, Constants()))


def test_a_static_batch_is_its_prefill_and_its_steps(tmp_path: Path) -> None:
    """Latency less the first token's is that of the decode steps, summed one by one; throughput is its inverse."""
    shape = {"batch": 4, "input_len": 100, "output_len": 9}
    whole = case(tmp_path, **shape, metric="e2e_latency")
    latency = roofline(whole, Constants())
    steps = [latency.affine(Batch(0, [], [], [], [], 4, 4 * (101 + step))).first for step in range(8)]
    first = value(case(tmp_path, **shape))
    assert value(whole) == pytest.approx(first + sum(steps) / 1e12, rel=1e-12)
    per_gpu = case(tmp_path, **shape, metric="output_throughput_per_gpu", unit="tok/s")
    assert value(per_gpu) == pytest.approx(36 / value(whole))
    both = case(tmp_path, **shape, metric="output_throughput", unit="tok/s", n_gpus=2)
    each = case(tmp_path, **shape, metric="output_throughput_per_gpu", unit="tok/s", n_gpus=2)
    assert value(both) == pytest.approx(2 * value(each))


def test_turbomind_decodes_the_last_prompt_token(tmp_path: Path) -> None:
    """A prompt of one token needs no prefill: its first token takes one decode step, others a prefill besides."""
    loop = {"version": "LMDeploy 0.1.0a1", "model": "LLaMA2-7B", "metric": "first_token_latency_min"}
    one = value(case(tmp_path, **loop, input_len=1))
    step = value(case(tmp_path, **loop | {"metric": "token_interval_p50"}, input_len=1, output_len=1))
    assert one == pytest.approx(step, rel=1e-3)
    assert value(case(tmp_path, **loop, input_len=2)) > 1.5 * one


def test_turbomind_decodes_as_often_as_it_emits(tmp_path: Path) -> None:
    """A static batch of it takes the whole batch's first token, and a decode step for each further one."""
    batch = {"version": "LMDeploy 0.1.0a1", "model": "LLaMA2-7B", "batch": 8, "input_len": 300}
    first = value(case(tmp_path, **batch, metric="first_token_latency"))
    steps = [value(case(tmp_path, **batch, metric="e2e_latency", output_len=output)) for output in (1, 2, 3)]
    assert steps[0] == pytest.approx(first, rel=1e-12)
    assert 0 < steps[1] - steps[0] <= steps[2] - steps[1] < 0.1 * first


def test_a_loop_runs_what_fits(tmp_path: Path) -> None:
    """Clients beyond what KV holds wait: more of them do not raise a loop's throughput."""
    loop = {"version": "LMDeploy 0.1.0a1", "model": "LLaMA2-7B", "metric": "output_throughput", "unit": "tok/s"}
    shape = {"input_len": 2048, "output_len": 2048}
    cases = [case(tmp_path, **loop, **shape, batch=batch) for batch in (8, 32, 64, 128)]
    assert [rows_that_fit(entry) for entry in cases[:2]] == [8, 32]
    assert rows_that_fit(cases[2]) == rows_that_fit(cases[3]) < 64
    rates = [value(entry) for entry in cases]
    assert rates[0] < rates[1] < rates[2] == rates[3]


@pytest.mark.parametrize(("prompt", "output"), [(128, 128), (128, 2048), (2048, 128), (2048, 2048)])
@pytest.mark.parametrize(("gpu", "precision", "gpus"), [("A100-SXM4-80GB", "fp16", 1), ("H100-SXM-80GB", "fp8", 2)])
def test_in_flight_batching_stays_within_the_roofline(
    prompt: int, output: int, gpu: str, precision: str, gpus: int, tmp_path: Path
) -> None:
    """Simulated throughput is below decode alone of as many as fit, and above half of a static batch's."""
    shape = {"gpu": gpu, "precision": precision, "n_gpus": gpus, "input_len": prompt, "output_len": output}
    found = case(tmp_path, **IFB, **shape)
    rate = simulated_throughput_per_gpu(found, Constants())
    rows = kv_capacity(found) // (prompt + output)
    step = roofline(found, Constants()).affine(Batch(0, [], [], [], [], rows, rows * (prompt + output // 2))).first
    assert rate < rows / step * 1e12 / gpus
    batch = {"metric": "output_throughput_per_gpu", "unit": "tok/s", "batch": rows}
    static = value(case(tmp_path, **shape, **batch))
    assert 0.5 * static < rate < 1.3 * static


def test_more_memory_serves_more(tmp_path: Path) -> None:
    """In-flight throughput grows with the room for KV, other things being equal."""
    rates = [
        simulated_throughput_per_gpu(case(tmp_path, **IFB, input_len=512, output_len=512, gpu=gpu), Constants())
        for gpu in ("A100-SXM4-40GB", "A100-SXM4-80GB", "H200-SXM-141GB")
    ]
    assert all(less < more for less, more in pairwise(rates))


def test_simulated_rows_are_checked(tmp_path: Path) -> None:
    """A row of in-flight batching needs no batch, and is foretold in its own unit; a batch is the most at once."""
    (entry,) = check([write(tmp_path, IFB | {"output_len": 128})]).rows
    assert entry.error == pytest.approx(entry.predicted / 1000 - 1)
    assert 4000 < entry.predicted < 8000
    (capped,) = check([write(tmp_path, IFB | {"output_len": 128, "batch": 64})]).rows
    assert capped.predicted < 0.7 * entry.predicted


def test_out_of_memory_is_right_or_wrong(tmp_path: Path) -> None:
    """A verdict has no percentage: it is told, and left out of median and p90."""
    oom = {"metric": "oom", "unit": "bool", "value": 1, "output_len": 200, "input_len": 80}
    ft = {"version": "FT v5.3", "model": "GPT-20B (44L,48x128,h6144)"}
    found = check([write(tmp_path, {}, oom | ft | {"batch": 128}, oom | ft | {"batch": 8}, oom | {"batch": 9000})])
    assert [entry.predicted for entry in found.rows[1:]] == [1.0, 0.0, 1.0]
    assert found.to_json()["yes_or_no"] == {"rows": 3, "right": 2}
    assert len(found.errors) == 1


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    """The command line in this process."""
    monkeypatch.setattr(sys, "argv", ["s3sim", "calibrate", *arguments])
    main()


def test_the_command_prints_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """--check --json has rows with predicted, measured and error, both percentiles, and what was skipped."""
    with pytest.raises(SystemExit) as ending:
        run(monkeypatch, "--check", "--json")
    assert not ending.value.code
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert {"rows", "median_abs_error", "p90_abs_error", "skipped", "coverage"} <= set(found)
    for row in found["rows"]:
        expected = row["predicted"] - 1 if row["metric"] == "oom" else row["predicted"] / row["measured"] - 1
        assert row["error"] == pytest.approx(expected)
    assert found["skipped"][0]["reason"] == "beam_search"


def test_the_command_prints_tables(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Without --json each row stands in a table, in its own unit, and skips are counted by reason."""
    with pytest.raises(SystemExit):
        run(monkeypatch, "--check", str(write(tmp_path, {}, {"model": "?"})))
    printed = capsys.readouterr().out
    assert "rows.csv:2" in printed
    assert "13.77" in printed
    assert "unknown_model" in printed


def test_a_bad_file_ends_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """An error has file and line, and exit code 2."""
    with pytest.raises(SystemExit) as ending:
        run(monkeypatch, "--check", str(write(tmp_path, ROW, {"unit": "tok/s"})))
    assert ending.value.code == 2
    assert "rows.csv:3: unit 'tok/s'" in capsys.readouterr().err


def test_all_anchors_are_cases_or_skips() -> None:
    """Reading an anchor never raises: each is a case of a known engine, or a skip."""
    for row in read_rows(ANCHORS):
        found = case_of(row)
        assert not isinstance(found, Case) or found.family.engine in Constants().engines
