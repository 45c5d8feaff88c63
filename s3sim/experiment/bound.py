"""An upper bound of offline throughput: the least time in which any schedule could serve a burst.

No system and no order is faster, for what is counted is what each must do. It is a relaxation: no schedule need exist
that reaches it. Let request i have p_i prompt and o_i output tokens. It emits its tokens in o_i different steps.

Steps. In the step that emits token j + 1 it holds p_i + j slots: a decode writes the slot of token j, and a prefill
after a preemption holds all that came before. A step holds at most a lane's capacity C, so that
S ≥ Σ_i Σ_j (p_i + j) ÷ C, with j from 0 to o_i − 1. And S ≥ max_i o_i.

Work. Every prompt goes through the model at least once: p_i tokens, and their query-key pairs. Token 1 comes of a
prefill; each later one of a decode, which reads p_i + j − 1 slots, or of a prefill of p_i + j tokens, whichever is
cheaper. Each emission is a row or a chunk of its step. Preemptions, padding, moves, predictions and idle time only add.

Time. A step's duration lies above the latency model's LeastStep, in which no price is below 0, so that the sum over all
steps is at least S_least · step + the prices of all that work; and it is at least S_least · floor. The LeastStep is
taken at tokens ÷ S_least and sequences ÷ S_least, where the bound of the convex terms is best (Jensen). L lanes share L
stages, each busy with one step's L-th part at a time, so that a run lasts at least an L-th of the sum. And it lasts at
least max_i o_i times the shortest step, for a request's own steps follow one another.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from s3sim.core.protocols import LatencyModel
from s3sim.experiment.build import Hardware
from s3sim.hardware.least import Bounded, LeastStep
from s3sim.hardware.units import PICOSECONDS_PER_SECOND
from s3sim.report.burst import is_burst
from s3sim.report.measure import Measure

__all__ = ["Lengths", "least_duration", "throughput_bound"]

IntArray = NDArray[np.int64]


class Lengths(NamedTuple):
    """True lengths of the requests of a burst, in tokens, one of each per request."""

    prompt: IntArray
    output: IntArray  # at least 1

    @property
    def later(self) -> tuple[IntArray, IntArray]:
        """Lengths n = prompt + j with which tokens j + 1, from the second on, are emitted, and how often each is."""
        size = int((self.prompt + self.output).max()) + 1
        begin, end = (np.bincount(at, minlength=size) for at in (self.prompt + 1, self.prompt + self.output))
        return np.arange(size, dtype=np.int64), np.cumsum(begin - end)


def throughput_bound(requests: pd.DataFrame, hardware: Hardware, measure: Measure) -> float | None:
    """Requests per second that no schedule of a burst exceeds; None where arrivals are spread, or nothing is known.

    `requests` is a run's table; of a burst its finished requests count. Of a burst that is measured in its saturated
    part the longest request and rounding are left out: it is the bound of an endless burst of such requests.
    None for a measured profile: its lines need be neither convex nor straight.
    """
    finished = requests[requests["status"] == "finished"]
    if finished.empty or not is_burst(requests):
        return None
    prompt, output = (finished[name].to_numpy(dtype=np.int64) for name in ("prompt_tokens", "output_tokens"))
    seconds = least_duration(
        Lengths(prompt, output),
        capacity=hardware.kv_capacity_tokens,
        latency=hardware.latency,
        lanes=hardware.parallel.pipeline,
        endless=measure.burst == "saturated",
    )
    return None if seconds is None else len(finished) / seconds


def least_duration(
    lengths: Lengths, *, capacity: int, latency: LatencyModel, lanes: int = 1, endless: bool = False
) -> float | None:
    """Seconds that any schedule of these requests takes at least; None where the latency model has no LeastStep.

    `capacity` is in slots, of all lanes together. `endless` asks what such requests add to a burst that has no end:
    the longest request is no limit then, and steps may be shared with the next ones.
    """
    if not isinstance(latency, Bounded):
        return None
    steps = _least_steps(lengths, capacity=capacity // lanes, endless=endless)
    prompts, outputs = int(lengths.prompt.sum()), int(lengths.output.sum())
    tokens = prompts + outputs - len(lengths.output)
    least = latency.least_step(tokens=max(1.0, tokens / steps), sequences=max(1.0, outputs / steps))
    longest = 0.0 if endless else int(lengths.output.max()) * _shortest(latency)
    together = max(steps * least.floor, steps * least.step + _work(lengths, least))
    return max(together / lanes, longest) / PICOSECONDS_PER_SECOND


def _least_steps(lengths: Lengths, *, capacity: int, endless: bool) -> float:
    """Steps of all lanes together, by memory and by the longest request."""
    emitted, often = lengths.later
    held = int(lengths.prompt.sum()) + int(emitted @ often)
    return held / capacity if endless else max(-(-held // capacity), int(lengths.output.max()))


def _work(lengths: Lengths, least: LeastStep) -> float:
    """Picoseconds for all that must be computed, but for what each step costs by itself."""
    emitted, often = lengths.later
    again = least.prefill * emitted + least.pair * _pairs(emitted, least.window)
    further = np.minimum(least.decode + least.slot * (emitted - 1), again)
    first = least.prefill * lengths.prompt + least.pair * _pairs(lengths.prompt, least.window)
    return float(first.sum() + often @ further + least.sequence * lengths.output.sum())


def _pairs(tokens: IntArray, window: int | None) -> IntArray:
    """Query-key pairs of a prefill of so many tokens, within a sliding window if there is one."""
    unseen = np.maximum(0, tokens - window) if window is not None else np.zeros_like(tokens)
    return (tokens * (tokens + 1) - unseen * (unseen + 1)) // 2


def _shortest(latency: Bounded) -> float:
    """Picoseconds of the shortest step: of one sequence, of which one token is computed."""
    least = latency.least_step(tokens=1.0, sequences=1.0)
    return max(least.floor, least.step + least.sequence + min(least.prefill, least.decode))
