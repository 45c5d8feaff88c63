"""Shell completion: driven as a shell drives it, by its environment variables."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from s3sim.cli.completion import KINDS
from s3sim.cli.topics import TOPICS
from s3sim.hardware import DEVICES, MODELS
from s3sim.policies.registry import SYSTEMS
from tests.cli.conftest import Call
from tests.experiment.tiny import tiny, write


@pytest.fixture
def complete(call: Call, monkeypatch: pytest.MonkeyPatch) -> "Complete":
    """Ask as bash does after a command line."""
    return Complete(call, monkeypatch)


class Complete:
    """What bash would be offered for the last word of a line."""

    def __init__(self, call: Call, patch: pytest.MonkeyPatch) -> None:
        self._call, self._patch = call, patch

    def __call__(self, line: str, *, shell: str = "bash") -> list[str]:
        """The words that are offered after a line."""
        self._patch.setenv("_S3SIM_COMPLETE", f"complete_{shell}")
        if shell == "bash":
            self._patch.setenv("COMP_WORDS", line)
            self._patch.setenv("COMP_CWORD", str(line.count(" ")))
        else:
            self._patch.setenv("_TYPER_COMPLETE_ARGS", line)
            self._patch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
        done = self._call()
        assert "Traceback" not in done.err
        return done.out.split("\n")[: -1 if done.out.endswith("\n") else None] if done.out.strip() else []


def test_commands_and_options_are_offered(complete: Complete) -> None:
    """By their first letters."""
    assert complete("s3sim ti") == ["timeline"]
    assert complete("s3sim timeline --se") == ["--sequences"]
    assert "capacity" in complete("s3sim ")


def test_systems_are_offered(complete: Complete) -> None:
    """Where one system is asked for, and where names are explained."""
    assert complete("s3sim capacity x.yaml --system oracle_") == [n for n in SYSTEMS if n.startswith("oracle_")]
    assert set(complete("s3sim list systems ")) == set(SYSTEMS)


def test_models_and_devices_are_offered(complete: Complete) -> None:
    """By `s3sim list` and, as a shell that keeps a=b together sees it, by --set."""
    assert set(complete("s3sim list models gpt")) == {name for name in MODELS if name.startswith("gpt")}
    assert set(complete("s3sim list devices h")) == {name for name in DEVICES if name.startswith("h")}
    offered = complete("s3sim run x.yaml --set device=l", shell="fish")
    assert offered == [f"device={name}" for name in DEVICES if name.startswith("l")]
    assert complete("s3sim run x.yaml --set max_n", shell="fish") == ["max_num_seqs="]


def test_kinds_metrics_and_starts_are_offered(complete: Complete) -> None:
    """Whatever has a closed list of names."""
    assert complete("s3sim list sys") == ["systems"]
    assert KINDS.keys() == TOPICS.keys()
    for kind, topic in TOPICS.items():
        assert set(complete(f"s3sim list {kind} ")) == {row["name"] for row in topic.rows()}
    assert complete("s3sim compare a b --metric kv_w") == ["kv_waste_fraction"]
    assert complete("s3sim new x.yaml --from o") == ["online"]


def test_experiments_are_offered(complete: Complete, tmp_path: Path) -> None:
    """YAML files, and folders on the way to one; nothing else that is there."""
    (tmp_path / "mine").mkdir()
    write(tmp_path / "mine")
    (tmp_path / "more.txt").touch()
    (tmp_path / "m.yaml").touch()
    assert complete("s3sim run m") == ["m.yaml", "mine/"]
    assert complete("s3sim run mine/") == ["mine/tiny.yaml"]
    assert complete("s3sim resolve nowhere/") == []


def test_points_are_offered(complete: Complete, call: Call, tmp_path: Path) -> None:
    """The finished ones of the run directory that stands before; nothing of a folder that is none."""
    for name in ("online-s3-seed0-1", "online-orca-seed0-2", ".draft"):
        (tmp_path / "run" / "points" / name).mkdir(parents=True)
        (tmp_path / "run" / "points" / name / "summary.json").touch()
    assert complete("s3sim timeline run --point online-s") == ["online-s3-seed0-1"]
    assert complete("s3sim timeline nowhere --point o") == []


def test_the_script_names_the_command(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """--show-completion prints what a shell sources, for `s3sim` however it was started."""
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    done = call("--show-completion", "bash")
    assert done.code == 0, done.err
    assert "_S3SIM_COMPLETE=complete_bash" in done.out
    assert "complete -o default -F _s3sim_completion s3sim" in done.out


def test_completion_imports_nothing_that_simulates(tmp_path: Path) -> None:
    """A shell waits for it: neither the simulator nor tables nor figures are imported for a name."""
    write(tmp_path, json.dumps(tiny()))
    ask = "import sys, json, atexit\natexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))\n"
    code = ask + "from s3sim.cli.main import main\nsys.argv = ['s3sim']\nmain()"
    words = {"COMP_WORDS": "s3sim capacity tiny.yaml --system s", "COMP_CWORD": "4", "_S3SIM_COMPLETE": "complete_bash"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | words,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [name for name in SYSTEMS if name.startswith("s")]
    assert not {"pandas", "pyarrow", "simpy", "matplotlib", "torch"} & set(json.loads(done.stderr.splitlines()[-1]))
