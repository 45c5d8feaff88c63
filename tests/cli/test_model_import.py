"""Laws of `s3sim model import`: what it prints can be pasted, and what it refuses is explained."""

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from s3sim.cli.main import app, main
from s3sim.core.errors import InputError
from s3sim.experiment.schema import load_experiment
from s3sim.hardware.hf_config import read_hf_config

CONFIG = {
    "_name_or_path": "mistralai/Mistral-7B-v0.1", "model_type": "mistral", "hidden_size": 4096,
    "intermediate_size": 14336, "max_position_embeddings": 32768, "num_attention_heads": 32, "num_hidden_layers": 32,
    "num_key_value_heads": 8, "sliding_window": 4096, "tie_word_embeddings": False, "torch_dtype": "bfloat16",
    "vocab_size": 32000,
}  # fmt: skip


@pytest.fixture(name="config")
def _config(tmp_path: Path) -> str:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(CONFIG), encoding="utf-8")
    return str(path)


def output(*arguments: str) -> str:
    """What the command prints; its error is raised."""
    result = CliRunner().invoke(app, ["model", "import", *arguments])
    if result.exception is not None:
        raise result.exception
    return result.stdout


def test_the_block_can_be_pasted(config: str) -> None:
    """The printed block, in an experiment, resolves to the very model that was imported."""
    block = yaml.safe_load(output(config))
    rest = {
        "version": 1, "name": "pasted", "device": "a100-80gb", "systems": ["orca"],
        "workload": {"kind": "lengths", "requests": 2, "prompt": {"kind": "constant", "value": 3},
                     "output": {"kind": "constant", "value": 3}},
    }  # fmt: skip
    (point,) = load_experiment({**rest, **block}).points
    spec = read_hf_config(Path(config)).model
    assert {key: point.model[key] for key in ("name", "sliding_window", "kv_heads", "weight_dtype")} == {
        "name": "Mistral-7B-v0.1",
        "sliding_window": 4096,
        "kv_heads": 8,
        "weight_dtype": "bf16",
    }
    assert all(point.model[key] == getattr(spec, key) for key in point.model)


def test_remarks_stand_in_comments(config: str) -> None:
    """Sizes, and what the fields cannot say, stand in comments before the block."""
    comments = [line for line in output(config).splitlines() if line.startswith("#")]
    assert "7,241,732,096 parameters, 14.48 GB of bf16 weights" in comments[0]
    assert any("sliding window of 4096" in line and "upper bound" in line for line in comments)


def test_number_formats_are_always_stated(tmp_path: Path) -> None:
    """The block names both number formats even where they are the defaults: nobody has to know those."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps(CONFIG | {"torch_dtype": "float16"}), encoding="utf-8")
    block = yaml.safe_load(output(str(path)))["model"]
    assert (block["weight_dtype"], block["kv_dtype"]) == ("fp16", "fp16")


def test_json(config: str) -> None:
    """--json gives the same fields and the sizes, for programs."""
    facts = json.loads(output(config, "--json", "--name", "mine"))
    assert facts["parameters"] == 7_241_732_096
    assert facts["model"]["name"] == "mine"
    assert facts["model"] == yaml.safe_load(output(config, "--name", "mine"))["model"]
    assert len(facts["notes"]) == 1


def test_a_name_that_yaml_would_misread(config: str) -> None:
    """Whatever the name, the block reads back as it was."""
    for name in ("no", "1.5", 'a: "b" # c', "S³ – ∅"):
        assert yaml.safe_load(output(config, "--name", name))["model"]["name"] == name


def test_out_writes_a_new_file(config: str, tmp_path: Path) -> None:
    """--out writes the block, never over a file that is there, never into a folder that is not."""
    target = tmp_path / "model.yaml"
    assert str(target) in output(config, "--out", str(target)).replace("\n", "")
    assert target.read_text(encoding="utf-8") == output(config)
    with pytest.raises(InputError, match="exists already"):
        output(config, "--out", str(target))
    with pytest.raises(InputError, match="folder does not exist"):
        output(config, "--out", str(tmp_path / "none" / "model.yaml"))


def test_errors_exit_with_two(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A config that cannot be used ends in one line with file and key, and exit code 2."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps(CONFIG | {"hidden_size": None}), encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["s3sim", "model", "import", str(path)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert (
        capsys.readouterr().err == f"error: {path}: hidden_size: missing; add it, or give a config.json that has it\n"
    )
