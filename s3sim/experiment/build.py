"""From a resolved point to the parts of a run: trace, predictions, latency model, capacity."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from s3sim.core.errors import InputError
from s3sim.core.protocols import LatencyModel
from s3sim.experiment.resolved import Point
from s3sim.hardware import (
    Constant,
    DeviceSpec,
    EngineSpec,
    LinkSpec,
    MemoryPlan,
    ModelSpec,
    Parallel,
    Profile,
    Roofline,
)
from s3sim.policies.registry import Choices, system
from s3sim.predictors.buckets import Buckets
from s3sim.predictors.confusion import ConfusionMatrix
from s3sim.predictors.predictor import IntArray, Predictor
from s3sim.predictors.simple import ConstantPredictor, Noisy, Oracle
from s3sim.report.facts import RunFacts, ServiceLevel
from s3sim.workload.arrivals import ARRIVALS, Arrivals
from s3sim.workload.generate import generate, retime
from s3sim.workload.lengths import LENGTHS, Length, Lengths
from s3sim.workload.limits import LengthCounts, prepare
from s3sim.workload.presets import preset
from s3sim.workload.trace import Trace

__all__ = ["Hardware", "Load", "build_choices", "build_facts", "build_hardware", "build_load"]

PICOSECONDS = 10**12  # per second
PREDICTOR_STREAM = 7919  # keeps a predictor's draws apart from the workload's under one seed


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """A point's device, as far as a schedule depends on it."""

    model: ModelSpec
    device: DeviceSpec
    latency: LatencyModel
    parallel: Parallel
    kv_capacity_tokens: int
    host_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a point's server is asked: the trace, and what is foreseen of it."""

    trace: Trace
    predicted: IntArray | None  # tokens, one per row
    prediction_ps: int
    concurrency: int | None
    counts: LengthCounts
    invalid_rows: int  # dropped when the file was read


def build_hardware(point: Point) -> Hardware:
    """The device, its latency model and its capacity; raises InputError where the model does not fit."""
    model = ModelSpec(**point.model)
    device = DeviceSpec(**{**point.device, "link": LinkSpec(**point.device["link"])})
    memory = dict(point.memory)
    given, host_bytes = memory.pop("kv_capacity_tokens"), memory.pop("host_bytes")
    parallel = Parallel(**point.parallel)
    plan = MemoryPlan(model=model, device=device, parallel=parallel, **memory)
    return Hardware(
        model=model,
        device=device,
        latency=_latency(point, model, device),
        parallel=parallel,
        kv_capacity_tokens=given or plan.kv_capacity_tokens,
        host_tokens=host_bytes // model.kv_bytes_per_token,
    )


def _latency(point: Point, model: ModelSpec, device: DeviceSpec) -> LatencyModel:
    fields = dict(point.latency)
    match fields.pop("kind"):
        case "profile":
            return Profile.load(Path(fields["path"]))
        case "constant":
            return Constant(**fields)
        case _:
            engine, parallel = EngineSpec(**point.engine), Parallel(**point.parallel)
            return Roofline(model=model, device=device, engine=engine, parallel=parallel)


def build_choices(point: Point) -> Choices:
    """The system with the point's choices."""
    return system(point.system).choices(**point.choices)


def build_load(point: Point) -> Load:
    """The requests of a point and their predictions, drawn from its seed; raises InputError for unusable traces."""
    trace, invalid = _trace(point)
    over_length = point.workload["over_length"]
    trace, counts = prepare(trace, max_length=point.max_length, over_length=over_length)
    timing = point.predictor or {"seconds": 0.0, "concurrency": None}
    return Load(
        trace=trace,
        predicted=None if point.predictor is None else _predict(point, trace),
        prediction_ps=round(timing["seconds"] * PICOSECONDS),
        concurrency=timing["concurrency"],
        counts=counts,
        invalid_rows=invalid,
    )


def _trace(point: Point) -> tuple[Trace, int]:
    load = point.workload
    if load["kind"] == "trace":
        return _recorded(point)
    lengths = preset(load["name"]) if load["kind"] == "preset" else _lengths(load)
    return generate(load["requests"], lengths=lengths, arrivals=_arrivals(point, None), seed=point.seed), 0


def _recorded(point: Point) -> tuple[Trace, int]:
    from s3sim.workload.readers import read_trace  # noqa: PLC0415  pandas and pyarrow, which a GPU machine may lack

    load = point.workload
    read = read_trace(load["path"], format=load["format"], columns=load["columns"], invalid_rows=load["invalid_rows"])
    trace = read.trace
    if (wanted := load["requests"]) is not None and wanted < len(trace):
        trace = trace.head(wanted) if load["select"] == "first" else _sample(trace, wanted, point.seed)
    return retime(trace, arrivals=_arrivals(point, trace), seed=point.seed), read.counts.dropped


def _sample(trace: Trace, wanted: int, seed: int) -> Trace:
    mask = np.zeros(len(trace), dtype=bool)
    mask[np.random.default_rng([seed, wanted]).choice(len(trace), wanted, replace=False)] = True
    return trace.subset(mask)


def _arrivals(point: Point, trace: Trace | None) -> Arrivals:
    fields = dict(point.arrivals)
    kind = fields.pop("kind")
    if kind == "trace":
        if trace is None:
            raise InputError("arrivals.kind: 'trace' needs a workload of kind 'trace'; this one has no timestamps")
        fields["recorded"] = trace.arrival
    return ARRIVALS[kind](**fields)


def _lengths(load: dict[str, Any]) -> Lengths:
    return Lengths(_length(load["prompt"]), _length(load["output"]), load["spearman"])


def _length(fields: dict[str, Any]) -> Length:
    return LENGTHS[fields["kind"]](**{key: value for key, value in fields.items() if key != "kind"})


def _predict(point: Point, trace: Trace) -> IntArray:
    predictor = _predictor(point)
    truth = trace.output_tokens if predictor.needs_output_tokens else None
    return predictor.predict(trace.id, trace.prompt_tokens, truth)


def _predictor(point: Point) -> Predictor:
    fields = point.predictor or {}
    seed = point.seed + PREDICTOR_STREAM
    buckets = None if fields.get("buckets") is None else Buckets(fields["buckets"], point.max_length)
    match fields["kind"]:
        case "oracle":
            return Oracle(buckets)
        case "constant":
            return ConstantPredictor(fields["tokens"])
        case "noisy":
            return Noisy(fields["sigma"], buckets, fields["error"], seed)
        case _:
            return _confusion(fields, buckets or Buckets(10, point.max_length), seed)


def _confusion(fields: dict[str, Any], buckets: Buckets, seed: int) -> Predictor:
    if (fields["matrix"] is None) == (fields["accuracy"] is None):
        raise InputError("predictor: give either `matrix`, a CSV, or `accuracy`, from 0 to 1")
    if fields["matrix"] is not None:
        return ConfusionMatrix.from_csv(fields["matrix"], buckets, seed=seed)
    return ConfusionMatrix.from_accuracy(fields["accuracy"], buckets, spread=fields["spread"], seed=seed)


def build_facts(point: Point, hardware: Hardware) -> RunFacts:
    """What a report needs to know of a point besides its log."""
    return RunFacts(
        kv_capacity_tokens=hardware.kv_capacity_tokens,
        kv_bytes_per_token=hardware.model.kv_bytes_per_token,
        parameters=hardware.model.parameters,
        peak_flops=hardware.device.peak_flops(hardware.model.weight_dtype) * hardware.parallel.devices,
        slo=ServiceLevel(**point.slo),
    )
