"""An experiment made of keys is the one that a YAML file would give, however it was changed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from s3sim import Experiment
from s3sim.core.errors import InputError
from s3sim.experiment.schema import load_experiment
from tests.api.experiments import experiment
from tests.experiment.tiny import tiny, write


def test_keys_a_mapping_and_a_file_give_the_same_points(tmp_path: Path) -> None:
    """However an experiment is given, its points are those of the YAML, in their order."""
    path = write(tmp_path)
    wanted = load_experiment(path).points
    assert Experiment.from_yaml(path).points == wanted
    assert Experiment(tiny()).points == wanted
    assert Experiment(**tiny()).points == wanted


def test_a_change_is_what_set_changes(tmp_path: Path) -> None:
    """Overrides as texts, as a mapping and by with_ resolve alike, a step into a system and a swept key included."""
    path = write(tmp_path)
    texts = ["workload.requests=7", "systems.s3.ageing_s=null", "scenarios.offline.sweep.max_num_seqs=[3]", "seeds=[5]"]
    changes = {
        "workload.requests": 7,
        "systems.s3.ageing_s": None,
        "scenarios.offline.sweep.max_num_seqs": [3],
        "seeds": [5],
    }
    wanted = load_experiment(path, texts).points
    assert wanted != load_experiment(path).points
    assert Experiment.from_yaml(path, texts).points == wanted
    assert Experiment.from_yaml(path, changes).points == wanted
    seeds = changes.pop("seeds")
    for one in (Experiment.from_yaml(path), Experiment(tiny())):
        assert one.with_(changes, seeds=seeds).points == one.with_(changes).with_(seeds=seeds).points
        assert one.with_(changes, seeds=seeds).points == wanted


def test_an_experiment_never_changes() -> None:
    """with_ makes another one, and the mapping that an experiment was made of may change afterwards."""
    values = tiny()
    one = Experiment(values)
    before = one.points
    values["seeds"].append(9)
    one.with_(seeds=[7])
    assert one.points == before


@pytest.mark.parametrize("value", [range(2), (0, 1), np.arange(2), [np.int64(0), 1]], ids=repr)
def test_values_of_a_program_stand_for_those_of_a_yaml(value: Any) -> None:
    """Ranges, tuples and arrays are lists, NumPy's numbers are numbers, paths are texts."""
    assert experiment(seeds=value).points == experiment(seeds=[0, 1]).points
    assert experiment().with_(seeds=value).points == experiment(seeds=[0, 1]).points


def test_texts_that_look_like_numbers_stay_texts() -> None:
    """A change holds its type: 1e3 as a text is refused where a number is needed, and so is true for 1."""
    for value, told in (("1e3", "'1e3'"), ("7", "'7'"), (True, "true")):
        with pytest.raises(InputError, match=rf"workload\.requests: .*\(got {told}\)"):
            experiment().with_({"workload.requests": value})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Experiment(model="gpt-j-6b"), r"device: missing\nworkload: missing\nsystems: missing"),
        (lambda: Experiment(tiny(modle="x")), r"^modle: unknown key 'modle'; did you mean 'model'\?"),
        (lambda: Experiment(tiny(), modle="x"), r"^modle: unknown key 'modle'; did you mean 'model'\?"),
        (lambda: experiment(model="gpt-k"), r"^model: unknown model 'gpt-k'; did you mean 'gpt-j-6b'\?"),
        (lambda: experiment(systems=["orka"]), r"^systems\.orka: unknown system 'orka'; did you mean 'orca'\?"),
        (lambda: experiment().with_(max_length=0), r"^--set max_length=0: max_length: .* \(got 0\)"),
        (lambda: experiment().with_({"a b": object()}), r"^a b: an experiment holds texts, numbers"),
        (lambda: Experiment("tiny.yaml"), r"is made of keys, not of 'tiny\.yaml'; Experiment"),  # type: ignore[arg-type]
        (lambda: Experiment.from_yaml("nope.yaml"), r"^nope\.yaml: no such file"),
        (lambda: experiment().point(system="s9"), r"^tiny: no point has system='s9'; there are system: 'orca', 's3'$"),
        (
            lambda: experiment(seeds=[0, 1]).point(system="s3"),
            r"^tiny: 2 points fit, and one is needed; say also seed: 0, 1$",
        ),
        (lambda: experiment().point(max_num_seqs=3), r"^point: unknown key 'max_num_seqs' \(known: scenario, seed"),
    ],
)
def test_errors_name_the_key_and_what_would_be_right(make: Callable[[], object], message: str) -> None:
    """What is wrong with a key is said with its path, whether it was given by keyword, mapping or change."""
    with pytest.raises(InputError, match=message):
        make()


def test_an_error_in_a_file_names_its_line(tmp_path: Path) -> None:
    """An experiment from a YAML says where in it, as the command line does."""
    path = write(tmp_path, "version: 1\nname: tiny\nmodel: gpt-k\ndevice: a100-80gb\nworkload: 3\nsystems: [s3]\n")
    with pytest.raises(InputError, match=r"tiny\.yaml:5: workload: "):
        Experiment.from_yaml(path)


def test_a_point_is_found_by_what_it_tells() -> None:
    """Scenario, system, seed and swept keys, those of one scenario alone included, lead to one point."""
    one = Experiment(tiny())
    for point in one.points:
        told = {"scenario": point.scenario, "system": point.system, "seed": point.seed, **point.sweep}
        assert one.point(**told) is point


def test_a_notebook_shows_it_small_and_escaped() -> None:
    """A few rows; what a user wrote is no markup; the plain text counts systems, seeds and points."""
    one = Experiment(tiny(description="<script>alert(1)</script>" * 20))
    html = one._repr_html_()
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert len(html) < 3000
    assert repr(one) == "Experiment('tiny': 2 systems, 2 seeds, 12 points)"
