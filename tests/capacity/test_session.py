"""A search's runs are kept: killed, resumed, read again; nothing is computed twice."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import s3sim
from s3sim.core.errors import InputError, SystemFaultError
from s3sim.experiment.resolved import Point
from s3sim.experiment.sweep import Done, run_points
from tests.capacity.questions import ask, fixed

GIVEN: dict[str, Any] = {"slo": "mean:e2el<70ms", "tolerance": 0.9, "low": 5, "seeds": [0, 1], "max_seeds": 2}
SMALL = fixed(requests=40, arrivals={"kind": "constant", "rate": 25.0})  # every run is settled
Runner = Callable[..., Iterator[Done]]


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The points that are simulated, in the order in which they are asked for."""
    names: list[str] = []

    def run(points: Sequence[Point], work: Callable[[Point], None], *, workers: int) -> Iterator[Done]:
        names.extend(point.directory for point in points)
        yield from run_points(points, work, workers=1)

    monkeypatch.setattr("s3sim.api.capacity.run_points", run)
    return names


def test_every_number_traces_to_its_runs(tmp_path: Path, counted: list[str]) -> None:
    """capacity.json names the folders of each probe's runs; summary.csv has a row for each, and no other."""
    answer = ask(tmp_path, SMALL, **GIVEN)
    written = json.loads((tmp_path / "capacity.json").read_text(encoding="utf-8"))
    assert written == answer.to_json()
    named = [name for probe in written["capacities"][0]["probes"] for name in probe["points"]]
    assert sorted(named) == sorted(counted)
    assert len(set(counted)) == len(counted)
    assert set(pd.read_csv(tmp_path / "summary.csv")["point"]) == set(named)
    rows = pd.read_csv(tmp_path / "summary.csv").set_index("point")
    for probe in answer.capacities[0].probes:
        assert probe.readings[0].mean_ms == pytest.approx(rows.loc[list(probe.points), "mean_e2el_ms"].mean())


def test_a_run_can_be_made_again_from_what_is_kept(tmp_path: Path) -> None:
    """point.json alone gives the same requests."""
    name = ask(tmp_path, SMALL, **GIVEN).capacities[0].probes[0].points[0]
    plain = json.loads((tmp_path / "points" / name / "point.json").read_text(encoding="utf-8"))
    plain.pop("facts")
    again = s3sim.simulate(Point.from_json(plain)).requests
    pd.testing.assert_frame_equal(again, pd.read_parquet(tmp_path / "points" / name / "requests.parquet"))


def test_resume_computes_nothing_again_and_answers_the_same(tmp_path: Path, counted: list[str]) -> None:
    """Also for another SLO: what it shares with the first is read, and the rest is added."""
    first = ask(tmp_path, SMALL, **GIVEN)
    counted.clear()
    assert ask(tmp_path, SMALL, **GIVEN, resume=True).to_json() == first.to_json()
    assert counted == []
    other = ask(tmp_path, SMALL, **(GIVEN | {"slo": "p90:e2el<90ms", "tolerance": 0.2}), resume=True)
    assert 0 < len(counted) < other.capacities[0].runs


def test_an_interrupted_search_goes_on_where_it_was(
    tmp_path: Path, counted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message says how; finished runs are in the summary, and the whole answer is that of an unbroken search."""
    unbroken = ask(tmp_path / "unbroken", SMALL, **GIVEN)
    total = len(counted)

    def stop(_: object, probe: object) -> None:
        raise KeyboardInterrupt

    counted.clear()
    with pytest.raises(SystemFaultError, match=r"^interrupted; finished runs are in .*; resume=True goes on"):
        ask(tmp_path / "broken", SMALL, **GIVEN, on_probe=stop)
    assert len(pd.read_csv(tmp_path / "broken" / "summary.csv")) == len(counted) == 2
    assert not (tmp_path / "broken" / "capacity.json").exists()
    again = ask(tmp_path / "broken", SMALL, **GIVEN, resume=True)
    assert len(counted) == total
    assert again.to_json() == unbroken.to_json()


def test_results_that_are_there_are_not_touched(tmp_path: Path) -> None:
    """Neither by a second search, nor by a run of the experiment itself."""
    ask(tmp_path, SMALL, **GIVEN)
    before = (tmp_path / "capacity.json").read_bytes()
    with pytest.raises(InputError, match="holds results already"):
        ask(tmp_path, SMALL, **GIVEN)
    with pytest.raises(InputError, match="its name is 'fixed-capacity', and not 'fixed'"):
        s3sim.run(SMALL, out=tmp_path, resume=True)
    assert (tmp_path / "capacity.json").read_bytes() == before
    ask(tmp_path, SMALL, **GIVEN, overwrite=True)


def test_a_question_without_sense_writes_nothing(tmp_path: Path) -> None:
    """Unknown metric, offline load, no room for one sequence: refused before anything is there."""
    for values, given, message in (
        (SMALL, GIVEN | {"slo": "p99:itl<1s"}, "unknown metric"),
        (SMALL | {"arrivals": {"kind": "offline"}}, GIVEN, "is offline"),
        (SMALL | {"memory": {"kv_capacity_tokens": 8}}, GIVEN, "no room for one sequence"),
    ):
        with pytest.raises(InputError, match=message):
            ask(tmp_path / "out", values, **given)
    assert not (tmp_path / "out").exists()


def test_the_answer_is_two_tables(tmp_path: Path) -> None:
    """A row per system and setting, and one per probe, whose columns say what is in them."""
    answer = ask(tmp_path, SMALL, **GIVEN)
    (one,) = answer.capacities
    assert answer.summary.loc[0, ["system", "value", "not_met", "probes", "runs"]].tolist() == [
        *("orca", one.value, one.not_met, len(one.probes)),
        one.runs,
    ]
    assert list(answer.probes.columns) == [
        *("system", "level", "seeds", "saturated", "verdict", "mean_e2el_ms", "mean_e2el_ms_half_width")
    ]
    assert len(answer.probes) == len(one.probes)
