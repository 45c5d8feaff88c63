"""An experiment resolves to points: the cross product, with every preset and default written out."""

import json
from dataclasses import asdict, fields, replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from s3sim.core.errors import InputError
from s3sim.experiment.resolved import SCHEMA_VERSION, Point
from s3sim.experiment.schema import load_experiment
from s3sim.hardware import DEFAULT_ENGINE, DEVICES, ENGINES, LINKS, MODELS
from s3sim.policies.registry import SYSTEMS
from tests.experiment.tiny import TINY, changed, tiny, traced, write


def points(**values: Any) -> tuple[Point, ...]:
    """The points of the tiny experiment with top-level keys replaced."""
    return load_experiment(tiny(**values)).points


def test_points_are_the_cross_product() -> None:
    """Scenarios × sweeps × systems × seeds, each once, in the order of the YAML."""
    found = points(
        sweep={"max_length": [64, 128]},
        scenarios={"a": {"sweep": {"max_num_seqs": [2, 4, 8]}}, "b": {}},
        systems=["s3", "vllm", "orca"],
        seeds=[5, 3],
    )
    wanted = [
        (scenario, {"max_length": length} | swept, system, seed)
        for scenario, sweeps in (("a", [{"max_num_seqs": value} for value in (2, 4, 8)]), ("b", [{}]))
        for length, swept in product((64, 128), sweeps)
        for system in ("s3", "vllm", "orca")
        for seed in (5, 3)
    ]
    assert [(point.scenario, point.sweep, point.system, point.seed) for point in found] == wanted
    assert all(point.max_length == point.sweep["max_length"] for point in found)
    assert len({point.key for point in found}) == len({point.directory for point in found}) == len(found)


def test_presets_are_written_out() -> None:
    """A point holds the fields of model, device, link and engine, and needs no preset to be read again."""
    point = points()[0]
    assert point.model == asdict(MODELS["gpt-j-6b"])
    assert point.device == asdict(DEVICES["a100-80gb"])
    assert point.engine == asdict(ENGINES[DEFAULT_ENGINE])


def test_given_fields_replace_those_of_a_preset() -> None:
    """A field that is given wins; the others are the preset's; a link may be changed by itself."""
    point = points(
        model={"preset": "gpt-j-6b", "layers": 3},
        device={"preset": "a100-80gb", "link": {"preset": "pcie-3.0-x16", "latency": 0.5}},
    )[0]
    assert point.model == asdict(MODELS["gpt-j-6b"]) | {"layers": 3}
    link = asdict(LINKS["pcie-3.0-x16"]) | {"latency": 0.5}
    assert point.device == asdict(DEVICES["a100-80gb"]) | {"link": link}


def test_defaults_are_written_out() -> None:
    """What the YAML leaves out stands in the point: choices of a system, memory, arrivals, latency, log."""
    offline = points()[0]
    assert offline.arrivals == {"kind": "offline"}
    assert offline.latency == {"kind": "roofline"}
    assert offline.log == "full"
    assert set(offline.memory) == {
        "gpu_memory_utilization",
        "context_bytes",
        "workspace_bytes",
        "kv_capacity_tokens",
        "host_bytes",
    }
    for point in points(systems=list(SYSTEMS), seeds=[0]):
        assert set(point.choices) == {entry.name for entry in fields(SYSTEMS[point.system].choices)}


def test_what_is_left_out_depends_on_the_arrivals_by_default() -> None:
    """Nothing of a burst, a tenth at both ends of other arrivals; what is given wins, an end at a time."""
    found = {point.scenario: point.measure for point in points()}
    assert found["offline"] == {"warm_up": "none", "cool_down": "none"}
    assert found["online"] == {"warm_up": {"share": 0.1}, "cool_down": {"share": 0.1}}
    given = tiny(measure={"warm_up": {"seconds": 3}})
    given["scenarios"]["late"] = given["scenarios"]["online"] | {"measure": {"warm_up": {"share": 0.25}}}
    given["scenarios"]["online"]["measure"] = {"cool_down": {"requests": 5}}
    found = {point.scenario: point.measure for point in load_experiment(given).points}
    assert found["offline"] == {"warm_up": {"seconds": 3.0}, "cool_down": "none"}
    assert found["online"] == {"warm_up": {"share": 0.1}, "cool_down": {"requests": 5}}
    assert found["late"] == {"warm_up": {"share": 0.25}, "cool_down": {"share": 0.1}}


def test_a_scenario_s_own_settings_win() -> None:
    """Arrivals and limits of a scenario are its own; what it leaves out is the experiment's."""
    found = points(slo={"ttft_ms": 5.0}, arrivals={"kind": "constant", "rate": 3.0})
    by_name = {point.scenario: point for point in found}
    assert by_name["offline"].slo == {"ttft_ms": 5.0}
    assert by_name["offline"].arrivals == {"kind": "constant", "rate": 3.0}
    assert by_name["online"].slo == {"ttft_ms": 100.0}
    assert by_name["online"].arrivals == {"kind": "poisson", "rate": 20.0}


def test_a_scenario_s_null_is_the_experiment_s_setting() -> None:
    """`arrivals: null` in a scenario says nothing of its own."""
    found = points(scenarios={"a": {"arrivals": None, "slo": None}}, arrivals={"kind": "constant", "rate": 3.0})
    assert {point.arrivals["kind"] for point in found} == {"constant"}


def test_a_scenario_s_sweep_wins_over_the_experiment_s() -> None:
    """One key swept in both places takes the scenario's values."""
    found = points(sweep={"max_num_seqs": [1]}, systems=["orca"], seeds=[0])
    assert [point.choices["max_num_seqs"] for point in found if point.scenario == "offline"] == [2, 4]
    assert [point.choices["max_num_seqs"] for point in found if point.scenario == "online"] == [1]


def test_max_num_seqs_is_every_system_s_that_has_none_of_its_own() -> None:
    """The experiment's max_num_seqs is a default for systems, and no more."""
    found = points(max_num_seqs=9, scenarios={"a": {}}, systems=["orca", {"name": "vllm", "max_num_seqs": 3}])
    assert {point.system: point.choices["max_num_seqs"] for point in found} == {"orca": 9, "vllm": 3}


def test_a_whole_mapping_can_be_swept() -> None:
    """A swept value may be a mapping: arrivals of different kinds are compared in one table."""
    kinds = [{"kind": "offline"}, {"kind": "constant", "rate": 2.0}]
    found = points(scenarios={"a": {"sweep": {"arrivals": kinds}}}, systems=["orca"], seeds=[0])
    assert [point.arrivals for point in found] == kinds


def test_oracles_bring_their_own_predictor_at_the_same_cost() -> None:
    """They pay the time of the predictor that s3 has, and see exact lengths or right buckets."""
    predictor = {"kind": "confusion", "accuracy": 0.5, "buckets": 7, "seconds": 0.25, "concurrency": 3}
    found = {point.system: point.predictor for point in points(predictor=predictor, systems=list(SYSTEMS))}
    cost = {"seconds": 0.25, "concurrency": 3, "charged_to": "host"}
    assert found["oracle_exact"] == {"kind": "oracle", "buckets": None} | cost
    assert found["oracle_bucket"] == {"kind": "oracle", "buckets": 7} | cost
    assert found["orca"] is None
    assert found["vllm"] is None


def test_numbers_are_those_of_yaml_1_2(tmp_path: Path) -> None:
    """2e12 is a number, as in JSON, and no text, as PyYAML would have it."""
    path = write(tmp_path, changed(("mean: 12.0", "mean: 12e0")))
    assert load_experiment(path).points[0].workload["output"]["mean"] == 12.0


def test_a_byte_order_mark_is_no_key(tmp_path: Path) -> None:
    """A YAML that an editor of another system saved is read all the same."""
    path = write(tmp_path, b"\xef\xbb\xbf" + TINY.encode())
    assert load_experiment(path).points == load_experiment(write(tmp_path)).points


def test_a_file_and_its_mapping_resolve_alike(tmp_path: Path) -> None:
    """A program may hand over what a YAML would hold."""
    assert load_experiment(write(tmp_path)).points == load_experiment(yaml.safe_load(TINY)).points


@pytest.mark.parametrize("source", [[1], 3, {"version": {1, 2}}, {"name": object()}, {}])
def test_values_that_no_yaml_holds_are_refused(source: Any) -> None:
    """A program's mistake is an InputError too."""
    with pytest.raises(InputError):
        load_experiment(source)


def test_a_point_survives_json() -> None:
    """Every point is the same after a trip through JSON, digest and folder included."""
    for point in points(systems=[*SYSTEMS, {"name": "s3", "label": "b", "ageing_s": None}]):
        again = Point.from_json(json.loads(json.dumps(point.to_json(), allow_nan=False)))
        assert again == point
        assert again.directory == point.directory


def test_a_point_of_another_shape_is_refused() -> None:
    """Another version, a missing key and an unknown key are named, with the place."""
    plain = points()[0].to_json()
    with pytest.raises(InputError, match=rf"x\.json: schema_version is 99; this s3sim reads {SCHEMA_VERSION}"):
        Point.from_json(plain | {"schema_version": 99}, place="x.json")
    with pytest.raises(InputError, match=r"schema_version is None"):
        Point.from_json({})
    with pytest.raises(InputError, match=r"keys missing or unknown: sead, seed"):
        Point.from_json({key: plain[key] for key in plain if key != "seed"} | {"sead": 1})


OTHER: dict[str, Any] = {
    name: {"other": 1}
    for name in ("sweep", "choices", "model", "device", "engine", "latency", "memory", "parallel", "slo")
} | {
    "experiment": "b",
    "scenario": "b",
    "system": "b",
    "code": "0123456789ab",
    "seed": 99,
    "max_length": 99,
    "workload": {"other": 1},
    "arrivals": {"other": 1},
    "predictor": None,
    "measure": {"other": 1},
    "log": "requests",
    "label": "b",
    "schema_version": 99,
}


@pytest.mark.parametrize("name", [entry.name for entry in fields(Point)])
def test_the_digest_changes_with_every_field(name: str) -> None:
    """No two points that differ anywhere share a digest, so that --resume never takes one for the other."""
    point = next(point for point in points() if point.system == "s3")
    assert replace(point, **{name: OTHER[name]}).key != point.key


def test_only_a_system_of_one_s_own_tells_of_its_code() -> None:
    """The points of s3sim's systems are what they were before others could be given: same JSON, same digest."""
    point = points()[0]
    assert "code" not in point.to_json()
    own = replace(point, code="0123456789ab")
    assert own.to_json() == point.to_json() | {"code": "0123456789ab"}
    assert [Point.from_json(one.to_json()) for one in (point, own)] == [point, own]


def test_the_digest_changes_with_a_file_s_content(tmp_path: Path) -> None:
    """A trace of the same name with another row is another point, so that --resume does not reuse old results."""
    values = traced(tmp_path)
    before = load_experiment(values).points[0]
    Path(values["workload"]["path"]).write_text("prompt_tokens,output_tokens\n3,3\n", encoding="utf-8")
    after = load_experiment(values).points[0]
    assert before.workload["path"] == after.workload["path"]
    assert before.key != after.key


def test_files_are_looked_for_beside_the_yaml_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The YAML's folder, then the working folder, then $S3SIM_DATA; an absolute path stands for itself."""
    folders = [tmp_path / name for name in ("yaml", "here", "data")]
    for folder in folders:
        folder.mkdir()
        write(folder, "prompt_tokens,output_tokens\n3,3\n", "rows.csv")
    path = write(folders[0], json.dumps(tiny(workload={"kind": "trace", "path": "rows.csv"})))
    monkeypatch.chdir(folders[1])
    monkeypatch.setenv("S3SIM_DATA", str(folders[2]))
    for folder in folders:
        found = Path(load_experiment(path).points[0].workload["path"])
        assert found == (folder / "rows.csv").resolve()
        found.unlink()
    with pytest.raises(InputError, match=r"no file 'rows\.csv' in .*yaml, .*here, .*data;"):
        load_experiment(path)
