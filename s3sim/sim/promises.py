"""Service levels that a system can never keep, told before a run."""

import numpy as np

from s3sim.core.errors import InputError
from s3sim.core.events import Event
from s3sim.experiment.build import Load
from s3sim.experiment.resolved import Point
from s3sim.policies.registry import Choices
from s3sim.sim.inbox import Inbox
from s3sim.sim.world import Device, run_world

__all__ = ["demand_reachable", "late_delivery"]

LIMITS = ("ttft_ms", "e2el_ms")  # with delivery at a batch's end both are limits of the whole latency
PICOSECONDS = 10**9  # per millisecond


def late_delivery(point: Point) -> bool:
    """Whether a system that delivers at a batch's end is held to a limit of TTFT or E2EL, online."""
    late = point.choices.get("delivery") == "batch_end"
    return late and point.arrivals["kind"] != "offline" and any(point.slo.get(name) is not None for name in LIMITS)


def demand_reachable(point: Point, device: Device, load: Load, choices: Choices) -> None:
    """Raise InputError where a batch of one request, the shortest of the workload, breaks a limit already.

    A larger batch takes no less, and whoever waits for one waits longer, so no request could keep the limit.
    """
    prompt, output = (int(column.min()) for column in _served(load))
    alone = _alone(point, device, choices, prompt=prompt, output=output)
    for name in LIMITS:
        limit = point.slo.get(name)
        if limit is not None and alone is not None and alone / PICOSECONDS > limit:
            raise InputError(
                f"slo.{name}: {limit:g} ms cannot be kept by system {point.label!r} in scenario {point.scenario!r}: it"
                f" delivers at a batch's end, and a batch of one request with {prompt} prompt and {output} output"
                f" tokens, the fewest of the workload, takes {alone / PICOSECONDS:.4g} ms; raise the limit, set"
                " `delivery: token`, or leave the system out"
            )


def _served(load: Load) -> "tuple[np.ndarray[tuple[int], np.dtype[np.int64]], ...]":
    """Prompts and outputs of the rows that the workload's own rules do not reject; of all, where they reject all."""
    trace = load.trace
    kept = np.ones(len(trace), np.bool_) if trace.over_length is None else ~trace.over_length
    kept = kept if kept.any() else ~kept
    return trace.prompt_tokens[kept], trace.output_tokens[kept]


def _alone(point: Point, device: Device, choices: Choices, *, prompt: int, output: int) -> int | None:
    """Picoseconds from the arrival of one request to its end; None where the system rejects it."""

    def column(value: int) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
        return np.array([value], dtype=np.int64)

    log = run_world(
        name=point.label,
        choices=choices,
        device=device,
        inbox=Inbox(ids=column(0), arrival=column(0), prompt_tokens=column(prompt), max_new_tokens=column(output)),
        output_tokens={0: output},
    )
    ends = [time for time, event, *_ in log.event_rows() if event == Event.FINISHED]
    return ends[0] if ends else None
