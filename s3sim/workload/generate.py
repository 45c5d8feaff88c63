"""Synthetic traces."""

from collections.abc import Sequence

import numpy as np

from s3sim.core.errors import InputError
from s3sim.workload.arrivals import Arrivals
from s3sim.workload.lengths import JointLengths
from s3sim.workload.trace import Trace

__all__ = ["generate", "generate_phases", "retime"]

LENGTHS_STREAM = 1  # numbers of the independent random streams under one seed
ARRIVALS_STREAM = 2


def generate(requests: int, *, lengths: JointLengths, arrivals: Arrivals, seed: int) -> Trace:
    """Trace of so many drawn requests.

    Lengths and arrivals come from independent streams, so another rate or process leaves the lengths
    as they were (common random numbers), and the first n of more requests are the same n. Raises
    InputError for less than 1 request and for a negative seed.
    """
    if requests < 1:
        raise InputError(f"requests is {requests}: at least 1 is needed")
    prompt, output = lengths.sample(requests, _stream(seed, LENGTHS_STREAM))
    times = arrivals.times(requests, _stream(seed, ARRIVALS_STREAM))
    return Trace.of(prompt_tokens=prompt, output_tokens=output, arrival=times)


def generate_phases(phases: Sequence[tuple[int, JointLengths]], *, arrivals: Arrivals, seed: int) -> Trace:
    """Trace of so many requests of each of some length distributions, one after another.

    The first phase has the lengths that `generate` draws of it alone, and all arrivals are those of one process.
    """
    stream = _stream(seed, LENGTHS_STREAM)
    drawn = [lengths.sample(requests, stream) for requests, lengths in phases]
    prompt, output = (np.concatenate([part[side] for part in drawn]) for side in (0, 1))
    times = arrivals.times(len(prompt), _stream(seed, ARRIVALS_STREAM))
    return Trace.of(prompt_tokens=prompt, output_tokens=output, arrival=times)


def retime(trace: Trace, *, arrivals: Arrivals, seed: int) -> Trace:
    """Trace of the same requests, in the same order, at drawn times: those that `generate` draws with this seed."""
    return trace.with_arrivals(arrivals.times(len(trace), _stream(seed, ARRIVALS_STREAM)))


def _stream(seed: int, number: int) -> np.random.Generator:
    if seed < 0:
        raise InputError(f"seed is {seed}: a whole number from 0 is needed")
    return np.random.default_rng([seed, number])
