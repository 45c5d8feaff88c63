"""Whatever stands in a YAML, the answer is a run or an InputError, never another exception."""

import random
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from s3sim.api import simulate
from s3sim.core.errors import InputError
from s3sim.experiment.schema import load_experiment
from s3sim.sim.simulate import check_points
from tests.experiment.tiny import tiny, traced

Key = str | int
EVERYTHING: dict[str, Any] = {
    "model": {"preset": "gpt-j-6b", "layers": 28},
    "device": {"preset": "a100-80gb", "link": {"preset": "pcie-4.0-x16", "latency": 1e-5}},
    "engine": {"preset": "fastertransformer", "seconds_per_layer": 1e-5},
    "latency": {"kind": "constant", "step_seconds": 0.01},
    "arrivals": {"kind": "trace", "scale": 1.0},
    "predictor": {"kind": "noisy", "sigma": 0.5, "error": "additive", "buckets": 4, "seconds": 0.1, "concurrency": 2},
    "systems": [
        "orca",
        {
            "name": "s3",
            "label": "x",
            "ageing_s": 3.0,
            "doubled": "output",
            "on_overrun": "recompute",
            "max_num_seqs": 3,
        },
        {"name": "vllm", "block_tokens": 16, "watermark": 0.01, "max_num_batched_tokens": 128},
    ],
    "memory": {"gpu_memory_utilization": 0.9, "context_bytes": 1, "kv_capacity_tokens": 400, "host_bytes": 10**9},
    "slo": {"ttft_ms": 100.0},
    "max_num_seqs": 4,
    "log": "full",
    "scenarios": {"main": {}},
    "sweep": {"max_length": [64, 128], "systems.x.placement": ["first_fit"]},
}
TRACE: dict[str, Any] = {
    "format": "csv",
    "columns": {"id": "prompt_tokens"},
    "requests": 5,
    "select": "random",
    "invalid_rows": "drop",
}
OTHERS: dict[str, Any] = {
    "workload": {"kind": "preset", "name": "alpaca", "requests": 10, "over_length": "truncate"},
    "predictor": {"kind": "oracle", "buckets": 3},
    "arrivals": {"kind": "gamma", "rate": 3.0, "burstiness": 0.5},
    "systems": ["s3", "oracle_bucket", "oracle_exact"],
}
NASTY: list[Any] = [
    *(None, True, False, 0, -1, 1, 10**4, -(10**30), 0.5, -0.5, 1e-300, float("nan"), float("inf")),
    *("", "x", "nan", "a/b", "a\0b", "é", "orca", "alpaca", "gpt-j-6b"),
    *([], [[]], {}, {"kind": "x"}, {"kind": None}, {"kind": ["oracle"]}, [1, 1], ["orca"], {"x": 1}),
]
SEED, TRIALS = 7, 400


def paths(values: Any, at: tuple[Key, ...] = ()) -> Iterator[tuple[Key, ...]]:
    """The paths of everything below."""
    inside = values.items() if isinstance(values, dict) else enumerate(values) if isinstance(values, list) else ()
    for key, value in inside:
        yield (*at, key)
        yield from paths(value, (*at, key))


def put(values: dict[str, Any], path: tuple[Key, ...], new: Any) -> dict[str, Any]:
    """A copy with another value at a path."""
    values = deepcopy(values)
    here: Any = values
    for key in path[:-1]:
        here = here[key]
    here[path[-1]] = new
    return values


def test_any_value_anywhere_runs_or_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nasty values at every key: no TypeError, no KeyError; what passes the checks also simulates."""
    monkeypatch.chdir(tmp_path)
    bases = [tiny(seeds=[0]), traced(tmp_path, **TRACE) | EVERYTHING, tiny(**OTHERS, seeds=[0])]
    cases = [(base, path, new) for base in bases for path in paths(base) for new in NASTY]
    ran = refused = 0
    for base, path, new in random.Random(SEED).sample(cases, TRIALS):
        try:
            loaded = load_experiment(put(base, path, new))
            check_points(loaded.points)
            for point in loaded.points:
                simulate(point)
            ran += 1
        except InputError:
            refused += 1
        except Exception as error:
            error.add_note(f"{'.'.join(map(str, path))} = {new!r}")
            raise
    assert ran > TRIALS // 50
    assert refused > TRIALS // 2


def test_the_experiments_that_are_made_nasty_run(tmp_path: Path) -> None:
    """Each base of the fuzzing is good, so that a refusal is the nasty value's."""
    for base in (tiny(seeds=[0]), traced(tmp_path, **TRACE) | EVERYTHING, tiny(**OTHERS, seeds=[0])):
        loaded = load_experiment(base)
        check_points(loaded.points)
        assert all(simulate(point).summary["completed"] for point in loaded.points)
