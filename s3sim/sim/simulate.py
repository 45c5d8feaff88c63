"""One resolved point, simulated."""

from collections.abc import Iterable
from dataclasses import dataclass

from s3sim.core.errors import InputError
from s3sim.core.events import EventLog
from s3sim.experiment.build import Hardware, Load, Systems, build_choices, build_hardware, build_load
from s3sim.experiment.resolved import Point
from s3sim.hardware.units import PICOSECONDS_PER_SECOND, picoseconds
from s3sim.policies.registry import SYSTEMS
from s3sim.predictors.learner import LEARNERS
from s3sim.report.measure import Measure
from s3sim.report.window import demand_window
from s3sim.sim.incoming import Learners, inbox_of, limits_of, outputs_of
from s3sim.sim.link import LinkSpeed
from s3sim.sim.promises import demand_reachable, late_delivery
from s3sim.sim.world import Device, run_world

__all__ = ["Simulated", "check_point", "check_points", "simulate_point"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """A point's event log, with the parts that it was run with."""

    log: EventLog
    hardware: Hardware
    load: Load


def check_point(point: Point, systems: Systems = SYSTEMS) -> None:
    """Build all that a point needs, without running it; raises InputError where it cannot run, or in vain."""
    hardware, load = build_hardware(point), build_load(point)
    _demand_room(point, hardware, load)
    _demand_one_lane(load, hardware)
    if load.closed_loop is None:  # else nobody knows yet when they arrive
        demand_window(Measure.from_json(point.measure), load.trace.arrival / PICOSECONDS_PER_SECOND)
    device = _device(point, hardware)
    if late_delivery(point):
        demand_reachable(point, device, load, build_choices(point, systems))


def check_points(points: Iterable[Point], systems: Systems = SYSTEMS) -> None:
    """Check one point of each setting; seeds share a setting, and choices where none can be in vain.

    Raises InputError.
    """
    seen: set[str] = set()
    for point in points:
        hardware = (point.model, point.device, point.engine, point.memory, point.latency, point.max_length)
        promise = (point.system, point.choices, point.slo) if late_delivery(point) else None
        setting = repr((hardware, point.workload, point.arrivals, point.predictor, point.measure, promise))
        if setting not in seen:
            seen.add(setting)
            _check_swept(point, systems)


def _check_swept(point: Point, systems: Systems) -> None:
    """Check a point, and say which swept values it has where it fails."""
    try:
        check_point(point, systems)
    except InputError as error:
        swept = ", ".join(f"{key}={value!r}" for key, value in point.sweep.items())
        raise InputError(f"{error}{f' (scenario {point.scenario}, with {swept})' if swept else ''}") from None


def simulate_point(
    point: Point, *, single_steps: bool = False, learners: Learners = LEARNERS, systems: Systems = SYSTEMS
) -> Simulated:
    """Run a point to its end; raises InputError where its parts cannot be built or nothing of it can ever run.

    `learners` make an online predictor's first version, by the name of the learner; the point's system is one of
    `systems`.
    """
    hardware, load = build_hardware(point), build_load(point)
    _demand_room(point, hardware, load)
    _demand_one_lane(load, hardware)
    trace = load.trace
    log = run_world(
        name=point.label or point.system,
        choices=build_choices(point, systems),
        device=_device(point, hardware),
        inbox=inbox_of(load, seed=point.seed, learners=learners),
        output_tokens=outputs_of(trace),
        single_steps=single_steps,
    )
    return Simulated(log=log, hardware=hardware, load=load)


def _demand_room(point: Point, hardware: Hardware, load: Load) -> None:
    longest = load.trace.prompt_tokens + limits_of(load)
    if int(longest.min()) > hardware.kv_capacity_tokens:
        raise InputError(
            f"memory: no room for one sequence: {hardware.kv_capacity_tokens} slots for KV on"
            f" {hardware.device.name!r}, and the smallest request may need {int(longest.min())}"
            f" (max_length {point.max_length}); lower max_length, or choose a larger device"
        )


def _demand_one_lane(load: Load, hardware: Hardware) -> None:
    """A predictor on the device has a place between its steps only where these follow one another."""
    if load.on_device and (load.closed_loop is not None or hardware.parallel.pipeline > 1):
        other = "arrivals: closed_loop" if load.closed_loop is not None else "parallel.pipeline above 1"
        raise InputError(f"predictor.charged_to: 'gpu' does not go with {other}; charge it to the host")


def _device(point: Point, hardware: Hardware) -> Device:
    link, kv = hardware.device.link, hardware.model.kv_bytes_per_token
    return Device(
        model=hardware.latency,
        capacity=hardware.kv_capacity_tokens,
        host_tokens=hardware.host_tokens,
        link=LinkSpeed(
            to_host_ps_per_token=picoseconds(kv / link.to_host_bandwidth),
            to_device_ps_per_token=picoseconds(kv / link.to_device_bandwidth),
            latency_ps=picoseconds(link.latency),
        ),
        max_length=point.max_length,
        stages=hardware.parallel.pipeline,
    )
