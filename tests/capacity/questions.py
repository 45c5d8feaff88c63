"""Experiments whose capacity is known, and what is asked of them."""

from pathlib import Path
from typing import Any

import s3sim
from s3sim.capacity.results import Capacities

__all__ = ["SERVICE", "ask", "fixed", "only", "starved"]

SERVICE = 0.05  # seconds that a request of `fixed` takes: five steps of 10 ms
SERIAL = {"name": "orca", "max_num_seqs": 1}


def fixed(*, requests: int = 800, **values: Any) -> dict[str, Any]:
    """A single server whose every request takes SERVICE seconds: M/D/1 with Poisson arrivals."""
    return {
        "version": 1,
        "name": "fixed",
        "model": "gpt-j-6b",
        "device": "a100-80gb",
        "max_length": 64,
        "latency": {"kind": "constant", "step_seconds": SERVICE / 5},
        "workload": {
            "kind": "lengths",
            "prompt": {"kind": "constant", "value": 1},
            "output": {"kind": "constant", "value": 5},
            "requests": requests,
        },
        "arrivals": {"kind": "poisson", "rate": 20.0},
        "systems": [SERIAL],
        **values,
    }


def starved(**values: Any) -> dict[str, Any]:
    """Memory for four requests of the maximum length, of which most use little."""
    workload = {
        "kind": "lengths",
        "prompt": {"kind": "uniform", "low": 4, "high": 16},
        "output": {"kind": "geometric", "mean": 12.0},
        "requests": 150,
        "over_length": "truncate",
    }
    memory = {"kv_capacity_tokens": 512}
    return fixed(**({"max_length": 128, "memory": memory, "systems": ["orca", "oracle_exact"]} | values)) | {
        "workload": workload
    }


def ask(out: Path, source: dict[str, Any], **given: Any) -> Capacities:
    """The answer, in a folder of the test's own."""
    return s3sim.find_capacity(source, out=out, **({"find": "rate", "slo": "mean:e2el<1s"} | given))


def only(answer: Capacities) -> tuple[float, float]:
    """Both ends of the bracket of an answer's one system."""
    (one,) = answer.capacities
    assert one.value is not None
    assert one.not_met is not None
    return one.value, one.not_met
