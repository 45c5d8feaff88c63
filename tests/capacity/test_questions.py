"""What may be asked, of which systems, and with which seeds."""

from typing import Any

import pytest

from s3sim.capacity.axes import AXES
from s3sim.capacity.question import Question, ask, subjects
from s3sim.core.errors import InputError
from s3sim.experiment.schema import load_experiment
from tests.capacity.questions import starved

GIVEN: dict[str, Any] = {
    "seeds": None,
    "own_seeds": [4],
    "max_seeds": None,
    "confidence": 0.95,
    "low": None,
    "high": None,
    "tolerance": None,
}
NONSENSE = {
    "one seed": ({"seeds": [0]}, "--seeds: 1 given; two at least"),
    "a seed twice": ({"seeds": [0, 0]}, "one stands twice"),
    "a seed below 0": ({"seeds": [0, -1]}, "below 0"),
    "fewer at most": ({"seeds": [0, 1, 2], "max_seeds": 2}, "--max-seeds: 2 is less than the 3"),
    "certainty": ({"confidence": 1.0}, "--confidence: 1 is not between 0 and 1"),
    "no confidence": ({"confidence": float("nan")}, "--confidence: nan is not between"),
    "a rate of 0": ({"low": 0.0}, "--low: 0.0 is not above 0"),
    "an endless rate": ({"high": float("inf")}, "--high: inf is not above 0"),
    "a finer tolerance than levels have digits": ({"tolerance": 0.0}, "--tolerance: 0.0 is no share"),
    "a tolerance of all": ({"tolerance": 1.0}, "--tolerance: 1.0 is no share"),
}


def question(find: str = "rate", **changes: Any) -> Question:
    """One about the mean E2EL."""
    return ask(find, ["mean:e2el<1s"], **(GIVEN | changes))


@pytest.mark.parametrize("case", NONSENSE)
def test_nonsense_is_refused(case: str) -> None:
    """The message names the option, the value, and what would be right."""
    changes, message = NONSENSE[case]
    with pytest.raises(InputError, match=message):
        question(**changes)


def test_unknown_quantities_and_halves_of_replicas_are_refused() -> None:
    """The known quantities are listed; a batch and a replica are whole."""
    with pytest.raises(InputError, match=r"unknown quantity 'rates'; did you mean 'rate'.*known: batch, gpus, rate"):
        question("rates")
    with pytest.raises(InputError, match=r"--low: 1\.5 is no whole number, and replicas is"):
        question("gpus", low=1.5)


def test_ends_must_be_in_order() -> None:
    """A low end above the high one."""
    points = load_experiment(starved()).points
    with pytest.raises(InputError, match="--low: 9 is above --high 3; exchange them"):
        question(low=9.0, high=3.0).span(points)


def test_a_search_starts_where_the_experiment_is() -> None:
    """At its largest rate, and a hundredth of it; given ends come first."""
    points = load_experiment(starved(sweep={"arrivals.rate": [5.0, 30.0, 10.0]})).points
    spans = [question(**ends).span(points) for ends in ({}, {"high": 50.0}, {"low": 2.0}, {"low": 70.0})]
    assert [(span.low, span.high) for span in spans] == [(0.3, 30.0), (0.5, 50.0), (2.0, 30.0), (70.0, 70.0)]


def test_few_seeds_are_prolonged_by_those_that_follow() -> None:
    """An experiment's one seed becomes three; given seeds stay as they are, and then the next are taken."""
    assert question().seeds == (4, 5, 6)
    assert question().seeds_of(5) == (4, 5, 6, 7, 8)
    assert question(seeds=[9, 2]).seeds_of(4) == (9, 2, 10, 11)
    assert question(own_seeds=[0, 1, 2, 3]).seeds == (0, 1, 2, 3)


def test_looks_double_and_share_the_risk() -> None:
    """Three looks at 95% are each as sure as 98⅓%, so that all three err in 5% at most."""
    asked = question(max_seeds=10)
    assert asked.looks == (3, 6, 10)
    assert asked.confidence_of_a_look == pytest.approx(1 - 0.05 / 3)
    assert question(max_seeds=3).looks == (3,)


def test_each_system_in_each_setting_is_a_search_of_its_own() -> None:
    """A sweep over the rate is where to start, one over anything else a setting; seeds are not told apart."""
    sweep = {"arrivals.rate": [5.0, 30.0], "max_length": [128, 256]}
    loaded = load_experiment(starved(sweep=sweep, seeds=[0, 1]))
    asked = subjects(loaded, AXES["rate"], scenario=None, systems=())
    assert [subject.name for subject in asked] == [
        f"{name} max_length={length}" for length in (128, 256) for name in ("orca", "oracle_exact")
    ]
    assert all(len(subject.points) == 2 for subject in asked)
    assert {subject.base.log for subject in asked} == {"requests"}
    (only,) = subjects(load_experiment(starved()), AXES["rate"], scenario=None, systems=["orca"])
    assert only.system == "orca"


def test_the_scenario_is_the_one_that_fits_or_must_be_named() -> None:
    """Of an offline and an online one, a rate means the online one; of two, one has to be chosen."""
    online = {"arrivals": {"kind": "poisson", "rate": 9.0}}
    both = load_experiment(starved(scenarios={"still": {"arrivals": {"kind": "offline"}}, "busy": online}))
    found = subjects(both, AXES["rate"], scenario=None, systems=())
    assert {subject.base.scenario for subject in found} == {"busy"}
    with pytest.raises(InputError, match="--scenario: choose one of still, busy"):
        subjects(both, AXES["batch"], scenario=None, systems=())
    with pytest.raises(InputError, match="unknown scenario 'bussy'; did you mean 'busy'"):
        subjects(both, AXES["rate"], scenario="bussy", systems=())
    with pytest.raises(InputError, match="scenario 'still' is offline"):
        subjects(both, AXES["rate"], scenario="still", systems=())


def test_unknown_systems_are_refused() -> None:
    """The experiment's own are listed."""
    with pytest.raises(InputError, match=r"--system: unknown system 's3' \(known: oracle_exact, orca\)"):
        subjects(load_experiment(starved()), AXES["rate"], scenario=None, systems=["orca", "s3"])
