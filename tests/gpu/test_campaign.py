"""`all`: where steps take what a law says, the simulation is right; it resumes, and says every figure."""

import json
import re
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from gpu_validate import all_command, compare_runs
from gpu_validate.analysis import analyse, calibrate
from gpu_validate.campaign import Runner
from gpu_validate.canary import Canary
from gpu_validate.cli import main
from gpu_validate.compare import KEYS
from gpu_validate.executor import Step, TorchExecutor
from gpu_validate.point import load_of
from gpu_validate.replay import Replay
from gpu_validate.stage import Plan
from gpu_validate.study import QUICK, Study, Workload, experiment_of, only
from gpu_validate.surface import Elapsed
from s3sim.core.batch import Batch
from s3sim.core.errors import InputError
from s3sim.report.rundir import read_run

LOAD = Workload(prompt=(2, 10), output_mean=10.0, max_length=48, capacity=240)
STUDIES = tuple(
    Study(name=f"{model}-tiny", model=model, size="tiny", workload=LOAD) for model in ("gpt-j-6b", "gpt-neox-20b")
)
STUDY = STUDIES[0]
SMALL = replace(
    QUICK, studies=STUDIES, systems=("orca", "s3", "vllm"), requests=40, calibration_requests=50, poisson_requests=30
)


def _lawful(own: Any) -> Any:
    """Every step takes what a law says, give or take 2%."""
    random = Random(1)

    def start(self: TorchExecutor, batch: Batch) -> Step:
        step: Step = own(self, batch)
        rows, chunks = batch.rows, len(batch.chunks)
        seconds = 1e-3 + 1e-4 * rows + 2e-6 * batch.decode_context + 3e-4 * chunks + 2e-5 * batch.prefill_tokens
        seconds *= random.gauss(1, 0.02)
        return step._replace(elapsed=Elapsed(seconds, seconds, seconds), relocating=Elapsed(0.0, 0.0, 0.0))

    return start


@pytest.fixture(name="folder", scope="module")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a campaign leaves where steps obey the law, and the canary never hears anything."""
    out = tmp_path_factory.mktemp("campaign")
    campaign, plan = replace(SMALL, studies=(STUDY,)), Plan(clock="canary")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TorchExecutor, "start", _lawful(TorchExecutor.start))
        patch.setattr(Canary, "_time", lambda self: 1e-3)
        Runner(campaign, plan, out, resume=False, say=lambda _: None, progress=lambda *_: None).run()
    return out / STUDY.name


def test_where_steps_obey_a_law_the_simulation_is_right(folder: Path) -> None:
    """From replays of another trace alone, nearly all targets are met, and none is missed by far."""
    result = analyse(STUDY, folder)
    judged = [entry for entry in result.comparisons if entry.status]
    assert {entry.scenario for entry in judged} == {"burst", "poisson"}
    assert sum(entry.status == "met" for entry in judged) >= 0.9 * len(judged)
    assert all(abs(entry.error) <= 1.5 * (entry.target or 0) for entry in judged if entry.status == "missed")
    assert all(abs(layout.held.bias) < 0.02 for layout in result.calibrations["burst"].layouts.values())
    assert set(result.calibrations["burst"].layouts) == {"slices", "blocks"}


def test_a_wrong_fit_is_noticed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Durations that are foretold a fifth too long miss their targets: the comparison can fail."""
    own = calibrate

    def slow(path: Path, scenario: str) -> Any:
        found = own(path, scenario)
        layouts = {
            name: replace(each, rows=tuple(row._replace(seconds=1.2 * row.seconds) for row in each.rows))
            for name, each in found.layouts.items()
        }
        return replace(found, layouts=layouts)

    monkeypatch.setattr("gpu_validate.analysis.calibrate", slow)
    missed = {entry.metric for entry in analyse(STUDY, folder).comparisons if entry.status == "missed"}
    assert {"whole_run_request_throughput", "duration_s", "whole_run_mean_e2el_ms"} <= missed


def test_the_fit_has_not_seen_what_it_is_held_against() -> None:
    """Calibration and target are other traces: no request of one has the lengths of its counterpart throughout."""

    def trace(scenario: str) -> Any:
        experiment = experiment_of(STUDY, scenario, requests=60, systems=("orca",))
        return load_of(experiment.points[0]).trace

    mine, other = trace("burst"), trace("calibration-burst")
    assert (mine.output_tokens != other.output_tokens).mean() > 0.5
    assert (trace("burst").output_tokens == mine.output_tokens).all()


def test_all_writes_a_page_of_every_figure_and_resumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The JSON has the agreed keys, the page every comparison; what is finished is not run again."""
    few = replace(SMALL, systems=("orca", "s3"), requests=12, calibration_requests=12, poisson_requests=12)
    monkeypatch.setattr(all_command, "QUICK", few)
    served, own = list[str](), Replay.run

    def counted(self: Replay) -> Any:
        served.append(self.replica.scheduler.name)
        return own(self)

    monkeypatch.setattr(Replay, "run", counted)
    out = tmp_path / "out"
    command = ["all", "--quick", "--models", "gpt-neox-20b", "--repeats", "1", "--out", str(out)]
    assert main(command) == 0
    assert len(served) == 2 * 2 * len(few.systems)  # scenarios, with a calibration each
    plain = json.loads((out / "cpu.json").read_text(encoding="utf-8"))
    assert plain["environment"]["torch"]
    assert plain["comparisons"]
    page = (out / "cpu.md").read_text(encoding="utf-8")
    for entry in plain["comparisons"] + plain["figures_without_target"]:
        assert tuple(entry) == KEYS
        assert re.search(rf"^\| {entry['scenario']} \| {entry['system']} \| {entry['metric']} \|", page, re.MULTILINE)
    assert {entry["status"] for entry in plain["comparisons"]} == {"not_measurable"}, "one repeat measures nothing"
    assert "**0 met, 0 missed" in page
    assert all((out / link).is_file() for link in re.findall(r"\]\((figures/[^)]+)\)", page))
    served.clear()
    assert main(command) == InputError.exit_code, "results are not overwritten unasked"
    assert main([*command, "--resume"]) == 0
    assert not served
    run = out / "gpt-neox-20b-tiny" / "burst-1"
    assert list(read_run(run).scenarios[0].rows["completed"]) == [12] * len(few.systems)
    compared = compare_runs(run, [out / "gpt-neox-20b-tiny" / f"burst-{turn}" for turn in (1, 1, 1)])
    assert compared
    assert not any(entry.error for entry in compared), "a run does not differ from itself"
    assert {entry.status for entry in compared} == {"met", None}
    with pytest.raises(InputError, match="shares no point"):
        compare_runs(run, [out / "gpt-neox-20b-tiny" / "poisson-1"])


def test_unknown_models_and_numbers_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One message, exit code 2."""
    assert main(["all", "--models", "gpt-2", "--out", str(tmp_path)]) == 2
    assert "unknown model 'gpt-2'" in capsys.readouterr().err
    assert main(["all", "--repeats", "0", "--out", str(tmp_path)]) == 2
    assert "give at least 1" in capsys.readouterr().err
    assert [study.model for study in only(QUICK, ("gpt-j-6b",)).studies] == ["gpt-j-6b"] * len(QUICK.studies[::2])
