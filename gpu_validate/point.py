"""From a resolved point to the world that is replayed: the very requests, predictions and capacity of the simulator."""

from dataclasses import replace

from gpu_validate.model import LoadedModel
from gpu_validate.world import World
from s3sim.core.errors import InputError
from s3sim.experiment.build import Hardware, Load, build_choices, build_facts, build_hardware, build_load
from s3sim.experiment.resolved import Plain, Point
from s3sim.sim.incoming import inbox_of, limits_of, outputs_of

__all__ = ["counts_of", "facts_of", "load_of", "world_of"]

NO_LATENCY = {"kind": "constant", "step_seconds": 1.0}  # a replay measures: a profile's file is rarely needed


def load_of(point: Point) -> Load:
    """The point's requests and predictions; raises InputError for unusable traces."""
    return build_load(point)


def world_of(point: Point, load: Load) -> World:
    """The point's world; raises InputError where it cannot be replayed on one device, or no request fits."""
    hardware = _hardware(point)
    if (devices := hardware.parallel.devices) > 1:
        raise InputError(f"parallel: {devices} devices; a replay runs on one")
    if load.on_device:
        raise InputError("predictor.charged_to: 'gpu' is modelled, and a replay runs none; charge it to the host")
    _demand_room(point, hardware, load)
    return World(
        name=point.label or point.system,
        choices=build_choices(point),
        capacity=hardware.kv_capacity_tokens,
        host_tokens=hardware.host_tokens,
        max_length=point.max_length,
        inbox=lambda: inbox_of(load, seed=point.seed),
        outputs=outputs_of(load.trace),
        latency=None if point.choices.get("tpot_limit_ms") is None else build_hardware(point).latency,
    )


def facts_of(point: Point, model: LoadedModel) -> Plain:
    """What a report needs to know of the run: of the model that ran, with the peak of the point's device."""
    facts = build_facts(point, _hardware(point))
    facts = replace(facts, kv_bytes_per_token=model.kv_bytes_per_token, parameters=model.parameters)
    return facts.to_json()


def counts_of(load: Load) -> Plain:
    """Requests that were left out or cut before the run, as the simulator counts them."""
    return {
        "over_length": load.counts.over_length,
        "over_length_dropped": load.counts.dropped,
        "over_length_truncated": load.counts.truncated,
        "invalid_rows_dropped": load.invalid_rows,
    }


def _hardware(point: Point) -> Hardware:
    return build_hardware(replace(point, latency=NO_LATENCY))


def _demand_room(point: Point, hardware: Hardware, load: Load) -> None:
    least = int((load.trace.prompt_tokens + limits_of(load)).min())
    if least > hardware.kv_capacity_tokens:
        raise InputError(
            f"memory.kv_capacity_tokens: {hardware.kv_capacity_tokens} slots hold no request: the smallest may need"
            f" {least} (max_length {point.max_length}); raise it, or lower max_length"
        )
