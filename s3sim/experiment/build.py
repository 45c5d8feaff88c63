"""From a resolved point to the parts of a run: trace, predictions, latency model, capacity."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from s3sim.core.errors import InputError
from s3sim.core.kv_cache import ContiguousKV
from s3sim.core.protocols import LatencyModel
from s3sim.experiment.foresight import OnlineFields, bucket_edges, online_fields, predictions
from s3sim.experiment.resolved import Point
from s3sim.experiment.traffic import build_closed_loop, build_trace
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
from s3sim.policies.registry import SYSTEMS, Choices, System, system
from s3sim.predictors.predictor import IntArray
from s3sim.report.facts import RunFacts, ServiceLevel
from s3sim.report.measure import Measure
from s3sim.workload.closed_loop import ClosedLoop
from s3sim.workload.limits import LengthCounts, prepare
from s3sim.workload.trace import Trace

__all__ = ["Hardware", "Load", "Systems", "build_choices", "build_facts", "build_hardware", "build_load"]

PICOSECONDS = 10**12  # per second
Systems = Mapping[str, System]  # by name


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
    invalid_rows: int  # dropped or pruned when the file was read
    online: OnlineFields | None = None  # what foresees instead of `predicted`, and learns
    on_device: bool = False  # whether predictions are computed by the serving device, between its steps
    closed_loop: ClosedLoop | None = None  # the users who make the arrivals; None: the trace has them


def build_hardware(point: Point) -> Hardware:
    """The device, its latency model and its capacity; raises InputError where the model does not fit."""
    model = ModelSpec(**point.model)
    if point.max_length > model.max_positions:
        raise InputError(
            f"max_length: {point.max_length} is more than the {model.max_positions} positions of model {model.name!r};"
            " lower it, or give the model other max_positions"
        )
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


def build_choices(point: Point, systems: Systems = SYSTEMS) -> Choices:
    """The system with the point's choices; raises UnknownNameError where it is none of `systems`."""
    return system(point.system, known=systems).choices(**point.choices)


def build_load(point: Point) -> Load:
    """The requests of a point and their predictions, drawn from its seed; raises InputError for unusable traces."""
    vocabulary = point.model["vocab"]
    trace, invalid = build_trace(point.workload, point.arrivals, seed=point.seed, vocabulary=vocabulary)
    over_length = point.workload["over_length"]
    trace, counts = prepare(trace, max_length=point.max_length, over_length=over_length)
    timing = point.predictor or {"seconds": 0.0, "concurrency": None, "charged_to": "host"}
    return Load(
        trace=trace,
        predicted=predictions(point, trace),
        online=online_fields(point, trace),
        prediction_ps=round(timing["seconds"] * PICOSECONDS),
        concurrency=timing["concurrency"],
        on_device=timing["charged_to"] == "gpu",
        counts=counts,
        invalid_rows=invalid,
        closed_loop=build_closed_loop(point.arrivals),
    )


def build_facts(point: Point, hardware: Hardware, systems: Systems = SYSTEMS) -> RunFacts:
    """What a report needs to know of a point besides its log; peaks are nominal, of all devices together."""
    model, device, devices = hardware.model, hardware.device, hardware.parallel.devices
    choices, capacity = build_choices(point, systems), hardware.kv_capacity_tokens // hardware.parallel.pipeline
    static = choices.scheduler(name=point.label, capacity=capacity, max_length=point.max_length).static
    return RunFacts(
        kv_capacity_tokens=hardware.kv_capacity_tokens,
        kv_bytes_per_token=model.kv_bytes_per_token,
        parameters=model.parameters,
        peak_flops=device.peak_flops(model.weight_dtype) * devices,
        slo=ServiceLevel(**point.slo),
        delivery="token" if static is None else static.delivery,
        contiguous=isinstance(choices.kv(capacity), ContiguousKV),
        reads_reserved=static is not None and static.reads_reserved,
        streamed_weight_bytes=model.streamed_weight_bytes,
        peak_bandwidth=device.memory_bandwidth * devices,
        attention_flops_per_pair=model.attention_flops_per_pair,
        measure=_measure(point),
        bucket_edges=bucket_edges(point),
    )


def _measure(point: Point) -> Measure:
    """Which part of a run counts; of a closed loop with the moment at which its last user asks first."""
    asked, loop = dict(point.measure), build_closed_loop(point.arrivals)
    if loop is not None and asked.get("warm_up") == "served_once":
        asked["warm_up"] = {"served_once": loop.last_first_ask(seed=point.seed) / PICOSECONDS}
    return Measure.from_json(asked)
