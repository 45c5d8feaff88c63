"""What a replica is asked at one point: its requests on their way, and the true lengths that its device needs.

Imports no simpy: a replay on a real device is asked the very same.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from s3sim.experiment.build import Load
from s3sim.predictors.learner import LEARNERS, Learner, Prompts
from s3sim.sim.closed_loop import ClosedLoopInbox
from s3sim.sim.device_predictor import DevicePredictor
from s3sim.sim.executor import Outputs
from s3sim.sim.inbox import Column, Inbox, Incoming, Rows, cells, ready_times
from s3sim.sim.online import OnlinePredictor, Retraining
from s3sim.workload.trace import Trace

__all__ = ["Learners", "inbox_of", "limits_of", "outputs_of"]

PICOSECONDS = 10**12  # per second
Learners = Mapping[str, Callable[[Prompts], Learner]]


def inbox_of(load: Load, *, seed: int, learners: Learners = LEARNERS) -> Incoming:
    """A new inbox of the load's requests: open or closed loop, predictions on the host or on the device."""
    trace, loop, online = load.trace, load.closed_loop, _online(load, learners)
    columns: dict[str, Any] = {
        "ids": trace.id,
        "prompt_tokens": trace.prompt_tokens,
        "max_new_tokens": limits_of(load),
        "predicted": load.predicted,
        "excluded": trace.over_length,
        "foreseer": online,
        "seconds_ps": load.prediction_ps,
    }
    if loop is not None:
        thinking = [loop.thinking(user, seed=seed) for user in range(loop.users)]
        return ClosedLoopInbox(
            Rows(**columns), thinking=thinking, prediction_ps=load.prediction_ps, concurrency=load.concurrency
        )
    if load.on_device:
        return DevicePredictor(Rows(**columns), arrival=trace.arrival, seconds_ps=load.prediction_ps, online=online)
    ready = ready_times(trace.arrival, seconds_ps=load.prediction_ps, concurrency=load.concurrency)
    return Inbox(**columns, arrival=trace.arrival, ready=ready)


def _online(load: Load, learners: Learners) -> OnlinePredictor | None:
    if load.online is None:
        return None
    fields, prompts = load.online.fields, load.online.prompts
    rule = Retraining(
        every=fields["retrain_every"],
        window=fields["window"],
        collect=fields["collect"],
        overruns=fields["overruns"],
        most_versions=fields["max_versions"],
        fixed_ps=round(fields["retrain_s"] * PICOSECONDS),
        row_ps=round(fields["retrain_s_per_row"] * PICOSECONDS),
        background=not load.on_device,
    )
    return OnlinePredictor(
        learners[fields["learner"]](prompts),
        rule=rule,
        buckets=prompts.buckets,
        margin=load.online.margin,
        rows={ident: row for row, ident in enumerate(load.trace.id.tolist())},
        prompt_tokens=load.trace.prompt_tokens.tolist(),
    )


def limits_of(load: Load) -> Column:
    """Most output tokens of each row."""
    limits = load.trace.max_new_tokens
    assert limits is not None, "prepare() sets them"
    return limits


def outputs_of(trace: Trace) -> Outputs:
    """True output lengths by request id: eight bytes each where ids are row numbers, as they mostly are."""
    if np.array_equal(trace.id, np.arange(len(trace))):
        return cells(trace.output_tokens)
    return dict(zip(trace.id.tolist(), trace.output_tokens.tolist(), strict=True))
