"""`gpu-validate steps`: what is foretold stands first, what is measured is kept, and what is not is said."""

import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from weakref import ref

import pytest
import torch

from gpu_validate.cli import main
from gpu_validate.device import Cpu
from gpu_validate.steps import measuring, work
from gpu_validate.steps.cases import BATCHES, FULL, MIXED, OWN_READS, Case, Grid, cases_of
from gpu_validate.steps.forecast import IDEAL, NEEDED_RATIO, case_seconds, preset_of, ratios
from gpu_validate.steps.measuring import Budget, Measuring
from gpu_validate.steps.network import Decode
from gpu_validate.steps.page import page_text
from gpu_validate.steps.record import Finding, Record
from gpu_validate.surface import Replay
from s3sim.core.batch import Batch
from s3sim.hardware import DEVICES, EngineSpec, Profile, presets

ROOT = Path(__file__).parents[2]
ABSENT = (
    *("simpy", "pydantic", "pandas", "pyarrow", "matplotlib", "joblib", "typer", "rich", "scipy", "bokeh", "jinja2"),
    *("sklearn", "aiohttp"),
)
SMALL = Grid(rows=BATCHES, prompts=(4, 8), slots=(2, 4), link_bytes=(2**20,), repeats=2, steps=1)
PLAIN = "steps-cpu.json"
PAGE = "steps-cpu.md"


def _steps(*arguments: Any) -> int:
    return main(["steps", *map(str, arguments)])


def _plain(folder: Path) -> Any:
    return json.loads((folder / PLAIN).read_text(encoding="utf-8"))


def _statuses(folder: Path) -> Counter[str]:
    return Counter(entry["status"] for entry in _plain(folder)["findings"])


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quick grid that takes a second."""
    monkeypatch.setattr(work, "QUICK", SMALL)


def _failing(monkeypatch: pytest.MonkeyPatch, wrong: Callable[[Case], bool], error: BaseException) -> None:
    own = measuring.sample_of

    def sample_of(case: Case, *rest: Any) -> Callable[[], float]:
        if wrong(case):
            raise error
        return own(case, *rest)

    monkeypatch.setattr(measuring, "sample_of", sample_of)


@pytest.mark.usefixtures("small")
def test_a_quick_run_writes_page_samples_and_profiles_that_load(tmp_path: Path) -> None:
    """Every case is measured as often as asked; each model's table is one that `latency: profile` reads."""
    assert _steps("--quick", "--out", tmp_path) == 0
    plain = _plain(tmp_path)
    assert plain["state"] == "finished"
    assert set(_statuses(tmp_path)) == {"measured"}
    for entry in plain["findings"]:
        assert len(entry["seconds"]) == SMALL.repeats
        assert 0 < entry["least_s"] <= entry["median_s"] <= entry["most_s"]
    for model in ("gpt-neox-20b", "gpt-j-6b"):
        assert plain["memory"][model]["kv_slots"] > 0
        profile = Profile.load(tmp_path / f"steps-cpu-{model}-eager.csv")
        found = {row["case"]["rows"]: row for row in plain["findings"] if row["case"]["span"] == list(MIXED)}
        assert set(found) == set(BATCHES)
        mine = [row for row in plain["findings"] if (row["case"]["model"], row["case"]["rows"]) == (model, 17)]
        (median,) = (row["median_s"] for row in mine if tuple(row["case"]["span"]) == MIXED)
        slots = found[17]["case"]["read_slots"]
        step = profile.affine(Batch(0, [], [], [], [], 17, slots))
        # a table never falls with the slots: a shorter context that was measured slower lifts what is longer
        assert median * (1 - 1e-6) <= step.first / 1e12 <= max(row["median_s"] for row in mine) * (1 + 1e-6)
        assert profile.affine(Batch(0, [], [], [], [], 17, slots, relocated_tokens=3)).first > step.first
    text = (tmp_path / PAGE).read_text(encoding="utf-8")
    assert "tests the model, not the paper's number" in text
    assert "no CUDA graphs" in text
    assert "What was not measured" not in text


@pytest.mark.usefixtures("small")
def test_the_forecast_is_written_before_anything_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the first case begins, page and JSON hold the ratios, and no sample."""
    seen: list[Any] = []

    def look(case: Case) -> bool:
        seen.append((_plain(tmp_path), (tmp_path / PAGE).read_text(encoding="utf-8")))
        return True

    _failing(monkeypatch, look, KeyboardInterrupt())
    assert _steps("--quick", "--out", tmp_path) == 1
    ((plain, page),) = seen
    assert [entry["engine"] for entry in plain["foretold_ratios"][:4]] == ["fastertransformer"] * 2 + ["ideal"] * 2
    assert not [entry for entry in plain["findings"] if entry["seconds"]]
    assert "| a100-80gb | gpt-neox-20b | fastertransformer | own | 29.645 | 49.077 | 1.66 |" in page
    assert "nothing was measured" in page


def test_no_time_measures_nothing_and_says_so(tmp_path: Path) -> None:
    """A page all the same, with the forecast."""
    assert _steps("--budget-s", "0", "--out", tmp_path) == 0
    assert set(_statuses(tmp_path)) == {"not reached"}
    assert _plain(tmp_path)["state"] == "out of time"
    text = (tmp_path / PAGE).read_text(encoding="utf-8")
    assert "**nothing was measured.**" in text
    assert "**Not measured.**" in text
    assert "| gpt-neox-20b decode, 150 rows, contexts 60-100, eager | not reached |" in text
    assert {path.name for path in tmp_path.iterdir()} == {PLAIN, PAGE}


@pytest.mark.parametrize(
    "error",
    [torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB"), MemoryError()],
    ids=["gpu", "host"],
)
@pytest.mark.usefixtures("small")
def test_a_case_without_memory_is_recorded_and_the_next_begins(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One case is out of memory; all others are measured, and the run has not failed."""
    _failing(monkeypatch, lambda case: case.rows == 150 and case.span == MIXED and "neox" in case.model, error)
    assert _steps("--quick", "--out", tmp_path) == 0
    statuses = _statuses(tmp_path)
    assert statuses["out of memory"] == 1
    assert statuses["measured"] == statuses.total() - 1
    assert "| gpt-neox-20b decode, 150 rows, contexts 60-100, eager | out of memory |" in (tmp_path / PAGE).read_text(
        encoding="utf-8"
    )


@pytest.mark.usefixtures("small")
def test_another_fault_is_recorded_and_the_run_has_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What torch refuses is no end of the others, and exit code 1."""
    _failing(monkeypatch, lambda case: case.kind == "prefill", RuntimeError("not permitted when stream is capturing"))
    assert _steps("--quick", "--out", tmp_path) == 1
    assert "4 cases failed, the first with: not permitted" in capsys.readouterr().err
    assert _statuses(tmp_path)["failed"] == 4
    text = (tmp_path / PAGE).read_text(encoding="utf-8")
    assert "not written" in text, "a profile without prefill cannot be loaded"
    assert not list(tmp_path.glob("*.csv"))


@pytest.mark.usefixtures("small")
def test_a_model_that_does_not_fit_leaves_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All cases of the model say that its weights had no room; the link and the other model are measured."""
    own = measuring.draw_network

    def draw(spec: Any, **rest: Any) -> Any:
        if "neox" in spec.name:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return own(spec, **rest)

    monkeypatch.setattr(measuring, "draw_network", draw)
    assert _steps("--quick", "--out", tmp_path) == 0
    for entry in _plain(tmp_path)["findings"]:
        without = "neox" in entry["case"]["model"]
        assert entry["status"] == ("out of memory" if without else "measured")
        assert entry["why"] == ("the weights: CUDA out of memory" if without else "")


class Graphs(Cpu):
    """A processor that captures as CUDA does: it runs the work to warm up, and hands it out as a replay."""

    graphs = True

    def captured(self, work: Callable[[], None]) -> Replay:
        """Nothing is spared."""
        work()
        return Replay(work, work)


@pytest.mark.usefixtures("small")
def test_steps_are_measured_under_graphs_and_beside_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a device has graphs, each step is measured both ways, and each way gives a profile."""
    monkeypatch.setattr(work, "find_device", lambda _: Graphs())
    assert _steps("--quick", "--out", tmp_path) == 0
    launches = Counter(
        entry["case"]["launch"]
        for entry in _plain(tmp_path)["findings"]
        if entry["case"]["kind"] in ("decode", "prefill")
    )
    assert launches["graph"] == launches["eager"] > 0
    for launch in launches:
        assert Profile.load(tmp_path / f"steps-cpu-gpt-neox-20b-{launch}.csv")


def test_a_case_makes_room_for_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a step is made, the KV caches of all before it are gone, whether they were measured or failed."""
    made: list[ref[Decode]] = []

    class Watched(Decode):
        def __init__(self, *rest: Any) -> None:
            assert not [entry for entry in made if entry() is not None]
            super().__init__(*rest)
            made.append(ref(self))

        def __call__(self) -> None:
            if len(made) == 2:
                raise torch.OutOfMemoryError("CUDA out of memory")
            super().__call__()

    monkeypatch.setattr(measuring, "Decode", Watched)
    record = _recorded(tmp_path)
    _measured(record, Graphs(), Budget(600))
    statuses = [finding.status for finding in record.findings]
    assert statuses[:3] == ["measured", "out of memory", "measured"]
    assert len(made) > 3


def test_a_device_that_is_lost_ends_in_a_page(tmp_path: Path) -> None:
    """Where even giving memory back fails, every case says so and none is an end of the run."""

    class Lost(Cpu):
        def release(self) -> None:
            """As after an illegal address."""
            raise RuntimeError("CUDA error: an illegal memory access was encountered")

    record = _recorded(tmp_path)
    _measured(record, Lost(), Budget(600))
    assert {finding.status for finding in record.findings} == {"failed"}
    assert "illegal memory access" in page_text(record, {})


def test_what_does_not_fit_is_not_tried(tmp_path: Path) -> None:
    """A KV cache larger than what is free is skipped, with both sizes."""

    class Full(Cpu):
        def memory(self) -> Any:
            return super().memory()._replace(free=0)

    record, device = _recorded(tmp_path), Full()
    _measured(record, device, Budget(600))
    assert {finding.status for finding in record.findings} == {"does not fit"}
    assert re.fullmatch(r"needs 0\.\d\d GB, 0\.00 GB are free", record.findings[0].why)


def test_the_budget_ends_a_case_between_repeats(tmp_path: Path) -> None:
    """Time that runs out in the middle of a case leaves its samples, cut short, and later cases unreached."""
    record = _recorded(tmp_path)
    times = iter([0.0] * 8 + [100.0] * 1000)
    _measured(record, Cpu(), Budget(50, now=lambda: next(times)), repeats=1000)
    assert [finding.status for finding in record.findings][:2] == ["cut short", "not reached"]
    assert 0 < len(record.findings[0].seconds) < 1000
    assert "| cut short |" in page_text(record, {})


def _recorded(folder: Path) -> Record:
    cases = cases_of(["gpt-j-6b"], SMALL, graphs=False)
    return Record(
        folder=folder,
        name="cpu",
        environment=dict.fromkeys(("command", "machine", "torch", "transformers", "python", "date"), "x")
        | {"device": "cpu"},
        settings={"size": "tiny", "dtype": "fp32", "repeats": 2, "steps": 1, "budget_s": 1.0},
        preset=None,
        ratios=(),
        findings=[Finding(case=case, foretold_s=None) for case in cases],
    )


def _measured(record: Record, device: Cpu, budget: Budget, repeats: int = 2) -> None:
    models = {"gpt-j-6b": work.sized(presets.model("gpt-j-6b"), "tiny")}
    Measuring(
        record, device, models, dtype=torch.float32, repeats=repeats, steps=1, budget=budget, keep=lambda: None
    ).run()


def _stopped(folder: Path, sent: int) -> tuple[int, str]:
    """A run that gets a signal once three cases are told: its exit code, and what else it said."""
    command = [sys.executable, "-m", "gpu_validate", "steps", "--repeats", "200", "--out", str(folder)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stderr is not None
        told = 0
        for line in process.stderr:
            told += " ms (" in line
            if told == 3:
                process.send_signal(sent)
                break
        rest = process.stderr.read()
        return process.wait(60), rest


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminated"])
def test_a_stopped_run_keeps_what_it_had(sent: int, tmp_path: Path) -> None:
    """It ends with exit code 1 and one word, and the three cases are in JSON and page."""
    code, rest = _stopped(tmp_path, sent)
    assert code == 1
    assert rest.endswith("interrupted\n")
    assert "Traceback" not in rest
    statuses = _statuses(tmp_path)
    assert statuses["measured"] >= 3
    assert statuses["not reached"] > 3
    assert _plain(tmp_path)["state"] == "interrupted"
    assert "**Interrupted**" in (tmp_path / PAGE).read_text(encoding="utf-8")


def test_a_killed_run_keeps_all_but_its_last_case(tmp_path: Path) -> None:
    """Whole files with what was told before: they are written anew after each case."""
    assert _stopped(tmp_path, signal.SIGKILL)[0] == -signal.SIGKILL
    assert _statuses(tmp_path)["measured"] >= 2
    assert "contexts 60-100, eager |" in (tmp_path / PAGE).read_text(encoding="utf-8")


def test_a_bare_checkout_suffices(tmp_path: Path) -> None:
    """`python -m gpu_validate steps` from the root: nothing but torch, transformers and numpy, no installed package."""
    blocker = tmp_path / "sitecustomize.py"
    blocker.write_text(f"import sys\nsys.modules |= dict.fromkeys({ABSENT!r})\n", encoding="utf-8")
    out = tmp_path / "out"
    command = [sys.executable, "-m", "gpu_validate", "steps", "--quick", "--models", "gpt-j-6b", "--out", str(out)]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    check = [sys.executable, "-c", "import simpy"]
    assert subprocess.run(check, env=environment, capture_output=True, check=False).returncode, "it can fail"
    subprocess.run(command, env=environment, check=True, timeout=120, cwd=ROOT, capture_output=True)
    assert set(_statuses(out)) == {"measured"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--budget-s", "-1"], "--budget-s -1: give a number"),
        (["--budget-s", "nan"], "--budget-s nan: give a number"),
        (["--budget-s", "inf"], "--budget-s inf: give a number"),
        (["--repeats", "0"], "--repeats 0: give at least 1"),
        (["--preset", "h300"], "unknown device 'h300'"),
        (["--device", "cuda"], "sees no CUDA device"),
    ],
)
def test_bad_options_are_said(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One message, exit code 2, and nothing is written."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert _steps(*arguments, "--out", tmp_path / "out") == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("arguments", [["--models", "gpt-2"], ["--budget-s", "soon"], ["--model-size", "vast"]])
def test_options_that_are_no_choice_end_in_exit_code_2(arguments: list[str]) -> None:
    """argparse says them."""
    with pytest.raises(SystemExit) as ending:
        _steps(*arguments)
    assert ending.value.code == 2


def test_results_are_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A second run wants a folder of its own: what was measured once may not come again."""
    assert _steps("--budget-s", "0", "--out", tmp_path) == 0
    before = (tmp_path / PLAIN).read_bytes()
    assert _steps("--budget-s", "0", "--out", tmp_path) == 2
    assert "holds steps-cpu.json of another run" in capsys.readouterr().err
    assert (tmp_path / PLAIN).read_bytes() == before


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file in its place: exit code 1, one message."""
    (tmp_path / "file").write_text("x", encoding="utf-8")
    assert _steps("--budget-s", "0", "--out", tmp_path / "file" / "out") == 1
    assert "cannot be written" in capsys.readouterr().err


def test_the_most_important_cases_come_first() -> None:
    """GPT-NeoX at 17 and 150 rows under graphs, mixed contexts, then even ones; all sizes asked for are there."""
    cases = cases_of(["gpt-neox-20b", "gpt-j-6b"], FULL, graphs=True)
    first = [(case.model, case.launch, case.rows, case.span) for case in cases[:4]]
    expected = [(rows, span) for span in (MIXED, OWN_READS) for rows in BATCHES]
    assert first == [("gpt-neox-20b", "graph", *rest) for rest in expected]
    assert len(set(cases)) == len(cases)
    for model in ("gpt-neox-20b", "gpt-j-6b"):
        for launch in ("graph", "eager"):
            found = [case for case in cases if (case.model, case.launch) == (model, launch)]
            decodes = {(case.rows, case.span) for case in found if case.kind == "decode"}
            assert decodes >= {(rows, span) for rows in (1, 17, 64, 150, 256) for span in (MIXED, (500, 500))}
            assert {case.size for case in found if case.kind == "prefill"} == {128, 256, 512, 1024, 2048}
    assert not [case for case in cases_of(["gpt-j-6b"], FULL, graphs=False) if case.launch == "graph"]


@pytest.mark.parametrize("rows", [1, 17, 64, 150, 256])
def test_mixed_contexts_are_those_of_the_paper_in_the_mean(rows: int) -> None:
    """From 60 to 100, 80 on average; a row without padding reads as much as they do by themselves."""
    mixed = Case(kind="decode", launch="eager", model="m", rows=rows, span=MIXED)
    even = Case(kind="decode", launch="eager", model="m", rows=rows, span=OWN_READS)
    assert sum(mixed.contexts) == pytest.approx(even.read_slots, abs=rows / 2)
    assert even.width == 81
    if rows > 1:
        assert (min(mixed.contexts), max(mixed.contexts)) == MIXED
    assert mixed.width % 8 == 0
    assert mixed.width > max(mixed.contexts)


def test_the_ratio_is_the_rooflines_own() -> None:
    """On an A100 1.66 for what each row reads by itself and 1.71 padded; the paper's gain needs 1.36."""
    found = {(entry.engine, entry.reads): entry.ratio for entry in ratios(presets.model("gpt-neox-20b"), "a100-80gb")}
    assert found["fastertransformer", "own"] == pytest.approx(1.656, abs=5e-4)
    assert found["fastertransformer", "padded"] == pytest.approx(1.709, abs=5e-4)
    assert pytest.approx(1.36, abs=5e-3) == NEEDED_RATIO
    assert found["ideal", "own"] < NEEDED_RATIO < found["fastertransformer", "own"]


def test_an_ideal_engine_reads_weights_and_kv_at_the_nominal_bandwidth() -> None:
    """By hand for a decode step of 17 rows: (weights that are read + 17 · 80 slots) over bandwidth."""
    assert isinstance(IDEAL, EngineSpec)
    model, device = presets.model("gpt-neox-20b"), presets.device("a100-80gb")
    entry = next(e for e in ratios(model, "a100-80gb") if (e.engine, e.reads) == ("ideal", "own"))
    read = model.streamed_weight_bytes + 17 * 80 * model.kv_bytes_per_token
    assert entry.small_s == pytest.approx(read / device.memory_bandwidth, rel=1e-3)


def test_links_are_foretold_by_their_published_bandwidth() -> None:
    """Latency and bytes over bandwidth; a relocation has no formula of its own here."""
    device = presets.device("a100-80gb")
    case = Case(kind="to_host", launch="copy", size=10**9)
    assert case_seconds(case, None, device) == device.link.latency + 10**9 / device.link.to_host_bandwidth
    model = presets.model("gpt-j-6b")
    assert case_seconds(Case(kind="relocation", launch="copy", model="gpt-j-6b", size=9), model, device) is None
    prefill = Case(kind="prefill", launch="graph", model="gpt-j-6b", size=2048)
    told, least = case_seconds(prefill, model, device), 2 * 5.8e9 * 2048 / device.fp16_flops  # layers, at the peak
    assert told is not None
    assert 1.1 * least < told < 3 * least


@pytest.mark.parametrize(
    ("name", "preset"),
    [
        ("NVIDIA A100-SXM4-80GB", "a100-80gb"),
        ("NVIDIA A100 80GB PCIe", "a100-pcie-80gb"),
        ("NVIDIA A100-SXM4-40GB", "a100-40gb"),
        ("NVIDIA H100 80GB HBM3", "h100-80gb"),
        ("NVIDIA H200", "h200-141gb"),
        ("Tesla T4", "t4"),
        ("NVIDIA A100-SXM4-80GB MIG 3g.40gb", None),
        ("NVIDIA A10G", None),
        ("NVIDIA H100 NVL", None),
        ("NVIDIA B200", None),
    ],
)
def test_a_device_is_known_by_its_whole_name(name: str, preset: str | None) -> None:
    """Nothing is foretold for a part of a device, nor for one that is like another."""
    assert preset_of(name) == preset
    assert preset is None or preset in DEVICES


@pytest.mark.parametrize(
    ("preset", "factor", "wanted"),
    [
        ("a100-80gb", 1.3, "The paper's number is possible by this step"),
        ("a100-80gb", 1.7, "The paper's number is not reached with this step"),
        ("h200-141gb", 1.3, "tests the model, not the paper's number**: this device is not an A100"),
    ],
)
def test_the_page_says_what_its_ratio_means(preset: str, factor: float, wanted: str, tmp_path: Path) -> None:
    """On an A100 it speaks of the paper; on another device of the roofline alone."""
    record = _recorded(tmp_path)
    record.preset = preset
    record.environment = {**record.environment, "device": "cuda"}
    record.settings = {**record.settings, "size": "own", "dtype": "fp16"}
    for rows, seconds in ((17, [1.0, 1.1, 0.9]), (150, [factor, factor * 1.1, factor * 0.9])):
        case = Case(kind="decode", launch="graph", model="gpt-neox-20b", rows=rows, span=OWN_READS)
        record.findings.append(Finding(case=case, foretold_s=float(rows), status="measured", seconds=seconds))
    text = page_text(record, {})
    assert wanted in text
    least, most = factor * 0.9 / 1.1, factor * 1.1 / 0.9
    row = f"| gpt-neox-20b | graph | 80 each, no padding | {factor:.2f} | {least:.2f} | {most:.2f} | 8.82 |"
    assert row in text
