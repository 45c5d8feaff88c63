"""The studies of `all`: which model at which size serves what, in how much memory; as points, without a YAML."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from gpu_validate.points import Experiment
from s3sim.core.errors import UnknownNameError
from s3sim.experiment.resolved import Plain, Point
from s3sim.hardware import DEFAULT_ENGINE, DEVICES, ENGINES, MODELS
from s3sim.policies.registry import system

__all__ = ["CUDA", "FULL", "MODEL_NAMES", "QUICK", "Campaign", "Study", "Workload", "experiment_of", "only"]

MODEL_NAMES = ("gpt-j-6b", "gpt-neox-20b")
CPU_SYSTEMS = ("orca", "s3", "oracle_exact", "vllm")
CUDA_SYSTEMS = ("orca", "s3", "oracle_exact")
TARGET_SEED, CALIBRATION_SEED = 11, 12  # another trace of the same kind for the fit
ACCURACY = 0.8  # of the predicted bucket: one request in five is mispredicted
HOST_BYTES = 1 << 40  # never short of host memory
NOMINAL_DEVICE = "a100-80gb"  # has room for either model; no time is taken from it


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Requests of one kind, and the memory that they share."""

    prompt: tuple[int, int]  # tokens, uniform
    output_mean: float  # tokens, geometric
    max_length: int  # tokens, prompt and output
    capacity: int  # slots
    share: float = 1.0  # of the campaign's requests


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """One model at one size under one workload."""

    name: str  # of its folder
    model: str  # a preset
    size: str  # as --model-size has it
    workload: Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """All studies, and how much of each is run."""

    studies: tuple[Study, ...]
    systems: tuple[str, ...]
    requests: int  # p99 needs 500
    calibration_requests: int
    poisson_requests: int  # 0: only bursts
    repeats: int
    load: float = 0.5  # of each system's own capacity in a burst, under Poisson arrivals


# Reading KV is some 10% of a full step of the small size with short requests, and 43 to 54% of the medium size's with
# long ones: twice the hidden size doubles what a slot holds, but not what a sequence costs in Python.
SHORT = Workload(prompt=(8, 32), output_mean=24.0, max_length=128, capacity=1024)
LONG = Workload(prompt=(64, 192), output_mean=48.0, max_length=384, capacity=6144, share=0.6)
REAL = Workload(prompt=(16, 128), output_mean=64.0, max_length=512, capacity=16384)


def _studies(**workloads: tuple[str, Workload]) -> tuple[Study, ...]:
    return tuple(
        Study(name=f"{model}-{name}", model=model, size=size, workload=workload)
        for name, (size, workload) in workloads.items()
        for model in MODEL_NAMES
    )


FULL = Campaign(
    studies=_studies(short=("small", SHORT), long=("medium", LONG)),
    systems=CPU_SYSTEMS,
    requests=500,
    calibration_requests=400,
    poisson_requests=500,
    repeats=3,
)
QUICK = replace(
    FULL,
    studies=_studies(short=("small", SHORT)),
    requests=200,
    calibration_requests=150,
    poisson_requests=150,
    repeats=3,
)
CUDA = Campaign(
    studies=_studies(own=("own", REAL)),
    systems=CUDA_SYSTEMS,
    requests=64,
    calibration_requests=64,
    poisson_requests=0,
    repeats=3,
)


def only(campaign: Campaign, models: tuple[str, ...]) -> Campaign:
    """The studies of some models; raises UnknownNameError for others than MODEL_NAMES."""
    for name in models:
        if name not in MODEL_NAMES:
            raise UnknownNameError("model", name, MODEL_NAMES, place="--models")
    return replace(campaign, studies=tuple(study for study in campaign.studies if study.model in models))


def experiment_of(
    study: Study, scenario: str, *, requests: int, systems: tuple[str, ...], rates: Mapping[str, float] | None = None
) -> Experiment:
    """One scenario's points, a system each; `rates` of Poisson arrivals in requests/s by system, else a burst.

    A scenario whose name begins with `calibration` has a trace of its own.
    """
    seed = CALIBRATION_SEED if scenario.startswith("calibration") else TARGET_SEED
    points = tuple(
        _point(study, scenario, name, seed=seed, requests=requests, rate=None if rates is None else rates[name])
        for name in systems
    )
    plain = {"name": study.name, "description": "", "points": [point.to_json() for point in points]}
    return Experiment(name=study.name, description="", points=points, files={"experiment.json": plain})


def _point(study: Study, scenario: str, name: str, *, seed: int, requests: int, rate: float | None) -> Point:
    kind, load = system(name), study.workload
    arrivals: Plain = {"kind": "offline"} if rate is None else {"kind": "poisson", "rate": rate}
    return Point(
        experiment=study.name,
        scenario=scenario,
        system=name,
        label=name,
        seed=seed,
        sweep={},
        choices=asdict(kind.choices()),
        model=asdict(MODELS[study.model]),
        device=asdict(DEVICES[NOMINAL_DEVICE]),
        engine=asdict(ENGINES[DEFAULT_ENGINE]),
        latency={"kind": "constant", "step_seconds": 1.0},  # whatever simulates this puts a measured profile here
        parallel={"tensor": 1, "pipeline": 1},
        memory=_memory(load.capacity),
        max_length=load.max_length,
        workload=_lengths(load, max(1, round(load.share * requests))),
        arrivals=arrivals,
        predictor=_predictor(kind.needs),
        slo={},
    )


def _memory(capacity: int) -> Plain:
    return {
        "gpu_memory_utilization": 1.0,
        "context_bytes": 0,
        "workspace_bytes": 0,
        "kv_capacity_tokens": capacity,
        "host_bytes": HOST_BYTES,
    }


def _lengths(load: Workload, requests: int) -> dict[str, Any]:
    return {
        "kind": "lengths",
        "requests": requests,
        "prompt": {"kind": "uniform", "low": load.prompt[0], "high": load.prompt[1]},
        "output": {"kind": "geometric", "mean": load.output_mean},
        "spearman": 0.0,
        "over_length": "truncate",
    }


def _predictor(needs: str) -> Plain | None:
    timing: Plain = {"seconds": 0.0, "concurrency": None, "charged_to": "host"}
    if needs == "nothing":
        return None
    if needs == "predictor":
        fields: Plain = {"kind": "confusion", "accuracy": ACCURACY, "spread": 0.3, "matrix": None, "buckets": 10}
        return fields | {"edges": None, "skill": 0.0, "margin_buckets": 0, "quantile": None} | timing
    return {"kind": "oracle", "buckets": None if needs == "oracle_exact" else 10, **timing}
