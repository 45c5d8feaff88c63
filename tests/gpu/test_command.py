"""`gpu-validate replay`: the simulator's run directory, resumable, on a machine with little installed."""

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gpu_validate import stage
from gpu_validate.cli import main
from gpu_validate.command_line import told_command
from gpu_validate.model import LoadedModel, random_model
from gpu_validate.replay import Replay
from s3sim.core.errors import InputError
from s3sim.experiment.resolved import Point
from s3sim.experiment.schema import load_experiment
from s3sim.report.rundir import read_run
from s3sim.sim.simulate import simulate_point

SYSTEMS = ("orca", "s3", "vllm")
EXPERIMENT: dict[str, Any] = {
    "version": 1,
    "name": "small",
    "model": "gpt-j-6b",
    "device": "a100-80gb",
    "max_length": 48,
    "memory": {"kv_capacity_tokens": 120},
    "workload": {
        "kind": "lengths",
        "requests": 8,
        "prompt": {"kind": "uniform", "low": 2, "high": 9},
        "output": {"kind": "uniform", "low": 2, "high": 12},
    },
    "predictor": {"kind": "constant", "tokens": 4},
    "systems": list(SYSTEMS),
}
ABSENT = ("simpy", "pydantic", "pandas", "pyarrow", "matplotlib", "joblib")  # on a GPU machine


def _write(folder: Path, **changes: Any) -> Path:
    path = folder / "small.yaml"
    path.write_text(json.dumps(EXPERIMENT | changes), encoding="utf-8")  # JSON is YAML
    return path


def _replay(*arguments: Any) -> int:
    return main(["replay", *map(str, arguments)])


def _manifest(folder: Path) -> Any:
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


def test_a_replay_writes_the_run_directory_of_a_simulation(tmp_path: Path) -> None:
    """The report reads it; each step has raw processor time, wall time and time by the canary."""
    out = tmp_path / "run"
    assert _replay(_write(tmp_path), "--out", out) == 0
    assert _manifest(out)["replay"]["status"] == "finished"
    files = read_run(out)
    (scenario,) = files.scenarios
    assert list(scenario.rows["system"]) == list(SYSTEMS)
    assert list(scenario.rows["completed"]) == [8] * len(SYSTEMS)
    for name in scenario.rows["point"]:
        assert (files.requests(name, ["status"])["status"] == "finished").all()
        folder = out / "points" / name
        times, steps = (pd.read_parquet(folder / f"{table}.parquet") for table in ("steps_time", "steps"))
        assert (times["start_ps"] == steps["start_ps"]).all()
        assert (times["duration_ps"] == steps["first_ps"]).all()
        for column in ("cpu_s", "wall_s", "device_s", "normalised_s", "kv_bytes"):
            assert (times[column] > 0).all()
        assert abs(2 * times["canary_s"].notna().sum() - len(times)) <= 1, "it is run every second step"
        about = json.loads((folder / "replay.json").read_text(encoding="utf-8"))
        assert about["model"]["family"] == "gptj"
        assert about["kv_peak_bytes"] == times["kv_bytes"].max()


def test_a_replayed_point_serves_what_the_simulated_one_does(tmp_path: Path) -> None:
    """Requests, predictions and limits of a replay are those of the simulation of the same point."""
    out = tmp_path / "run"
    path = _write(tmp_path)
    assert _replay(path, "--out", out) == 0
    for point in load_experiment(path).points:
        frame = pd.read_parquet(out / "points" / point.directory / "events.parquet")
        simulated = sorted(row[1:5] for row in simulate_point(point).log.event_rows() if row[1] in (2, 3, 4))
        replayed = frame.loc[frame["event"].isin((2, 3, 4)), ["event", "id", "tokens", "detail"]]
        assert simulated == sorted(map(tuple, replayed.to_numpy().tolist()))


def test_a_replay_that_is_cut_short_is_partial_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Finished points stay, the manifest says why it stopped, and --resume runs the rest and no more."""
    out, path, own, served = tmp_path / "run", _write(tmp_path), Replay.run, list[str]()

    def until_vllm(self: Replay) -> Any:
        served.append(self.replica.scheduler.name)
        if len(served) == len(SYSTEMS):
            raise InputError("out of memory for a KV cache")
        return own(self)

    monkeypatch.setattr(Replay, "run", until_vllm)
    assert _replay(path, "--out", out) == InputError.exit_code
    assert _manifest(out)["replay"]["status"] == "partial"
    assert "out of memory" in _manifest(out)["replay"]["message"]
    assert len(pd.read_csv(out / "summary.csv")) == len(SYSTEMS) - 1
    assert _replay(path, "--out", out) == InputError.exit_code, "results are not overwritten unasked"
    assert _replay(path, "--out", out, "--resume", "--seed", 1) == InputError.exit_code, "one run has one seed"
    assert _replay(path, "--out", out, "--resume") == 0
    assert served == [*SYSTEMS, SYSTEMS[-1]]
    assert _manifest(out)["replay"]["status"] == "finished"
    assert len(pd.read_csv(out / "summary.csv")) == len(SYSTEMS)


def test_an_interrupted_replay_is_partial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C leaves a directory that says so."""

    def interrupt(self: Replay) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Replay, "run", interrupt)
    assert _replay(_write(tmp_path), "--out", tmp_path / "run") == 1
    assert (
        _manifest(tmp_path / "run")["replay"] | {"status": "partial", "message": "interrupted"}
        == _manifest(tmp_path / "run")["replay"]
    )


def test_a_replay_does_not_hang(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A point that takes too long ends in a message and exit code 1."""
    assert _replay(_write(tmp_path), "--out", tmp_path / "run", "--timeout", "0") == 1
    assert "not finished within the time allowed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "arguments", "message"),
    [
        ({"memory": {"kv_capacity_tokens": 20}}, [], "20 slots hold no request"),
        ({"model": "llama-13b"}, [], "neither GPT-J's architecture"),
        ({}, ["--weights", "nowhere/near"], "no weights were found there"),
        ({}, ["--threads", "2"], "only --clock wall"),
        ({}, ["--device", "cuda"], "sees no CUDA device"),
        ({}, ["--set", "max_length=x"], "max_length"),
    ],
)
def test_bad_input_is_said(
    changes: dict[str, Any],
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What cannot be replayed ends in one message and exit code 2."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert _replay(_write(tmp_path, **changes), "--out", tmp_path / "run", *arguments) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists(), "nothing is written before the input is known to be good"


def test_a_machine_with_little_replays_resolved_points(tmp_path: Path) -> None:
    """Without simpy, pydantic, pandas and pyarrow a resolved experiment is replayed; summarize adds the rest later."""
    loaded, out = load_experiment(_write(tmp_path)), tmp_path / "run"
    resolved = tmp_path / "small.json"
    points = [point.to_json() for point in loaded.points]
    resolved.write_text(json.dumps({"name": "small", "description": "", "points": points}), encoding="utf-8")
    code = (
        "import sys; sys.modules |= dict.fromkeys(sys.argv[1].split(','));"
        "from gpu_validate.cli import main; sys.exit(main(sys.argv[2:]))"
    )
    command = [sys.executable, "-c", code, ",".join(ABSENT), "replay"]
    subprocess.run([*command, resolved, "--out", out], check=True, timeout=120, cwd=Path(__file__).parents[2])
    folder = out / "points" / loaded.points[1].directory
    assert {path.name for path in folder.iterdir()} == {
        *("point.json", "counts.json", "replay.json", "events.csv", "steps.csv", "steps_time.csv")
    }
    with (folder / "steps_time.csv").open(encoding="utf-8", newline="") as file:
        assert all(float(row["cpu_s"]) > 0 for row in csv.DictReader(file))
    assert main(["summarize", str(out)]) == 0
    assert sorted(read_run(out).scenarios[0].rows["system"]) == sorted(SYSTEMS)
    assert np.array_equal(pd.read_parquet(folder / "events.parquet"), pd.read_csv(folder / "events.csv"))


def test_yaml_needs_pydantic_and_says_so(tmp_path: Path) -> None:
    """Where it is absent, the message names the remedy."""
    code = "import sys; sys.modules['pydantic'] = None; from gpu_validate.points import *; from pathlib import Path;"
    code += "read_experiment(Path('a.yaml'))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert "InputError" in done.stderr
    assert "s3sim resolve a.yaml --json" in done.stderr


def test_one_model_serves_points_that_share_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights are made once, and again only for another model."""
    made: list[str] = []

    def counted(spec: Any, **rest: Any) -> LoadedModel:
        made.append(spec.name)
        return random_model(spec, **rest)

    monkeypatch.setattr(stage, "random_model", counted)
    path = _write(tmp_path, sweep={"model": ["gpt-j-6b", "gpt-neox-20b"]})
    assert _replay(path, "--out", tmp_path / "run") == 0
    assert made == ["gpt-j-6b-tiny", "gpt-neox-20b-tiny"]


def test_resolved_points_come_back_as_they_were(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`s3sim resolve --json` writes all that a point is."""
    from s3sim.cli.resolve import resolve_command  # noqa: PLC0415

    path = _write(tmp_path)
    resolve_command(path, overrides=["max_length=40"], as_json=True)
    plain = json.loads(capsys.readouterr().out)
    assert tuple(map(Point.from_json, plain["points"])) == load_experiment(path, ["max_length=40"]).points
    resolve_command(path, overrides=[], as_json=False)
    assert capsys.readouterr().out.split() == [point.directory for point in load_experiment(path).points]


def test_no_secret_is_written_down() -> None:
    """Users in URLs are left out and values of options for tokens and keys hidden; all else stays."""
    given = ["bin/gpu-validate", "replay", "a.yaml", "--api-key", "sk-1", "--token=t", "--url", "https://me:pw@host/v1"]
    told = told_command(given)
    assert told == [
        *("gpu-validate", "replay", "a.yaml", "--api-key", "***", "--token=***", "--url", "https://host/v1")
    ]


def test_a_machine_with_little_validates_too(tmp_path: Path) -> None:
    """`all` needs torch, transformers and numpy alone: it profiles, replays, fits, compares and writes its page."""
    code = (
        "import sys; sys.modules |= dict.fromkeys(sys.argv[1].split(','));"
        "from dataclasses import replace; from gpu_validate import all_command as a; from gpu_validate.cli import main;"
        "a.QUICK = replace(a.QUICK, systems=('orca', 's3'), calibration_requests=15, poisson_requests=0);"
        "sys.exit(main(sys.argv[2:]))"
    )
    command = [sys.executable, "-c", code, ",".join(ABSENT), "all", "--quick", "--models", "gpt-j-6b"]
    command += ["--requests", "15", "--repeats", "1", "--out", str(tmp_path)]
    subprocess.run(command, check=True, timeout=300, cwd=Path(__file__).parents[2])
    plain = json.loads((tmp_path / "cpu.json").read_text(encoding="utf-8"))
    assert {entry["system"] for entry in plain["comparisons"]} == {"all", "orca", "s3"}
    assert (tmp_path / "cpu-gpt-j-6b-short-slices.csv").is_file()
