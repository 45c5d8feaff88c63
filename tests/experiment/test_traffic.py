from pathlib import Path
from typing import Any

import numpy as np
import pytest

from s3sim.core.errors import InputError
from s3sim.core.events import Event
from s3sim.experiment.build import build_load
from s3sim.experiment.resolved import Point
from s3sim.experiment.schema import load_experiment
from s3sim.sim.simulate import simulate_point
from s3sim.workload.closed_loop import ClosedLoop

ALPACA = {"kind": "preset", "name": "alpaca", "requests": 300}


def point(**keys: Any) -> Point:
    """The only point of a small experiment with these keys."""
    base = {
        "version": 1,
        "name": "x",
        "model": "gpt-j-6b",
        "device": "a100-80gb",
        "systems": ["orca"],
        "workload": ALPACA,
    }
    (one,) = load_experiment(base | keys).points
    return Point.from_json(one.to_json())


def trace_file(folder: Path, text: str = "prompt_tokens,output_tokens\n" + "5,7\n8,9\n2000,2000\n") -> dict[str, Any]:
    """A workload of a small trace."""
    path = folder / "a.csv"
    path.write_text(text)
    return {"kind": "trace", "path": str(path)}


@pytest.mark.parametrize(
    "arrivals",
    [
        {"kind": "markov_modulated", "rates": [1.0, 30.0], "sojourns_s": [2.0, 1.0]},
        {"kind": "diurnal", "rate": 9.0, "amplitude": 0.5, "period_s": 60.0},
    ],
)
def test_changing_rates_can_be_asked_for(arrivals: dict[str, Any]) -> None:
    """The kinds of an experiment are those of the library, and make arrivals."""
    trace = build_load(point(arrivals=arrivals)).trace
    assert len(np.unique(trace.arrival)) == 300


def test_a_quantile_table_can_be_asked_for() -> None:
    """Lengths from levels and values."""
    table = {"kind": "quantiles", "levels": [0.0, 0.5, 1.0], "values": [1.0, 2.0, 3.0]}
    load = {"kind": "lengths", "prompt": table, "output": {"kind": "constant", "value": 4}, "requests": 90}
    assert set(build_load(point(workload=load)).trace.prompt_tokens.tolist()) == {1, 2, 3}
    with pytest.raises(InputError, match="must rise from 0 to 1"):
        build_load(point(workload=load | {"prompt": table | {"levels": [0.0, 0.5, 0.9]}}))


def test_rows_are_drawn_again_and_again(tmp_path: Path) -> None:
    """select: resample takes more rows than there are, and no recorded times."""
    load = trace_file(tmp_path) | {"requests": 50, "select": "resample", "over_length": "drop"}
    built = build_load(point(workload=load))
    assert {*built.trace.output_tokens.tolist()} == {7, 9}
    assert built.counts.dropped + len(built.trace) == 50
    with pytest.raises(InputError, match="no meaning with select: resample"):
        build_load(point(workload=load, arrivals={"kind": "trace"}))
    with pytest.raises(InputError, match="50 is more than the 3 valid rows"):
        build_load(point(workload=load | {"select": "first"}))


def test_what_is_left_out_of_a_file_is_counted(tmp_path: Path) -> None:
    """Pruned and invalid rows add up in the run's own count."""
    text = "t,prompt_tokens,n\n3,5,7\n1,8,0\n2,3,9\n"
    load = trace_file(tmp_path, text) | {
        "columns": {"output_tokens": "n", "arrival_s": "t"},
        "time_unit": "ms",
        "sort": True,
        "invalid_rows": "drop",
        "prune": {"min_prompt_tokens": 4},
    }
    built = build_load(point(workload=load, arrivals={"kind": "trace"}))
    assert built.invalid_rows == 2
    assert built.trace.arrival.tolist() == [3 * 10**9]
    assert built.trace.id.tolist() == [0]


def test_a_tokenizer_that_the_model_does_not_know_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A vocabulary larger than the model's cannot be its own."""

    class Large:
        size = 60_000

    monkeypatch.setattr("s3sim.experiment.traffic.load_tokenizer", lambda path: Large())
    (tmp_path / "tokenizer.json").write_text("{}")
    load = trace_file(tmp_path) | {"tokenizer": str(tmp_path / "tokenizer.json")}
    with pytest.raises(InputError, match="has 60000 tokens, and the model knows 50400: it does not fit"):
        build_load(point(workload=load))


def test_users_make_the_arrivals() -> None:
    """A closed loop is simulated: all rows are served, never more at a time than users."""
    loop = {"kind": "closed_loop", "users": 20, "think_time_s": 0.5}
    one = point(arrivals=loop)
    assert build_load(one).closed_loop == ClosedLoop(20, 0.5)
    assert build_load(point()).closed_loop is None
    rows = sorted(simulate_point(one).log.event_rows())
    changes = np.cumsum([(row[1] == Event.ARRIVED) - (row[1] == Event.FINISHED) for row in rows])
    assert changes[-1] == 0
    assert 1 < changes.max() <= 20


@pytest.mark.parametrize(
    ("arrivals", "message"),
    [
        ({"kind": "closed_loop", "users": 0}, "arrivals.users: input should be greater than or equal to 1"),
        ({"kind": "diurnal", "rate": 1.0, "amplitude": 2.0}, "arrivals.amplitude: input should be less than"),
        (
            {"kind": "markov_modulated", "rates": [1.0], "sojourns_s": [1.0, 1.0]},
            "arrivals.rates: at least 2 values are needed, and there are 1",
        ),
        (
            {"kind": "markov_modulated", "rates": [0.0, 0.0], "sojourns_s": [1.0, 1.0]},
            "rates are .*one of them above 0",
        ),
    ],
)
def test_traffic_that_cannot_be_is_refused(arrivals: dict[str, Any], message: str) -> None:
    """Wrong numbers are named with their key."""
    with pytest.raises(InputError, match=message):
        build_load(point(arrivals=arrivals))
