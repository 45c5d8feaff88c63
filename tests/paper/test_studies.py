"""The studies: their YAMLs, their walls, and that a run goes on where it was killed."""

import re
from pathlib import Path
from shutil import rmtree

import pandas as pd
import pytest
import yaml

from s3sim.core.errors import InputError
from s3sim.experiment.schema import load_experiment
from s3sim.paper.checks import WALLS, wall
from s3sim.paper.runs import calibration_sets, run_studies
from s3sim.paper.structure import PLACEMENTS
from s3sim.paper.studies import QUICK_REQUESTS, STUDIES, Study, thinned
from s3sim.paper.today import regime
from tests.paper.conftest import EXPERIMENTS

LEAST_SEEDS, LEAST_SETS = 3, 20
ONLINE = {"ageing", "gpus", "held", "mlperf", "online", "today"}  # requests arrive over time
WHOLE = {"walls"}  # of which only the largest batch is told
PLACES = {"first_fit", "size_classes", "move_needed", "slide_all", "slide_on_release", "anywhere"}


@pytest.mark.parametrize("path", sorted(EXPERIMENTS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_yaml_is_a_study_that_asks_its_question(path: Path) -> None:
    """The second line is the question, the name says whose it is, and randomness has three seeds."""
    text = path.read_text(encoding="utf-8")
    loaded = load_experiment(path)
    assert re.match(r"# Question: .*\?$", text.splitlines()[1])
    assert loaded.experiment.name == f"paper_{path.stem}"
    assert path.stem in {study.name for study in STUDIES}
    assert len(loaded.experiment.seeds) >= LEAST_SEEDS or path.stem in ("walls", "calibration")


def test_every_study_has_its_yaml() -> None:
    """None is lost."""
    assert {study.name for study in STUDIES} == {path.stem for path in EXPERIMENTS.glob("*.yaml")}


@pytest.mark.parametrize("name", WALLS)
def test_walls_are_exact(name: str) -> None:
    """80·10⁹ bytes less weights, context and workspace 0: the batches of the paper's models at each length."""
    for length, batch in WALLS[name].items():
        assert wall(name, length, memory_bytes=80 * 10**9, context_bytes=0, workspace_bytes=0) == batch
    assert wall(name, 2048, memory_bytes=80 * 10**9, context_bytes=0, workspace_bytes=10**9) < WALLS[name][2048] + 1


def test_the_sets_are_twenty_engines() -> None:
    """Each is a whole set of constants with a name of its own."""
    sets = calibration_sets()
    assert len(sets) >= LEAST_SETS
    assert len({one["name"] for one in sets}) == len(sets)
    values = yaml.safe_load((EXPERIMENTS / "calibration.yaml").read_text(encoding="utf-8"))
    points = load_experiment({**values, "sweep": {"engine": sets[:2]}}).points
    assert {point.engine["name"] for point in points} == {"set-00", "set-01"}


def test_calibration_serves_the_requests_of_the_headline() -> None:
    """The sets are compared with the shipped constants on one trace: same workload, seed among the others."""
    one, other = (
        yaml.safe_load((EXPERIMENTS / f"{name}.yaml").read_text(encoding="utf-8"))
        for name in ("calibration", "throughput")
    )
    assert one["workload"] == other["workload"]
    assert one["measure"] == other["measure"]
    assert set(one["seeds"]) <= set(other["seeds"])
    for name in ("gpt_j", "neox"):
        sweeps = [each["scenarios"][name]["sweep"] for each in (one, other)]
        assert sweeps[0]["workload.requests"] == sweeps[1]["workload.requests"]
        assert set(sweeps[0]["max_length"]) <= set(sweeps[1]["max_length"])


@pytest.mark.parametrize("path", sorted(EXPERIMENTS.glob("*.yaml")), ids=lambda path: path.stem)
def test_bursts_are_measured_in_their_saturated_part(path: Path) -> None:
    """A drain ranks systems by how long it is: only where the question is of whole bursts are they measured so."""
    if path.stem in ONLINE | WHOLE:
        return
    for point in load_experiment(path).points:
        if point.scenario not in ("whole", "arriving", "arriving_in_bursts"):
            assert point.measure["burst"] == "saturated", point.scenario


def test_placements_are_all_there_by_name() -> None:
    """Every placement of S³ is run under its own name, whatever the default is."""
    points = load_experiment(EXPERIMENTS / "placements.yaml").points
    assert {point.choices["placement"] for point in points if point.system == "s3"} == PLACES
    assert set(PLACEMENTS.values()) == PLACES


def test_a_killed_run_goes_on(tmp_path: Path) -> None:
    """What is finished is not run again, what is lost is, and without --resume nothing is touched."""
    ran: list[int] = []

    def hear(study: Study, total: int, done: int) -> None:
        if not done:
            ran.append(total)

    studies = [study for study in STUDIES if study.name in ("links", "walls")]
    run_studies(EXPERIMENTS, tmp_path, workers=1, quick=True, studies=studies, hear=hear)
    lost = next((tmp_path / "links" / "points").iterdir())
    rmtree(lost)
    with pytest.raises(InputError, match="--resume continues"):
        run_studies(EXPERIMENTS, tmp_path, workers=1, quick=True, studies=studies)
    first = sum(ran)
    run_studies(EXPERIMENTS, tmp_path, workers=1, quick=True, studies=studies, hear=hear, resume=True)
    assert first > 1
    assert sum(ran) == first + 1


def test_a_thinned_experiment_keeps_the_ends_of_its_sweeps() -> None:
    """Few requests, two seeds, and of each sweep the first and the last value."""
    swept = {"x": [1, 2, 3], "y": [4], "workload.requests": [32000]}
    given = {"workload": {"requests": 5}, "seeds": [0, 1, 2], "scenarios": {"a": {"sweep": swept}}}
    found = thinned(given)
    assert found["scenarios"]["a"]["sweep"] == {"x": [1, 3], "y": [4], "workload.requests": [QUICK_REQUESTS]}
    assert found["seeds"] == [0, 1]


def test_regimes_are_told_apart() -> None:
    """Where ORCA keeps the SLO nothing limits; else memory does if another keeps it, and the SLO if nobody does."""

    def rows(orca: float, vllm: float) -> pd.DataFrame:
        return pd.DataFrame({"system": ["orca", "vllm"], "slo_attainment": [orca, vllm]})

    assert regime(rows(0.95, 0.2)) == "neither"
    assert regime(rows(0.5, 0.95)) == "memory"
    assert regime(rows(0.5, 0.6)) == "SLO"


def test_a_folder_without_the_studies_is_refused(tmp_path: Path) -> None:
    """The message names the file that is not there."""
    with pytest.raises(InputError, match=r"walls\.yaml: no such file"):
        run_studies(tmp_path, tmp_path / "out", workers=1)
