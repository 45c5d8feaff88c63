"""What the command line does is reached from Python, and gives the same."""

import json
from pathlib import Path

import pandas as pd
import pytest
import typer

import s3sim
from s3sim.api.listing import LISTS
from s3sim.cli.main import app
from s3sim.core.errors import InputError, UnknownNameError
from s3sim.workload.readers import read_trace
from tests.api.experiments import experiment
from tests.cli.conftest import Call, call
from tests.experiment.tiny import tiny, write

__all__ = ["call"]

REACHED = {  # command → what of s3sim does it
    "run": "run",
    "report": "draw",
    "resolve": "Experiment",
    "schema": "json_schema",
    "capacity": "find_capacity",
    "list": "names",
    "trace stats": "trace.stats",
    "trace convert": "trace.convert",
    "trace generate": "trace.generate",
    "trace sample": "trace.sample",
    "trace scale": "trace.scale",
    "model import": "model.read_config",
    "predictor train": "predictor.train",
    "predictor evaluate": "predictor.evaluate",
    "predictor record": "predictor.record",
    "predictor learn": "predictor.learn",
    "new": "template",
    "compare": "compare_runs",
    "timeline": "write_timeline",
    "calibrate": "calibrate",
    "paper": "reproduce_paper",
}
LENGTHS = {"prompt": {"kind": "uniform", "low": 1, "high": 99}, "output": {"kind": "geometric", "mean": 60.0}}
POISSON = {"kind": "poisson", "rate": 4.0}


def reached(dotted: str) -> object:
    """What a dotted name of s3sim stands for."""
    found: object = s3sim
    for name in dotted.split("."):
        found = getattr(found, name)
    return found


@pytest.mark.parametrize("command", REACHED)
def test_a_command_is_reached_from_python(command: str) -> None:
    """The command is there, and so is what does it, with a docstring."""
    known = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for word in command.split():
        assert word in known, command
        known = getattr(known[word], "commands", {})
    found = reached(REACHED[command])
    assert callable(found)
    assert found.__doc__


def test_no_command_is_left_out() -> None:
    """Whatever the command line has is in the table above."""
    known = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    paths = {" ".join((name, *more)) for name, one in known.items() for more in _below(one)}
    assert paths - {"version"} == set(REACHED)  # importlib.metadata tells the version


def _below(command: object) -> list[tuple[str, ...]]:
    found = getattr(command, "commands", {})
    return [(name, *more) for name, one in found.items() for more in _below(one)] or [()]


@pytest.mark.parametrize("kind", LISTS)
def test_names_are_those_of_the_list(kind: str, call: Call) -> None:
    """Each name of the table stands in what `s3sim list` prints."""
    printed = call("list", kind).out
    assert len(s3sim.names(kind))
    assert all(name in printed for name in s3sim.names(kind).index)
    with pytest.raises(UnknownNameError, match="unknown kind of name 'model'; did you mean 'models'"):
        s3sim.names("model")


def test_an_experiment_s_points_are_those_that_are_resolved(call: Call, tmp_path: Path) -> None:
    """As JSON, to the last key."""
    path = write(tmp_path)
    printed = json.loads(call("resolve", path, "--set", "seeds=[4]", "--json").out)
    assert printed["points"] == [point.to_json() for point in s3sim.Experiment.from_yaml(path, {"seeds": [4]}).points]


def test_a_generated_trace_is_the_command_s(call: Call, tmp_path: Path) -> None:
    """Row by row, and so are a sample of it, a stretched one, its statistics and its conversion."""
    lengths, arrivals = (json.dumps(given) for given in (LENGTHS, POISSON))
    call("trace", "generate", "made.csv", "--requests", 40, "--lengths", lengths, "--arrivals", arrivals, "--seed", 3)
    call("trace", "sample", "made.csv", "part.csv", "--requests", 9, "--window", 1, 8, "--seed", 2)
    call("trace", "scale", "made.csv", "fast.csv", "--rate", 8, "--output", 2)
    call("trace", "convert", "made.csv", "made.jsonl")
    printed = json.loads(call("trace", "stats", "made.csv", "--json").out)
    made = s3sim.trace.generate(requests=40, lengths=LENGTHS, arrivals=POISSON, seed=3)
    assert s3sim.trace.stats(made).to_json().items() <= printed.items()
    mine = {
        "made": made,
        "part": s3sim.trace.sample(made, 9, window=(1, 8), seed=2),
        "fast": s3sim.trace.scale(made, rate=8, output=2),
    }
    for name, trace in mine.items():
        s3sim.trace.write(trace, tmp_path / f"{name}-mine.csv")
        assert (tmp_path / f"{name}-mine.csv").read_bytes() == (tmp_path / f"{name}.csv").read_bytes(), name
    s3sim.trace.convert(tmp_path / "made.csv", tmp_path / "mine.jsonl")
    assert (tmp_path / "mine.jsonl").read_bytes() == (tmp_path / "made.jsonl").read_bytes()
    pd.testing.assert_frame_equal(s3sim.trace.read(tmp_path / "made.csv").trace.to_frame(), made.to_frame())
    assert len(read_trace(tmp_path / "made.jsonl").trace) == 40


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"lengths": "alpacca"}, r"^lengths: 'alpacca' is no preset \(.*alpaca.*\), no file, and no mapping"),
        ({"lengths": {"prompt": 3}}, r"^lengths\.prompt: .*mapping"),
        (
            {"lengths": "alpaca", "arrivals": {"kind": "poison"}},
            r"^arrivals\.kind: unknown kind 'poison'; did you mean",
        ),
        (
            {"lengths": "alpaca", "arrivals": {"kind": "closed_loop", "users": 3}},
            r"^arrivals: a closed loop's arrivals",
        ),
    ],
)
def test_a_trace_that_cannot_be_made_is_refused(given: dict[str, object], message: str) -> None:
    """With the key path."""
    with pytest.raises(InputError, match=message):
        s3sim.trace.generate(requests=3, **given)  # type: ignore[arg-type]


def test_more_rows_than_there_are_cannot_be_taken() -> None:
    """They can be drawn with replacement."""
    made = s3sim.trace.generate(requests=4, lengths=LENGTHS)
    with pytest.raises(InputError, match=r"^requests: 5 of 4 rows cannot be taken; how='resample'"):
        s3sim.trace.sample(made, 5)
    assert len(s3sim.trace.sample(made, 5, how="resample")) == 5


def test_an_imported_model_is_one_of_an_experiment(call: Call, tmp_path: Path) -> None:
    """Its fields are those that `s3sim model import` prints, and an experiment takes them."""
    shape = {"model_type": "gptj", "n_layer": 4, "n_head": 8, "n_embd": 256, "n_positions": 512, "vocab_size": 1000}
    (tmp_path / "config.json").write_text(json.dumps({**shape, "rotary_dim": 8, "torch_dtype": "float16"}))
    imported = s3sim.model.read_config(tmp_path / "config.json", name="mini")
    told = json.loads(call("model", "import", tmp_path / "config.json", "--name", "mini", "--json").out)
    assert s3sim.model.as_fields(imported) == told["model"]
    one = s3sim.Experiment(tiny(model=s3sim.model.as_fields(imported), scenarios={"main": {}}))
    assert {point.model["name"] for point in one.points} == {"mini"}


def test_the_shipped_constants_are_checked_as_by_the_command(call: Call) -> None:
    """Row by row."""
    assert s3sim.check_calibration().to_json() == json.loads(call("calibrate", "--check", "--json").out)


def test_runs_named_by_a_text_or_a_path_are_compared_and_told_as_by_the_commands(call: Call, tmp_path: Path) -> None:
    """A folder's name in a text is a path, in every function that takes a run."""
    one = experiment(log="full")
    for name, length in (("a", 128), ("b", 64)):
        s3sim.sweep(one.with_(max_length=length), out=tmp_path / name)
    printed = json.loads(call("compare", "a", "b", "--json").out)
    for kind in (str, Path):
        mine = s3sim.compare_runs(kind("a"), kind("b")).to_json()
        assert json.loads(json.dumps(mine)) == printed
        written, _ = s3sim.write_timeline(kind("a"), point="main-s3", out=kind(f"{kind.__name__}.json"))
        assert written.is_file()
        assert len(s3sim.load(kind("a"))) == 2
    assert (tmp_path / "str.json").read_bytes() == (tmp_path / "Path.json").read_bytes()
