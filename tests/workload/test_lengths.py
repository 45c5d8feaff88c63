import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3sim.core.errors import InputError, UnknownNameError
from s3sim.workload.checks import IntArray
from s3sim.workload.lengths import LENGTHS, Length, Lengths, QuantileTable
from s3sim.workload.parametric import ConstantLength, GeometricLength, LognormalLength, UniformLength
from s3sim.workload.presets import LEVELS, PRESETS, preset

TABLE = QuantileTable((0.0, 0.5, 1.0), (1.0, 11.0, 111.0))
KINDS = [ConstantLength(128), GeometricLength(128.0), LognormalLength(128.0, 0.7), TABLE, UniformLength(1, 255)]
N = 200_000


def draw(kind: Length, n: int = N) -> IntArray:
    """Lengths of n requests."""
    return kind.tokens(np.random.default_rng(5).standard_normal(n))


def test_every_registered_kind_is_tested() -> None:
    """The laws below run on all distributions that can be named."""
    assert set(LENGTHS.values()) == {type(kind) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_tokens_are_whole_positive_and_rise_with_the_score(kind: Length) -> None:
    """Every distribution is a non-decreasing function of its score, from 1 token on, also far out."""
    tokens = kind.tokens(np.linspace(-9, 9, 1001))
    assert tokens.dtype == np.int64
    assert tokens.min() >= 1
    assert (np.diff(tokens) >= 0).all()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != TABLE])
def test_the_mean_is_the_one_asked_for(kind: Length) -> None:
    """All parametric kinds here have a mean of 128 tokens."""
    assert draw(kind).mean() == pytest.approx(128, rel=0.01)


def test_uniform_lengths_are_equally_likely() -> None:
    """Every whole number from low to high has the same share, the ends included."""
    share = np.bincount(draw(UniformLength(3, 7)), minlength=9) / N
    assert share[3:8] == pytest.approx(np.full(5, 0.2), abs=0.005)
    assert share[:3].sum() + share[8:].sum() == 0


def test_geometric_lengths_have_no_memory() -> None:
    """P(more than n) = (1 − 1/mean)^n, from the first token on."""
    tokens = draw(GeometricLength(4.0))
    for n in (1, 2, 5, 20):
        assert (tokens > n).mean() == pytest.approx(0.75**n, rel=0.06)
    assert (draw(GeometricLength(1.0), 10) == 1).all()


def test_lognormal_lengths_have_their_median() -> None:
    """The median is mean·exp(−σ²/2)."""
    assert np.median(draw(LognormalLength(500.0, 1.0))) == pytest.approx(500 * math.exp(-0.5), rel=0.02)


def test_table_interpolates_between_its_quantiles() -> None:
    """At a level of the table stands its value, and half way between two levels their mean."""
    quartiles = np.array([-0.6744897501960817, 0.0, 0.6744897501960817])
    assert TABLE.tokens(quartiles).tolist() == [6, 11, 61]
    assert TABLE.tokens(np.array([-40.0, 40.0])).tolist() == [1, 111]


@pytest.mark.parametrize(
    ("levels", "values", "message"),
    [
        ((0.0, 1.0), (1.0,), "1 quantiles for 2 levels"),
        ((0.0, 0.9), (1.0, 2.0), "must rise from 0 to 1"),
        ((0.1, 1.0), (1.0, 2.0), "must rise from 0 to 1"),
        ((0.0, 0.5, 0.5, 1.0), (1.0, 2.0, 3.0, 4.0), "must rise from 0 to 1"),
        ((1.0,), (1.0,), "must rise from 0 to 1"),
        ((0.0, 1.0), (0.0, 2.0), "must never fall, from 1"),
        ((0.0, 1.0), (3.0, 2.0), "must never fall"),
        ((0.0, 1.0), (3.0, math.nan), "must never fall"),
    ],
)
def test_a_table_that_is_no_distribution_is_refused(
    levels: tuple[float, ...], values: tuple[float, ...], message: str
) -> None:
    """Levels rise from 0 to 1 and values never fall, or InputError."""
    with pytest.raises(InputError, match=message):
        QuantileTable(levels, values)


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        (ConstantLength, (0,), "value is 0"),
        (ConstantLength, (2.5,), "value is 2.5"),
        (UniformLength, (5, 4), "low is 5, above high, 4"),
        (UniformLength, (0, 4), "low is 0"),
        (GeometricLength, (0.5,), "mean is 0.5"),
        (GeometricLength, (math.nan,), "mean is nan"),
        (LognormalLength, (10.0, -1.0), "sigma is -1.0"),
        (LognormalLength, (math.inf, 1.0), "mean is inf"),
        (Lengths, (TABLE, TABLE, 1.1), "spearman is 1.1"),
    ],
)
def test_parameters_outside_a_distribution_are_refused(
    kind: type[ConstantLength], arguments: tuple[int, ...], message: str
) -> None:
    """Each parameter is checked, with its name and value in the message."""
    with pytest.raises(InputError, match=message):
        kind(*arguments)


def spearman(first: IntArray, second: IntArray) -> float:
    """Rank correlation; ties are broken by row, which hardly matters for long lengths."""
    ranks = [np.argsort(np.argsort(values, kind="stable"), kind="stable") for values in (first, second)]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


@pytest.mark.parametrize("wanted", [-0.9, -0.25, 0.0, 0.5])
def test_the_copula_has_the_rank_correlation_asked_for(wanted: float) -> None:
    """Prompt and output have this Spearman correlation, whatever their own distributions."""
    lengths = Lengths(LognormalLength(5000.0, 1.0), UniformLength(1, 10**6), wanted)
    assert spearman(*lengths.sample(50_000, np.random.default_rng(1))) == pytest.approx(wanted, abs=0.015)


def test_the_copula_leaves_each_length_as_it_was() -> None:
    """Correlated or not, the outputs have their own distribution."""
    outputs = Lengths(TABLE, UniformLength(1, 9), 0.8).sample(N, np.random.default_rng(1))[1]
    assert np.bincount(outputs)[1:] / N == pytest.approx(np.full(9, 1 / 9), abs=0.005)


@given(n=st.integers(1, 50))
def test_more_requests_prolong_the_lengths(n: int) -> None:
    """The first lengths are the same however many are asked for."""
    few, many = (np.array(preset("alpaca").sample(count, np.random.default_rng(1))) for count in (n, 60))
    assert np.array_equal(few, many[:, :n])


# Of the data sets themselves: mean, p50, p90, p99. Tables interpolate, so means may be 1% off; ShareGPT's
# p99 counts the outputs of empty prompts too.
STATISTICS = {
    ("alpaca", 0): (18.1, 14, 30, 74),
    ("alpaca", 1): (57.4, 42, 124, 267),
    ("alpaca-neox", 0): (18.0, 14, 30, 73),
    ("alpaca-neox", 1): (57.3, 42, 124, 262),
    ("alpaca-vicuna", 0): (18.1, 14, 30, 72),
    ("alpaca-vicuna", 1): (125.6, 105, 281, 509),
    ("azure-conv", 0): (1154.7, 1020, 2734, 4142),
    ("azure-conv", 1): (211.1, 129, 424, 601),
    ("sharegpt", 0): (202.1, 25, 478, 2634),
    ("sharegpt", 1): (333.4, 291, 699, 979),
}


@pytest.mark.parametrize(("name", "column"), STATISTICS)
def test_a_preset_draws_what_its_data_shows(name: str, column: int) -> None:
    """Mean and quantiles of a preset are those of the data that it summarises."""
    scores = np.linspace(-4.5, 4.5, 40_001)
    kind = (preset(name).prompt, preset(name).output)[column]
    tokens = kind.tokens(scores)
    weight = np.exp(-(scores**2) / 2)
    mean, *quantiles = STATISTICS[name, column]
    assert (tokens * weight).sum() / weight.sum() == pytest.approx(mean, rel=0.015)
    drawn = kind.tokens(np.array([0.0, 1.2815515655446004, 2.3263478740408408]))
    assert drawn == pytest.approx(quantiles, rel=0.005, abs=1)


def test_every_preset_has_statistics() -> None:
    """No preset is left out of the comparison with its data."""
    assert {name for name, _ in STATISTICS} == set(PRESETS)
    assert 35 <= len(LEVELS) <= 45


def test_an_unknown_preset_lists_the_known() -> None:
    """A misspelt preset is met with the closest one."""
    with pytest.raises(UnknownNameError, match="did you mean 'alpaca'"):
        preset("alpacca")
