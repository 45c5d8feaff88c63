import numpy as np
import pytest

from s3sim.core.errors import InputError
from s3sim.workload.arrivals import Constant, Gamma, Offline, Poisson, TraceTimes
from s3sim.workload.checks import IntArray
from s3sim.workload.generate import generate, retime
from s3sim.workload.lengths import Lengths
from s3sim.workload.parametric import FloatArray
from s3sim.workload.presets import preset

ALPACA = preset("alpaca")


def test_the_alpaca_preset_generates_alpaca() -> None:
    """Generated requests have Alpaca's mean lengths, quantiles and rank correlation's sign."""
    trace = generate(100_000, lengths=ALPACA, arrivals=Offline(), seed=0)
    assert trace.prompt_tokens.mean() == pytest.approx(18.1, rel=0.02)
    assert trace.output_tokens.mean() == pytest.approx(57.4, rel=0.02)
    assert np.quantile(trace.prompt_tokens, [0.5, 0.9, 0.99]) == pytest.approx([14, 30, 74], rel=0.04)
    assert np.quantile(trace.output_tokens, [0.5, 0.9, 0.99]) == pytest.approx([42, 124, 267], rel=0.04)
    assert np.corrcoef(trace.prompt_tokens, trace.output_tokens)[0, 1] < -0.1


def test_a_seed_fixes_everything() -> None:
    """Equal seeds give equal traces, other seeds others."""
    traces = [generate(50, lengths=ALPACA, arrivals=Poisson(2.0), seed=seed) for seed in (4, 4, 5)]
    assert traces[0] == traces[1]
    assert not np.array_equal(traces[0].arrival, traces[2].arrival)
    assert not np.array_equal(traces[0].output_tokens, traces[2].output_tokens)


def test_arrivals_do_not_touch_lengths() -> None:
    """Another rate or process leaves every length as it was (common random numbers)."""
    base = generate(50, lengths=ALPACA, arrivals=Poisson(2.0), seed=4)
    for arrivals in (Offline(), Poisson(9.0), Gamma(2.0, 0.5), Constant(1.0)):
        other = generate(50, lengths=ALPACA, arrivals=arrivals, seed=4)
        assert other.with_arrivals(base.arrival) == base


def test_lengths_do_not_touch_arrivals() -> None:
    """Other lengths leave every arrival as it was."""
    one, two = (generate(50, lengths=preset(name), arrivals=Poisson(2.0), seed=4) for name in ("alpaca", "sharegpt"))
    assert np.array_equal(one.arrival, two.arrival)


class Tapped:
    """Lengths and arrivals that keep the first numbers of the stream that they are given."""

    def __init__(self) -> None:
        self.drawn: list[float] = []

    def tokens(self, scores: FloatArray) -> IntArray:
        """Ones; notes the scores."""
        self.drawn.extend(scores.tolist())
        return np.ones(len(scores), dtype=np.int64)

    def times(self, n: int, rng: np.random.Generator) -> IntArray:
        """Zeros; notes normal numbers."""
        self.drawn.extend(rng.standard_normal(4).tolist())
        return np.zeros(n, dtype=np.int64)


def test_no_number_is_drawn_twice() -> None:
    """Prompts, outputs and arrivals of two seeds share no random number."""
    tap = Tapped()
    for seed in (0, 1):
        generate(2, lengths=Lengths(tap, tap), arrivals=tap, seed=seed)
    assert len(set(tap.drawn)) == len(tap.drawn) == 16


def test_streams_are_independent() -> None:
    """Gaps between arrivals do not correlate with the lengths drawn under the same seed."""
    trace = generate(20_000, lengths=preset("azure-conv"), arrivals=Poisson(1.0), seed=4)
    gaps = np.diff(trace.arrival)
    for lengths in (trace.prompt_tokens, trace.output_tokens):
        assert abs(np.corrcoef(gaps, lengths[1:])[0, 1]) < 0.03


def test_more_requests_prolong_a_trace() -> None:
    """The first requests are the same however many are asked for."""
    many = generate(200, lengths=ALPACA, arrivals=Gamma(3.0, 0.4), seed=1)
    assert many.head(60) == generate(60, lengths=ALPACA, arrivals=Gamma(3.0, 0.4), seed=1)


def test_retime_draws_the_times_of_generate() -> None:
    """A recorded trace under a process has that process's times, and its own when they are asked for."""
    trace = generate(30, lengths=ALPACA, arrivals=Poisson(2.0), seed=4)
    assert retime(trace.with_arrivals(np.zeros(30)), arrivals=Poisson(2.0), seed=4) == trace
    assert retime(trace, arrivals=TraceTimes(trace.arrival), seed=9) == trace


@pytest.mark.parametrize(("requests", "seed", "message"), [(0, 0, "requests is 0"), (1, -1, "seed is -1")])
def test_wrong_numbers_are_refused(requests: int, seed: int, message: str) -> None:
    """A trace has at least one request, and a seed is not negative."""
    with pytest.raises(InputError, match=message):
        generate(requests, lengths=ALPACA, arrivals=Offline(), seed=seed)
