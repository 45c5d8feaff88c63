"""--set changes one key of an experiment, or says why it cannot."""

import json
from pathlib import Path

import pytest

from s3sim.experiment.schema import load_experiment
from tests.cli.conftest import Call
from tests.experiment.tiny import changed, write

BAD = {
    "nonsense": ["--set nonsense: write --set key.path=value, as in --set workload.requests=100"],
    "=3": ["--set =3: write --set key.path=value"],
    "workload..requests=3": ["--set workload..requests=3: write --set key.path=value"],
    "nonsense=3": ["--set nonsense=3: nonsense: unknown key 'nonsense'", "known: model, device"],
    "workload.request=3": ["--set workload.request=3: workload.request: ", "did you mean 'requests'?"],
    "workload.requests=ten": ["--set workload.requests=ten: workload.requests: ", "(got 'ten')"],
    "workload.requests=": ["--set workload.requests=: workload.requests: ", "(got null)"],
    "workload.requests=[": ["--set workload.requests=[: '[' is not a YAML value; quote it"],
    "workload={kind: preset}": ["--set workload={kind: preset}: workload.name: missing"],
    "name.x=3": ["--set name.x=3: 'name' is 'tiny', not a mapping, so 'name.x' leads nowhere"],
    "systems.s9.ageing_s=3": ["--set systems.s9.ageing_s=3: no system 's9' is in this experiment; it has orca, s3"],
    "systems.s3=3": ["--set systems.s3=3: 's3' is an element of a list; set the whole list, or a key of a system"],
    "systems.s3.agein_s=3": ["--set systems.s3.agein_s=3: systems.s3.agein_s: ", "did you mean 'ageing_s'?"],
    "systems.s3.ageing_s=soon": ["--set systems.s3.ageing_s=soon: systems.s3.ageing_s: ", "(got 'soon')"],
    "seeds.0=3": ["--set seeds.0=3: '0' is an element of a list; set the whole list"],
    "seeds=[]": ["--set seeds=[]: seeds: is empty"],
    "scenarios.offline.sweep.max_num_seqs=[x]": ["--set scenarios.offline.sweep.max_num_seqs=[x]: ", "(got 'x')"],
    "scenarios.offline.sweep.arrivals.rate=[1]": ["arrivals: `kind` is missing", "(with max_num_seqs=2, arrivals.rate"],
    "model=gpt-j": ["--set model=gpt-j: model: unknown model 'gpt-j'; did you mean 'gpt-j-6b'?"],
}


@pytest.mark.parametrize("override", BAD)
def test_bad_override_is_refused_and_named(override: str, call: Call, tmp_path: Path) -> None:
    """Exit code 2; the message quotes the --set, not a line of the YAML, which is not at fault; nothing is written."""
    write(tmp_path)
    done = call("run", "tiny.yaml", "--out", "out", "--workers", "1", "--set", override)
    assert (done.code, done.out, done.err.count("error: ")) == (2, "", 1)
    missing = [part for part in BAD[override] if part not in done.err]
    assert not missing, f"{missing} not in: {done.err}"
    assert not (tmp_path / "out").exists()


def test_an_override_reaches_every_point(tmp_path: Path) -> None:
    """A number of requests that is set is that of all points."""
    points = load_experiment(write(tmp_path), ["workload.requests=7"]).points
    assert {point.workload["requests"] for point in points} == {7}


def test_an_override_of_a_system_s_choice_is_that_system_s_alone(tmp_path: Path) -> None:
    """systems.s3.ageing_s changes s3 where it was a bare name; orca keeps its choices."""
    points = load_experiment(write(tmp_path), ["systems.s3.ageing_s=3"]).points
    assert {point.choices.get("ageing_s") for point in points if point.system == "s3"} == {3.0}
    assert all("ageing_s" not in point.choices for point in points if point.system == "orca")


def test_an_override_finds_a_system_by_its_label(tmp_path: Path) -> None:
    """Two entries of one system are told apart by their labels."""
    text = changed(("[orca, s3]", "[{name: s3, label: hasty}, {name: s3, label: calm}]"))
    points = load_experiment(write(tmp_path, text), ["systems.hasty.ageing_s=3"]).points
    assert {point.label: point.choices["ageing_s"] for point in points} == {"hasty": 3.0, "calm": 30.0}


def test_an_override_of_a_swept_dotted_key_replaces_its_values(tmp_path: Path) -> None:
    """A sweep's key is dotted itself, and is not taken apart."""
    path = write(tmp_path, changed(("    slo:", "    sweep: {arrivals.rate: [5, 9]}\n    slo:")))
    points = load_experiment(path, ["scenarios.online.sweep.arrivals.rate=[3]"]).points
    assert {point.sweep["arrivals.rate"] for point in points if point.scenario == "online"} == {3}


@pytest.mark.usefixtures("no_figures")
def test_the_last_of_two_overrides_wins_and_the_run_directory_tells_both(call: Call, tmp_path: Path) -> None:
    """overrides.json holds what was given, in order; experiment.yaml holds the YAML unchanged."""
    path = write(tmp_path)
    sets = ["workload.requests=3", "workload.requests=4", "systems=[orca]", "seeds=[0]", "name=other"]
    done = call("run", path, "--out", "out", "--workers", 1, *(part for given in sets for part in ("--set", given)))
    assert done.code == 0, done.err
    assert json.loads((tmp_path / "out" / "overrides.json").read_text()) == sets
    assert (tmp_path / "out" / "experiment.yaml").read_text() == path.read_text()
    points = [json.loads(point.read_text()) for point in tmp_path.glob("out/points/*/point.json")]
    assert {point["workload"]["requests"] for point in points} == {4}
    assert {point["experiment"] for point in points} == {"other"}
