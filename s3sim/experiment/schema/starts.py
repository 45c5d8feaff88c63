"""Experiments to start from: what `s3sim new` writes, each with the question that it asks and seconds to answer."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

__all__ = ["STARTS"]

Plain = dict[str, Any]

_BASE: Plain = {
    "version": 1,
    "model": "gpt-j-6b",
    "device": "a100-80gb",
    "max_length": 2048,
    "workload": {"kind": "preset", "name": "alpaca", "requests": 400},
    "systems": ["orca", "vllm", "s3", "oracle_exact"],
    "seeds": [0, 1],
}
_PREDICTOR: Plain = {"kind": "confusion", "accuracy": 0.9861, "buckets": 10}
_SLO: Plain = {"ttft_ms": 2000.0, "tpot_ms": 100.0}

STARTS: Final[Mapping[str, Plain]] = MappingProxyType(
    {
        "quickstart": {
            **_BASE,
            "name": "my_experiment",
            "description": "What does reserving the predicted length buy, offline and online?",
            "predictor": _PREDICTOR,
            "scenarios": {
                "offline": {"sweep": {"max_num_seqs": [32, 128, 512]}},
                "online": {"arrivals": {"kind": "poisson", "rate": 60.0}, "slo": _SLO},
            },
        },
        "online": {
            **_BASE,
            "name": "my_online_experiment",
            "description": "Who keeps the service level as the load rises?",
            "predictor": _PREDICTOR,
            "arrivals": {"kind": "poisson", "rate": 40.0},
            "slo": _SLO,
            "sweep": {"arrivals.rate": [20.0, 60.0, 100.0]},
        },
        "memory": {
            **_BASE,
            "name": "my_memory_experiment",
            "description": "What becomes of each system as memory for KV runs short?",
            "predictor": _PREDICTOR,
            "memory": {"kv_capacity_tokens": 40_000},
            "sweep": {"memory.kv_capacity_tokens": [10_000, 40_000, 160_000]},
        },
        "prediction": {
            **_BASE,
            "name": "my_prediction_experiment",
            "description": "How right must a predictor be?",
            "systems": ["orca", "s3", "oracle_bucket"],
            "predictor": _PREDICTOR,
            "memory": {"kv_capacity_tokens": 40_000},
            "sweep": {"predictor.accuracy": [0.5, 0.75, 0.9, 1.0]},
        },
    }
)
