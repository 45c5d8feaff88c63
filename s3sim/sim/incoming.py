"""What a replica is asked at one point: its requests on their way, and the true lengths that its device needs.

Imports no simpy: a replay on a real device is asked the very same.
"""

import numpy as np

from s3sim.experiment.build import Load
from s3sim.sim.closed_loop import ClosedLoopInbox
from s3sim.sim.executor import Outputs
from s3sim.sim.inbox import Column, Inbox, Incoming, Rows, cells, ready_times
from s3sim.workload.trace import Trace

__all__ = ["inbox_of", "limits_of", "outputs_of"]


def inbox_of(load: Load, *, seed: int) -> Incoming:
    """A new inbox of the load's requests, with the arrivals of its trace or of its users."""
    trace, loop = load.trace, load.closed_loop
    if loop is not None:
        rows = Rows(
            ids=trace.id,
            prompt_tokens=trace.prompt_tokens,
            max_new_tokens=limits_of(load),
            predicted=load.predicted,
            excluded=trace.over_length,
        )
        thinking = [loop.thinking(user, seed=seed) for user in range(loop.users)]
        return ClosedLoopInbox(rows, thinking=thinking, prediction_ps=load.prediction_ps, concurrency=load.concurrency)
    ready = ready_times(trace.arrival, seconds_ps=load.prediction_ps, concurrency=load.concurrency)
    return Inbox(
        ids=trace.id,
        arrival=trace.arrival,
        prompt_tokens=trace.prompt_tokens,
        max_new_tokens=limits_of(load),
        ready=ready,
        predicted=load.predicted,
        excluded=trace.over_length,
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
