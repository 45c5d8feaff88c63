"""The extra `endpoint` alone drives a server; what needs torch says in one sentence what to install."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gpu.endpoints import serving

ROOT = Path(__file__).parents[2]
TORCH = ("torch", "transformers", "safetensors", "sklearn")
EXTRAS = (*TORCH, "aiohttp", "tokenizers")
BLOCKED = (
    "import sys; sys.modules |= dict.fromkeys(sys.argv[1].split(','));"
    "from gpu_validate.cli import main; sys.exit(main(sys.argv[2:]))"
)
NAMED_TUPLE = {"_asdict", "_fields", "_make", "_replace"}  # public, in spite of their underscore
EXPERIMENT: dict[str, Any] = {
    "version": 1,
    "name": "small",
    "model": "gpt-j-6b",
    "device": "a100-80gb",
    "max_length": 48,
    "memory": {"kv_capacity_tokens": 240},
    "workload": {
        "kind": "lengths",
        "requests": 6,
        "prompt": {"kind": "uniform", "low": 2, "high": 9},
        "output": {"kind": "uniform", "low": 2, "high": 12},
    },
    "systems": ["vllm"],
}


@pytest.fixture(name="experiment")
def _experiment(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(json.dumps(EXPERIMENT), encoding="utf-8")  # JSON is YAML
    return path


def _run(absent: tuple[str, ...], *arguments: object) -> "subprocess.CompletedProcess[str]":
    """`gpu-validate` in a process of its own, where these packages cannot be imported."""
    command = [sys.executable, "-c", BLOCKED, ",".join(absent), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=ROOT, check=False)


def test_a_server_is_driven_without_torch(experiment: Path, tmp_path: Path) -> None:
    """From the YAML to the run directory and its metrics, no package of the extra `torch` is imported."""
    out = tmp_path / "run"
    with serving() as server:
        done = _run((*TORCH, "tokenizers"), "replay", experiment, "--url", server.url, "--out", out)
    assert done.returncode == 0, done.stderr
    assert len(server.bodies) == 1 + EXPERIMENT["workload"]["requests"], "the probe, and every request"
    assert json.loads((out / "manifest.json").read_text(encoding="utf-8"))["replay"]["status"] == "finished"
    assert _run(TORCH, "summarize", out).returncode == 0


@pytest.mark.parametrize(
    "command", [["replay", "a.yaml"], ["profile"], ["steps"], ["all"]], ids=lambda command: command[0]
)
def test_what_needs_torch_says_so(command: list[str]) -> None:
    """One sentence that names the extra, exit code 2, no traceback."""
    done = _run(TORCH, *command)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"error: {command[0]}: ")
    assert "torch, transformers, safetensors must be installed: pip install 's3sim[torch]'" in done.stderr
    assert ("--url" in done.stderr) == (command[0] == "replay"), "where a server does as well, that is said"


@pytest.mark.parametrize("command", [["fit", "a.csv"], ["compare", "a", "b"], ["summarize", "a"], ["--help"]], ids=str)
def test_what_needs_no_torch_runs_without(command: list[str]) -> None:
    """These read files alone: they fail for want of the files, or not at all."""
    done = _run(EXTRAS, *command)
    assert "Traceback" not in done.stderr
    assert "install" not in done.stderr
    assert done.returncode == (0 if command == ["--help"] else 2)


def test_with_neither_extra_each_way_names_its_own(experiment: Path) -> None:
    """Without torch and without aiohttp, a replay names the extra of the way that was asked for."""
    here, there = _run(EXTRAS, "replay", experiment), _run(EXTRAS, "replay", experiment, "--url", "http://127.0.0.1:9")
    assert (here.returncode, there.returncode) == (2, 2)
    assert (here.stderr.count("\n"), there.stderr.count("\n")) == (1, 1)
    assert "s3sim[torch]" in here.stderr
    assert "pip install 's3sim[endpoint]'" in there.stderr
    assert "s3sim[torch]" not in there.stderr


def test_a_replay_from_python_says_so_too() -> None:
    """`run_replay` raises InputError; the package itself imports, and its other functions do."""
    code = (
        f"import sys; sys.modules |= dict.fromkeys({TORCH!r});"
        "from gpu_validate import Plan, compare_runs, fit_profile, read_comparisons, run_replay;"
        "run_replay('a.yaml', out='b', plan=Plan())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert "InputError: run_replay: " in done.stderr
    assert "pip install 's3sim[torch]'" in done.stderr


def _foreign_privates(path: Path) -> Iterator[str]:
    """Names with one leading underscore that are read from, or set on, anything but self and cls; imports of such."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and _private(node.attr):
            if not (isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"}):
                yield ast.unparse(node)
        elif isinstance(node, ast.ImportFrom):
            parts = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            yield from filter(_private, parts)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in {"getattr", "setattr", "hasattr"}:
            yield from (
                each.value for each in node.args[1:2] if isinstance(each, ast.Constant) and _private(each.value)
            )


def _private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in NAMED_TUPLE


def test_nothing_private_of_torch_or_transformers_is_touched() -> None:
    """What other packages keep to themselves may be gone in their next version: only public names are used."""
    files = [*ROOT.glob("gpu_validate/**/*.py"), *ROOT.glob("s3sim/learn/**/*.py")]
    found = {path.name: names for path in files if (names := set(_foreign_privates(path)))}
    assert found.keys() <= {"options.py"}, found  # argparse's list of actions, which it gives in no other way
    assert found["options.py"] == {"parser._actions"}


def test_the_test_of_private_names_can_fail(tmp_path: Path) -> None:
    """Each way to a private name is seen, and a module's own are not."""
    path = tmp_path / "a.py"
    path.write_text("from a._b import c\nx._attn = 1\ny.config._z\ngetattr(x, '_w')\nself._mine\nx.__doc__\n", "utf-8")
    assert set(_foreign_privates(path)) == {"_b", "x._attn", "y.config._z", "_w"}
