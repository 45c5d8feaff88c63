"""A system of one's own is tried before its points are run, and refused where it breaks a law."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

import s3sim
from s3sim import Experiment, System
from s3sim.api import trial
from s3sim.core.errors import InputError, InvariantError
from s3sim.core.protocols import View
from s3sim.core.replica import Scheduler
from s3sim.core.request import Sequence
from s3sim.experiment.resolved import Point
from s3sim.policies.admission import FirstCome
from s3sim.policies.queues import FirstComeQueue
from s3sim.policies.registry import SYSTEMS, Orca
from s3sim.sim.laws import Law, laws_of
from tests.api.experiments import TWIN, Twin, experiment
from tests.api.test_laws import Patient


@dataclass(frozen=True, slots=True)
class Deaf(FirstCome):
    """First come, first served, that says of no arrival that it matters."""

    def arrival_matters(self, view: Any, waiting: FirstComeQueue) -> bool:
        """Never, which is wrong."""
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Heedless(Orca):
    """ORCA with a mistake that arrivals one by one alone show."""

    def scheduler(self, *, name: str, capacity: int, max_length: int) -> Scheduler:
        """ORCA's decisions with that admission."""
        return replace(Orca.scheduler(self, name=name, capacity=capacity, max_length=max_length), admission=Deaf())


@dataclass(frozen=True, slots=True)
class Shy(FirstCome):
    """First come, first served, that leaves the last in the queue alone."""

    def next(self, view: View, waiting: FirstComeQueue) -> Sequence | None:
        """The head, if there is somebody behind it."""
        return FirstCome.next(self, view, waiting) if len(waiting) > 1 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endless(Orca):
    """ORCA that never serves the last request."""

    def scheduler(self, *, name: str, capacity: int, max_length: int) -> Scheduler:
        """ORCA's decisions with that admission."""
        return replace(Orca.scheduler(self, name=name, capacity=capacity, max_length=max_length), admission=Shy())


@dataclass(frozen=True, slots=True, kw_only=True)
class Large(Orca):
    """ORCA that wants much memory."""

    def scheduler(self, *, name: str, capacity: int, max_length: int) -> Scheduler:
        """ORCA's, on a large device."""
        if capacity < 512:
            raise InputError(f"{name}: {capacity} slots are too few")
        return Orca.scheduler(self, name=name, capacity=capacity, max_length=max_length)


@dataclass(slots=True)
class Told:
    """Bars that are remembered."""

    lines: list[str] = field(default_factory=list)

    def show(self, name: str, done: int, total: int | None = None, *, words: str = "") -> None:
        """Remember it."""
        self.lines.append(f"{name}{words}")


def own(kind: Any, **keys: Any) -> Experiment:
    """The small experiment with one system of one's own."""
    mine = System(kind, needs="predictor" if kind is Twin else "nothing")
    return experiment(systems=["mine"], own_systems={"mine": mine}, **keys)


@pytest.mark.parametrize(
    ("kind", "law"),
    [
        (Heedless, "stretches equal single steps"),
        (Patient, "nobody waits for an idle device"),
    ],
)
def test_a_system_that_breaks_a_law_is_refused_before_anything_is_written(kind: Any, law: str, tmp_path: Path) -> None:
    """The error names the system, the law, and how to see it and to go on; with check=False the run goes on."""
    out = tmp_path / "out"
    one = own(kind, arrivals={"kind": "offline"})
    for act in (s3sim.run, s3sim.sweep):
        with pytest.raises(
            InputError, match=rf"(?s)^own_systems: 'mine' breaks laws.*{law}: .*check_laws.*check=False"
        ):
            act(one, out=out)
    assert not out.exists()
    assert len(s3sim.run(one, out=out, figures=False, check=False)) == 1


def test_a_system_that_cannot_go_on_is_told_apart(tmp_path: Path) -> None:
    """The driver's own error comes through, with a note of where it was met, and nothing is written."""
    with pytest.raises(InvariantError, match="1 sequences wait") as caught:
        s3sim.run(own(Endless, arrivals={"kind": "offline"}), out=tmp_path / "out")
    assert "check=False" in caught.value.__notes__[0]
    assert not (tmp_path / "out").exists()


def test_a_system_that_keeps_the_laws_is_told_so_and_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another point of the same code and choices is not tried again; other choices are."""
    runs: list[Point] = []

    def counted(point: Point, **keys: Any) -> Iterator[Law]:
        runs.append(point)
        return laws_of(point, **keys)

    monkeypatch.setattr(trial, "laws_of", counted)

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Fresh(Orca):
        """ORCA's code under a name that no other test has tried."""

    told = Told()
    for keys in ({}, {"seeds": [4]}, {"max_num_seqs": 3}):
        one = own(Fresh, **keys)
        trial.demand_lawful(one.points, {**SYSTEMS, **one.own_systems}, told)
    assert told.lines == ["laws of mine: kept on a trial"] * 3
    assert len(runs) == 2 * 2
    built_in = experiment()
    trial.demand_lawful(built_in.points, SYSTEMS, told)
    assert len(told.lines) == 3, "systems of s3sim have tests of their own"


def test_a_trial_is_short_of_memory() -> None:
    """The few requests of a trial, however large the device, preempt where the system can."""
    large = own(Twin, memory={}, predictor={"kind": "constant", "tokens": 6})
    for point in trial.trial_points(large.points[0], {"mine": TWIN}):
        summary = s3sim.simulate(point, own_systems={"mine": TWIN}).summary
        assert summary["completed"] == trial.REQUESTS or point.workload["requests"] == 20
        assert summary["preemptions"] > 0


def test_every_workload_can_be_cut_to_a_trial(tmp_path: Path) -> None:
    """Phases, a file's rows and a closed loop too."""
    rows = "".join(f"{5 + row % 7},{3 + row % 9},{row / 10}\n" for row in range(60))
    file = tmp_path / "rows.csv"
    file.write_text("prompt_tokens,output_tokens,arrival_s\n" + rows)
    loads: list[tuple[dict[str, Any], int]] = [
        ({"workload": {"kind": "trace", "path": str(file), "format": "csv"}}, 40),
        ({"workload": {"kind": "phases", "phases": [{"name": "alpaca", "requests": n} for n in (5, 90)]}}, 25),
        ({"arrivals": {"kind": "closed_loop", "users": 3}}, 20),
    ]
    for keys, number in loads:
        for point in trial.trial_points(own(Twin, **keys).points[0], {"mine": TWIN}):
            assert len(s3sim.simulate(point, own_systems={"mine": TWIN}).requests) == number


def test_a_system_that_refuses_so_little_memory_is_not_tried(tmp_path: Path) -> None:
    """The trial is no reason to refuse what the experiment itself can run."""
    told, one = Told(), own(Large)
    trial.demand_lawful(one.points, {**SYSTEMS, **one.own_systems}, told)
    (line,) = told.lines
    assert line.startswith("laws of mine: not tried: mine: ")
    assert len(s3sim.run(one, out=tmp_path / "out", figures=False)) == 1
