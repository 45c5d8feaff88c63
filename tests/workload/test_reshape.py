import numpy as np
import pytest

from s3sim.core.errors import InputError
from s3sim.workload.arrivals import Offline
from s3sim.workload.generate import generate
from s3sim.workload.lengths import Resampled
from s3sim.workload.reshape import mean_rate, resample, sample, scale_lengths, scale_time, window
from s3sim.workload.stats import trace_stats
from s3sim.workload.trace import Trace

SECOND = 10**12  # ps


def trace(rows: int = 200) -> Trace:
    """A trace in which the output is always twice the prompt, with a request each second."""
    prompt = np.arange(1, rows + 1)
    return Trace.of(prompt_tokens=prompt, output_tokens=2 * prompt, arrival=np.arange(rows) * SECOND)


def test_a_sample_keeps_rows_whole_and_in_order() -> None:
    """Rows of a random sample are different rows of the trace, with their ids and times; a seed fixes them."""
    drawn = sample(trace(), 50, seed=1)
    assert len(drawn) == 50
    assert (np.diff(drawn.id) > 0).all()
    assert (drawn.arrival == drawn.id * SECOND).all()
    assert drawn == sample(trace(), 50, seed=1)
    assert drawn != sample(trace(), 50, seed=2)
    with pytest.raises(InputError, match="201 requests asked of 200"):
        sample(trace(), 201, seed=1)


def test_resampling_keeps_the_tie_of_prompt_and_output() -> None:
    """Rows drawn with replacement are rows of the trace, numbered anew, as often as asked."""
    drawn = resample(trace(), 1000, seed=1)
    assert (drawn.output_tokens == 2 * drawn.prompt_tokens).all()
    assert drawn.id.tolist() == list(range(1000))
    assert not drawn.arrival.any()
    assert drawn.prompt_tokens.mean() == pytest.approx(trace().prompt_tokens.mean(), rel=0.07)


def test_resampled_lengths_prolong_and_keep_the_tie() -> None:
    """As a length distribution: pairs stay pairs, more requests prolong the series, every row is drawn."""
    lengths = Resampled(trace().prompt_tokens, trace().output_tokens)
    many = generate(5000, lengths=lengths, arrivals=Offline(), seed=3)
    assert many.head(70) == generate(70, lengths=lengths, arrivals=Offline(), seed=3)
    assert (many.output_tokens == 2 * many.prompt_tokens).all()
    assert set(many.prompt_tokens.tolist()) == set(range(1, 201))
    with pytest.raises(InputError, match="1 prompts and 2 outputs"):
        Resampled(np.ones(1, dtype=np.int64), np.ones(2, dtype=np.int64))


def test_a_window_begins_at_its_own_time_0() -> None:
    """Requests from start on and before end are kept, their times counted from start."""
    part = window(trace(), start_s=10, end_s=12.5)
    assert part.id.tolist() == [10, 11, 12]
    assert part.arrival.tolist() == [0, SECOND, 2 * SECOND]
    with pytest.raises(InputError, match="the last one arrives at 199 s"):
        window(trace(), start_s=300, end_s=400)


def test_time_is_scaled_to_a_rate_or_by_a_factor() -> None:
    """Twice the rate halves every time; a rate is reached exactly; there is none where all arrive at once."""
    assert mean_rate(scale_time(trace(), rate=8.0)) == pytest.approx(8.0)
    assert scale_time(trace(), factor=0.5).arrival.tolist() == (trace().arrival // 2).tolist()
    offline = trace().with_arrivals(np.zeros(200))
    with pytest.raises(InputError, match="no rate to scale"):
        scale_time(offline, rate=8.0)
    with pytest.raises(InputError, match="either a factor or a rate"):
        scale_time(trace())
    with pytest.raises(InputError, match=r"rate is -1.0"):
        scale_time(trace(), rate=-1.0)


def test_lengths_are_scaled_and_stay_tokens() -> None:
    """Lengths are multiplied and rounded, never below 1 nor above what a trace holds; limits follow the outputs."""
    limited = Trace.of(prompt_tokens=[1, 10], output_tokens=[3, 20], max_new_tokens=[4, 30])
    scaled = scale_lengths(limited, prompt=0.3, output=1.5)
    assert scaled.prompt_tokens.tolist() == [1, 3]
    assert scaled.output_tokens.tolist() == [4, 30]
    assert scaled.max_new_tokens is not None
    assert scaled.max_new_tokens.tolist() == [6, 45]
    with pytest.raises(InputError, match="factor of prompt_tokens is 0"):
        scale_lengths(limited, prompt=0)
    with pytest.raises(InputError, match="more than 2147483647"):
        scale_lengths(limited, output=1e9)


def test_statistics_are_numpys() -> None:
    """Means, percentiles, totals, rate, variation and rank correlation of a trace worked out by hand."""
    stats = trace_stats(trace(101))
    assert (stats.requests, stats.prompt_tokens.mean, stats.prompt_tokens.p90) == (101, 51.0, 91.0)
    assert (stats.output_tokens.max, stats.total_tokens.total) == (202, 3 * 51 * 101)
    assert stats.spearman == pytest.approx(1.0)
    assert stats.rate == pytest.approx(1.0)
    assert stats.gap_variation == pytest.approx(0.0)
    assert stats.duration_s == 100.0


def test_statistics_that_do_not_exist_are_none() -> None:
    """One request, or all at once, has no rate; constant lengths have no correlation; ties share their ranks."""
    stats = trace_stats(Trace.of(prompt_tokens=[5, 5], output_tokens=[1, 2]))
    assert (stats.rate, stats.gap_variation, stats.spearman) == (None, None, None)
    tied = trace_stats(Trace.of(prompt_tokens=[1, 1, 2], output_tokens=[1, 2, 3]))
    assert tied.spearman == pytest.approx(0.75**0.5)
