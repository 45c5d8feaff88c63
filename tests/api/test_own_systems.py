"""A system of one's own, handed over and registered nowhere: it does what a built-in one would."""

import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import s3sim
from s3sim import Experiment, System
from s3sim.core.errors import InputError
from s3sim.policies.registry import SYSTEMS
from tests.api.experiments import CAREFUL, TWIN, Careful, experiment
from tests.experiment.tiny import tiny

LUCK: Any = "luck"
OWN = {"twin": TWIN, "careful": CAREFUL}


def owned(*names: Any, **keys: Any) -> Experiment:
    """The small experiment with systems of one's own, overruns to be expected."""
    given = {"systems": list(names), "predictor": {"kind": "constant", "tokens": 6}} | keys
    return Experiment(tiny(scenarios={"main": {}}, seeds=[0], **given), own_systems=OWN)


def test_a_system_like_a_built_in_one_gives_its_log() -> None:
    """S³ under another name decides the same, event by event and step by step, overruns included."""
    one = owned("s3", "twin", max_num_seqs=6)
    s3, twin = (s3sim.simulate(one, system=name) for name in ("s3", "twin"))
    assert s3.summary["preemptions"] > 0
    pd.testing.assert_frame_equal(s3.events, twin.events)
    pd.testing.assert_frame_equal(s3.steps, twin.steps)
    assert s3.summary == twin.summary


def test_its_choices_are_fields_of_the_experiment(tmp_path: Path) -> None:
    """They are checked, swept, and reserve what they say, in this process and in workers."""
    one = owned({"name": "careful", "label": "mine"})
    results = s3sim.sweep(one, over={"systems.mine.margin": [0, 16]}, out=tmp_path / "out", workers=2)
    for kept in results:
        margin = kept.point.choices["margin"]
        assert (kept.requests["reserved_tokens"] == kept.requests["prompt_tokens"] + 6 + margin).all()
    with pytest.raises(InputError, match=r"systems\.mine\.margin: input should be a valid integer.*'wide'"):
        one.with_({"systems.mine.margin": "wide"})


def test_a_sweep_of_it_is_compared_and_drawn_like_any(tmp_path: Path) -> None:
    """Beside built-in ones: a summary, paired differences, curves."""
    one = owned("orca", "s3", "twin", log="requests").with_(seeds=[0, 1])
    results = s3sim.sweep(one, over={"max_num_seqs": [2, 4]}, out=tmp_path / "out")
    told = results.summary.set_index(["max_num_seqs", "system", "seed"])["request_throughput"].unstack("system")
    assert told["s3"].tolist() == told["twin"].tolist()
    assert set(results.comparisons["system"]) == {"s3", "twin"}
    assert results.plot.throughput_latency().axes


def test_nothing_is_registered() -> None:
    """The package knows the system only where it is handed over."""
    assert not OWN.keys() & SYSTEMS.keys()
    point = owned("twin").points[0]
    with pytest.raises(InputError, match=r"^'twin' is a system of one's own, which a point does not hold: give own_"):
        s3sim.simulate(point)
    assert s3sim.simulate(point, own_systems=OWN).summary == s3sim.simulate(owned("twin")).summary
    with pytest.raises(InputError, match=r"^systems\.twin: unknown system 'twin'"):
        experiment(systems=["twin"])
    again = experiment().with_(systems=["orca", "twin"], own_systems={"twin": TWIN})
    assert list(again.own_systems) == ["twin"]
    assert list(again.with_(seeds=[3]).own_systems) == ["twin"]


def test_it_can_be_asked_what_it_bears(tmp_path: Path) -> None:
    """A capacity search takes it too."""
    one = owned("s3", "twin", arrivals={"kind": "poisson", "rate": 20.0})
    answer = s3sim.find_capacity(
        one, find="rate", slo="mean:e2el<1s", seeds=[0, 1], max_seeds=2, tolerance=0.5, out=tmp_path / "out"
    )
    s3, twin = answer.capacities
    assert (s3.value, s3.not_met) == (twin.value, twin.not_met)


SCRIPT = """
from dataclasses import dataclass, replace
from s3sim import Experiment, System, sweep
from s3sim.policies.registry import S3

FIRST = {margin}

@dataclass(frozen=True)
class Margin:
    more: int
    def tokens(self, sequence):
        wanted = sequence.request.prompt_tokens + sequence.predicted + self.more
        return max(min(wanted, sequence.max_tokens), sequence.min_reservation_tokens)

@dataclass(frozen=True)
class Mine:
    max_num_seqs: int | None = None
    def kv(self, capacity):
        return S3().kv(capacity)
    def scheduler(self, **device):
        return replace(S3(max_num_seqs=self.max_num_seqs).scheduler(**device), reservation=Margin(FIRST))

if __name__ == "__main__":
    values = {values!r}
    own = {{"mine": System(Mine, needs="predictor")}}
    results = sweep(Experiment(values, own_systems=own), out={out!r}, workers=2, resume={resume})
    for result in results:
        table = result.requests
        print(result.point.seed, (table["reserved_tokens"] - table["prompt_tokens"]).unique().tolist())
"""


def test_a_class_of_the_main_program_reaches_the_workers(tmp_path: Path) -> None:
    """As in a notebook: the class is in no module that a worker could import. Edited, it gives new results.

    What was computed with its older code is not resumed, for the point's digest holds the code's.
    """
    values = tiny(scenarios={"main": {}}, systems=["mine"], predictor={"kind": "constant", "tokens": 6})
    names = []
    for margin, resume in ((3, False), (4, True), (4, True)):
        code = SCRIPT.format(values=values, out=str(tmp_path / "out"), margin=margin, resume=resume)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines() == [f"{seed} [{6 + margin}]" for seed in (0, 1)]
        names.append({path.name for path in (tmp_path / "out" / "points").iterdir()})
    assert not names[0] & names[1]
    assert names[1] == names[2]


@dataclass(frozen=True)
class NoMethods:
    """A dataclass that decides nothing."""

    def kv(self, capacity: int) -> Any:
        """Nothing."""


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"s3": TWIN}, r"^own_systems: 's3' is a system of s3sim already; choose another name"),
        ({"My System": TWIN}, r"^own_systems: 'My System' is no name of a system; use a-z, 0-9 and _"),
        ({"mine": Careful}, r"^own_systems: 'mine' is <class .*Careful'>; give a System, as in System\("),
        ({"mine": System(int)}, r"^own_systems: 'mine': int is no dataclass"),  # type: ignore[arg-type]
        ({"mine": System(NoMethods)}, r"^own_systems: 'mine': NoMethods has no method scheduler"),  # type: ignore[arg-type]
        ({"mine": replace(CAREFUL, needs=LUCK)}, r"^own_systems: 'mine' needs 'luck'; that is one of nothing, "),
    ],
)
def test_what_is_no_system_is_refused(own: dict[str, Any], message: str) -> None:
    """By its name, with what would be right."""
    with pytest.raises(InputError, match=message):
        experiment(own_systems=own)


def test_fields_that_no_yaml_holds_are_refused() -> None:
    """The schema is made from the fields; one of another type is named."""

    @dataclass(frozen=True)
    class Odd(Careful):
        table: pd.DataFrame | None = None

    with pytest.raises(InputError, match=r"^systems\.odd: the fields of Odd are no numbers, texts or lists"):
        experiment(systems=["odd"], own_systems={"odd": System(Odd, "predictor")})
