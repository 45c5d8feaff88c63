"""Other traces made of a trace: samples, other rates, other lengths."""

import numpy as np

from s3sim.core.errors import InputError
from s3sim.core.rates import arrival_rate
from s3sim.workload.arrival_times import demand_positive
from s3sim.workload.arrivals import TraceTimes
from s3sim.workload.checks import COUNTED, MAX_TOKENS, IntArray
from s3sim.workload.trace import Trace
from s3sim.workload.units import PICOSECONDS

__all__ = ["mean_rate", "resample", "sample", "scale_lengths", "scale_time", "thin", "window"]

THINNING_STREAM = 4  # of the independent random streams under one seed; 1 to 3 are those of lengths, arrivals, users


def sample(trace: Trace, requests: int, *, seed: int) -> Trace:
    """Trace of so many different rows, drawn at random, in their order, with their ids and times.

    The rate falls by the share that is left out. InputError for more than there are.
    """
    if not 1 <= requests <= len(trace):
        raise InputError(f"{requests} requests asked of {len(trace)}: 1 to {len(trace)} can be drawn")
    mask = np.zeros(len(trace), dtype=bool)
    mask[np.random.default_rng([seed, requests]).choice(len(trace), requests, replace=False)] = True
    return trace.subset(mask)


def resample(trace: Trace, requests: int, *, seed: int) -> Trace:
    """Trace of so many rows drawn with replacement, numbered anew, all at time 0: their own times mean nothing now."""
    if requests < 1:
        raise InputError(f"requests is {requests}: at least 1 is needed")
    rows = np.random.default_rng([seed, requests]).integers(len(trace), size=requests)
    columns = {name: values[rows] for name, values in trace.columns().items() if name not in ("id", "arrival")}
    return Trace.of(**columns)


def thin(trace: Trace, replicas: int, *, seed: int) -> Trace:
    """Trace of the rows that one of so many replicas is given, at their own times, where each row goes to any alike.

    A row's draw does not depend on how many there are: what one of more replicas is given is among what one of fewer
    is (common random numbers). InputError where it is given nothing.
    """
    if replicas < 1:
        raise InputError(f"replicas is {replicas}: at least 1 is needed")
    mask = np.random.default_rng([seed, THINNING_STREAM]).random(len(trace)) * replicas < 1
    if not mask.any():
        raise InputError(f"none of {len(trace)} requests goes to one of {replicas} replicas; ask for fewer replicas")
    return trace.subset(mask)


def window(trace: Trace, *, start_s: float, end_s: float) -> Trace:
    """Trace of the requests that arrive from start_s on and before end_s; its time 0 is at start_s."""
    start, end = (round(time * PICOSECONDS) for time in (start_s, end_s))
    mask = (trace.arrival >= start) & (trace.arrival < end)
    if not mask.any():
        last = trace.arrival[-1] / PICOSECONDS
        raise InputError(f"no request arrives from {start_s:g} s to {end_s:g} s; the last one arrives at {last:g} s")
    kept = trace.subset(mask)
    return kept.with_arrivals(kept.arrival - start)


def mean_rate(trace: Trace) -> float | None:
    """Requests per second from the first to the last arrival, see `arrival_rate`; None where all arrive at once."""
    return arrival_rate(len(trace), int(trace.arrival[-1] - trace.arrival[0]))


def scale_time(trace: Trace, *, factor: float | None = None, rate: float | None = None) -> Trace:
    """Trace of the same requests with all times multiplied by `factor`, or so that their mean rate is `rate`."""
    if (factor is None) == (rate is None):
        raise InputError("time: give either a factor or a rate")
    if rate is not None:
        own = mean_rate(trace)
        if own is None:
            raise InputError("rate: all requests arrive at once, so there is no rate to scale; draw arrivals instead")
        demand_positive(rate=rate)
        factor = own / rate
    return trace.with_arrivals(TraceTimes(trace.arrival, factor or 0.0).times(len(trace), np.random.default_rng(0)))


def scale_lengths(trace: Trace, *, prompt: float = 1.0, output: float = 1.0) -> Trace:
    """Trace of the same requests with longer or shorter prompts and outputs: rounded, at least 1 token.

    max_new_tokens and predicted_tokens are scaled as the output is.
    """
    columns = dict(trace.columns())
    for name, factor in zip(COUNTED, (prompt, output, output, output), strict=True):
        if name in columns:
            columns[name] = _scaled(name, columns[name], factor)
    return Trace(**columns)


def _scaled(name: str, tokens: IntArray, factor: float) -> IntArray:
    demand_positive(**{f"factor of {name}": factor})
    scaled = np.maximum(np.rint(tokens * factor), 1)
    if scaled.max() > MAX_TOKENS:
        raise InputError(f"factor of {name} is {factor}: {scaled.max():.0f} tokens would be more than {MAX_TOKENS}")
    return np.asarray(scaled.astype(np.int64))
