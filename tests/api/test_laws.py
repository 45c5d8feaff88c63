"""check_laws says that a system keeps the laws where it does, and names the one that it breaks."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

import s3sim
from s3sim import Experiment, System
from s3sim.core.errors import InvariantError
from s3sim.core.events import Event, EventLog
from s3sim.core.replica import Scheduler
from s3sim.core.request import Sequence
from s3sim.policies.queues import FirstComeQueue
from s3sim.policies.registry import SYSTEMS, Orca
from s3sim.sim import laws
from s3sim.sim.simulate import simulate_point
from tests.api.experiments import experiment
from tests.experiment.tiny import tiny

LAWS = 7


def crowded(name: str, **keys: Any) -> Experiment:
    """The small experiment with many overruns, little memory, and requests that come one by one."""
    given = {"arrivals": {"kind": "poisson", "rate": 100.0}, "predictor": {"kind": "constant", "tokens": 6}} | keys
    return experiment(systems=[name], **given)


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_system_keeps_the_laws(name: str) -> None:
    """On a device that is short of memory, with requests that come one by one."""
    found = s3sim.check_laws(crowded(name))
    assert len(found) == LAWS
    assert found["holds"].all(), found


def test_predictions_on_the_device_break_no_law() -> None:
    """A pause of the device is not idleness."""
    predictor = {"kind": "constant", "tokens": 6, "seconds": 0.01, "charged_to": "gpu"}
    assert s3sim.check_laws(crowded("s3", predictor=predictor))["holds"].all()


def broken(events: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch, *, step: int | None = None) -> list[str]:
    """The laws that a log with these events, and steps with other slots, is said to break."""
    point = crowded("s3").points[0]
    true = simulate_point(point)
    log = EventLog()
    for row in events:
        log.event(*row)
    for row in true.log.step_rows():
        log.step(row if step is None else (*row[:10], step, *row[11:]))
    runs = iter([replace(true, log=log), replace(true, log=log), replace(true, log=log)])
    monkeypatch.setattr(laws, "simulate_point", lambda *_, **__: next(runs))
    return [law.law for law in laws.laws_of(point) if not law.holds]


def test_a_log_that_breaks_a_law_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request lost, twice ended, one token short, a time that runs back, slots that are not there or stay held."""
    rows = list(simulate_point(crowded("s3").points[0]).log.event_rows())
    assert broken(rows, monkeypatch) == []
    last = max(n for n, row in enumerate(rows) if row[1] == Event.FINISHED)
    time, kind, ident, tokens, *rest = rows[last]
    assert broken(rows[:last] + rows[last + 1 :], monkeypatch) == ["every request is finished or rejected, once"]
    assert broken([*rows, rows[last]], monkeypatch) == ["every request is finished or rejected, once"]
    short = [*rows[:last], (time, kind, ident, tokens - 1, *rest), *rows[last + 1 :]]
    assert broken(short, monkeypatch) == ["each that is finished has its true number of tokens"]
    early = [*rows[:last], (0, kind, ident, tokens, *rest), *rows[last + 1 :]]
    assert broken(early, monkeypatch) == ["time never runs back in a request's life"]
    slots = "slots held are there, slots written are held, all return"
    assert broken(rows, monkeypatch, step=513) == [slots]
    assert broken([*rows, (time, Event.IDLE, 0, 1, 0, 0)], monkeypatch) == [slots]
    waits = [row for row in rows if row[1:3] != (Event.ADMITTED, ident)]
    assert "nobody waits for an idle device" in broken(waits, monkeypatch)


def test_logs_that_differ_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that is not the same each time, or not in single steps."""
    one, other = (simulate_point(crowded(name).points[0]) for name in ("s3", "ssjf"))
    for runs, law in (
        ([one, other, one], "the same inputs give the same log"),
        ([one, one, other], "stretches equal single steps"),
    ):
        left = iter(runs)
        monkeypatch.setattr(laws, "simulate_point", lambda *_, left=left, **__: next(left))
        found = {law.law: law.holds for law in laws.laws_of(crowded("s3").points[0])}
        assert [name for name, holds in found.items() if not holds] == [law]


@dataclass(frozen=True, slots=True)
class Late:
    """An admission that waits for three before it lets anybody in."""

    def queue(self) -> FirstComeQueue:
        """An ordinary queue."""
        return FirstComeQueue()

    def next(self, view: Any, waiting: FirstComeQueue) -> Sequence | None:
        """The head, if there are enough behind it, or it was let in before."""
        head = waiting.head()
        return head if (len(waiting) >= 3 or view.admitted) and head.demand <= view.free else None

    def arrival_matters(self, view: Any, waiting: FirstComeQueue) -> bool:
        """Always."""
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient(Orca):
    """ORCA that waits for company."""

    def scheduler(self, *, name: str, capacity: int, max_length: int) -> Scheduler:
        """ORCA's decisions with another admission."""
        return replace(Orca.scheduler(self, name=name, capacity=capacity, max_length=max_length), admission=Late())


def test_a_system_that_lets_requests_wait_is_told_so() -> None:
    """Idle though somebody waits: no error while more are to come, and the table says how often."""
    slow = {"arrivals": {"kind": "constant", "rate": 2.0}, "workload": tiny()["workload"] | {"requests": 3}}
    one = experiment(systems=["patient"], own_systems={"patient": System(Patient)}, **slow)
    found = s3sim.check_laws(one).set_index("law")
    assert found.index[~found["holds"]].tolist() == ["nobody waits for an idle device"]
    assert found.loc["nobody waits for an idle device", "found"] == "in 2 of 3 times that it was idle"


def test_a_system_that_never_ends_raises() -> None:
    """Two that wait for a third that does not come: the driver says what waits, and nobody catches it."""
    few = {"arrivals": {"kind": "constant", "rate": 2.0}, "workload": tiny()["workload"] | {"requests": 2}}
    with pytest.raises(InvariantError, match="2 sequences wait"):
        s3sim.check_laws(experiment(systems=["patient"], own_systems={"patient": System(Patient)}, **few))
