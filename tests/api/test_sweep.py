"""Sweeps: the same as in a YAML, resumable whatever stopped them, and nothing is computed twice."""

import os
import signal
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import s3sim
from s3sim.api.simulating import result_of
from s3sim.core.errors import InputError, SystemFaultError
from s3sim.experiment.resolved import Point
from tests.api.experiments import experiment
from tests.experiment.tiny import tiny

OVER: dict[str, list[Any]] = {"max_num_seqs": [2, 4, 8], "predictor.accuracy": [0.5, 1.0]}


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the points that are simulated, in this process."""
    seen: list[str] = []

    def count(point: Point, systems: Any) -> Any:
        seen.append(point.directory)
        return result_of(point, systems)

    monkeypatch.setattr("s3sim.api.directory.result_of", count)
    return seen


def test_a_sweep_over_axes_is_the_yaml_s(tmp_path: Path) -> None:
    """The same points, in the same order, with the same summary, as if the YAML named the axes."""
    mine = s3sim.sweep(experiment(), over=OVER, out=tmp_path / "mine")
    yaml = s3sim.run(experiment(sweep=OVER), out=tmp_path / "yaml", figures=False)
    pd.testing.assert_frame_equal(mine.summary, yaml.summary, check_exact=True)
    assert (mine.path / "summary.csv").read_bytes() == (yaml.path / "summary.csv").read_bytes()
    assert len(mine) == 12


def test_a_sweep_over_what_a_scenario_sweeps_takes_its_place(tmp_path: Path) -> None:
    """Where a scenario sweeps the key already, it sweeps the new values, and so do the others."""
    values = tiny(seeds=[0], systems=["orca"])
    summary = s3sim.sweep(s3sim.Experiment(values), over={"max_num_seqs": [3, 5]}, out=tmp_path / "out").summary
    told = summary.groupby("scenario")["max_num_seqs"].apply(list).to_dict()
    assert told == {"offline": [3, 5], "online": [3, 5]}


def test_what_a_sweep_writes_is_what_simulate_gives(tmp_path: Path) -> None:
    """Every table and metric of each point, whether it is simulated here or by a worker."""
    results = s3sim.sweep(experiment(), over={"max_num_seqs": [2, 4]}, out=tmp_path / "out", workers=2)
    assert len(results) == 4
    for kept in results:
        again = s3sim.simulate(kept.point)
        assert again.summary == kept.summary
        assert again.point == kept.point
        for name in ("requests", "events", "steps"):
            pd.testing.assert_frame_equal(getattr(again, name), getattr(kept, name))


def test_more_values_compute_those_alone(tmp_path: Path, counted: list[str]) -> None:
    """With resume, points that are there are kept, and the summary has all, in order."""
    first = s3sim.sweep(experiment(), over={"max_num_seqs": [2, 8]}, out=tmp_path / "out")
    assert len(counted) == len(first) == 4
    counted.clear()
    more = s3sim.sweep(experiment(), over={"max_num_seqs": [2, 4, 8]}, out=tmp_path / "out", resume=True)
    assert len(counted) == 2
    assert more.summary["max_num_seqs"].tolist() == [2, 2, 4, 4, 8, 8]


@pytest.mark.parametrize("sent", ["by hand", "as a signal"])
def test_an_interrupted_sweep_loses_no_finished_point(
    sent: str, tmp_path: Path, counted: list[str], request: pytest.FixtureRequest
) -> None:
    """An interrupt after three of six points: they are there whole, the message says how to go on, and it does."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # tests begun in the background ignore it
    request.addfinalizer(partial(signal.signal, signal.SIGINT, before))
    done: list[str] = []

    def stop(point: Point) -> None:
        done.append(point.directory)
        if len(done) == 3:
            os.kill(os.getpid(), signal.SIGINT) if sent == "as a signal" else _interrupt()

    source = experiment(seeds=[0, 1, 2])
    with pytest.raises(SystemFaultError, match=r"^interrupted; 3 of 6 points are finished in .*; resume=True goes on"):
        s3sim.run(source, out=tmp_path / "out", figures=False, on_point=stop)
    assert s3sim.load(tmp_path / "out").summary["point"].tolist() == done
    counted.clear()
    whole = s3sim.sweep(source, out=tmp_path / "out", resume=True)
    assert counted == [point.directory for point in source.points if point.directory not in done]
    unbroken = s3sim.sweep(source, out=tmp_path / "unbroken")
    pd.testing.assert_frame_equal(whole.summary, unbroken.summary, check_exact=True)


def _interrupt() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ({"max_num_seqs": 3}, r"^over: max_num_seqs: 3 is no list of values"),
        ({"arrivals": "abc"}, r"^over: arrivals: 'abc' is no list of values"),
        ({"max_num_seq": [3]}, r"max_num_seq: unknown key"),
        ({"seeds": [1]}, r"belongs to the whole experiment"),
        ({"max_num_seqs": []}, r"is empty; give at least one"),
    ],
)
def test_what_cannot_be_swept_is_refused(over: Any, message: str, tmp_path: Path) -> None:
    """Before anything is written."""
    with pytest.raises(InputError, match=message):
        s3sim.sweep(experiment(), over=over, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_one_point_is_simulated_at_a_time() -> None:
    """An experiment of one point is that point; of several, the error says how to choose."""
    alone = experiment(systems=["s3"])
    assert s3sim.simulate(alone).summary == s3sim.simulate(alone.points[0]).summary
    assert s3sim.simulate(experiment(), system="s3").summary == s3sim.simulate(alone).summary
    with pytest.raises(InputError, match=r"^tiny: 2 points fit, and one is needed; say also system: 'orca', 's3'$"):
        s3sim.simulate(experiment())
    with pytest.raises(InputError, match=r"^system: a point is no choice among several"):
        s3sim.simulate(alone.points[0], system="s3")
