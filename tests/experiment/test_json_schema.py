"""The JSON schema that editors use: up to date, valid, and of one mind with the loader."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from s3sim.core.errors import InputError
from s3sim.experiment.schema import json_schema, load_experiment
from tests.experiment.tiny import tiny

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
SHIPPED = sorted(EXPERIMENTS.rglob("*.yaml"))
VALIDATOR = jsonschema.Draft202012Validator(json_schema())


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(EXPERIMENTS)))
def test_every_shipped_experiment_fits_the_schema(path: Path) -> None:
    """An editor finds nothing wrong with the experiments of this repository."""
    VALIDATOR.validate(yaml.safe_load(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(EXPERIMENTS)))
def test_every_shipped_experiment_names_the_schema_beside_it(path: Path) -> None:
    """The first line tells editors where the schema is, and there it is."""
    up = "../" * (len(path.relative_to(EXPERIMENTS).parts) - 1)
    assert path.read_text(encoding="utf-8").startswith(f"# yaml-language-server: $schema={up}schema.json\n")
    assert (path.parent / f"{up}schema.json").is_file()


def test_the_schema_is_a_schema() -> None:
    """It says its dialect and is valid in it."""
    schema = json_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(schema)


def test_the_committed_schema_is_up_to_date() -> None:
    """experiments/schema.json is what `s3sim schema` prints; write it again where this fails."""
    assert json.loads((EXPERIMENTS / "schema.json").read_text(encoding="utf-8")) == json_schema()


def _with(path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    values = deepcopy(tiny())
    here: Any = values
    for key in path[:-1]:
        here = here[key]
    here[path[-1]] = value
    return values


WRONG = {
    "unknown key": _with(("modle",), "x"),
    "unknown key below": _with(("workload", "prompt", "lo"), 3),
    "unknown kind": _with(("scenarios", "online", "arrivals", "kind"), "poison"),
    "unknown model": _with(("model",), "gpt-j"),
    "unknown system": _with(("systems", 0), "orka"),
    "wrong type": _with(("workload", "requests"), "many"),
    "fraction": _with(("workload", "requests"), 2.5),
    "out of bounds": _with(("predictor", "accuracy"), 2),
    "empty": _with(("systems",), []),
    "a seed twice": _with(("seeds",), [1, 1]),
    "no values": _with(("scenarios", "offline", "sweep", "max_num_seqs"), []),
    "scenario's name": _with(("scenarios", "../x"), {}),
    "no mapping": _with(("workload",), "alpaca"),
    "null": _with(("model",), None),
}


@pytest.mark.parametrize("fault", WRONG)
def test_what_the_schema_refuses_the_loader_refuses(fault: str) -> None:
    """Editor and command agree that an experiment is wrong."""
    assert not VALIDATOR.is_valid(WRONG[fault])
    with pytest.raises(InputError):
        load_experiment(WRONG[fault])


def test_what_the_loader_takes_the_schema_takes() -> None:
    """The experiment that the wrong ones are made from is right for both."""
    VALIDATOR.validate(tiny())
    assert load_experiment(tiny()).points
