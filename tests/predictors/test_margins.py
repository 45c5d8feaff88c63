"""Safety margins, skill, and the learner that counts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3sim.core.errors import InputError
from s3sim.predictors.buckets import Buckets
from s3sim.predictors.confusion import ConfusionMatrix
from s3sim.predictors.learner import Frequencies, Prompts
from s3sim.predictors.margin import Margin
from s3sim.predictors.simple import Noisy

TEN = Buckets(10, 1000)
IDS = np.arange(4000)
LENGTHS = np.random.default_rng(0).integers(1, 1001, len(IDS))
COUNTS = np.array([[160, 30, 10], [30, 50, 20], [10, 30, 60]])
THREE = Buckets(3, 300)


def under(predictor, buckets: Buckets = TEN, lengths=LENGTHS) -> float:  # type: ignore[no-untyped-def]
    """The share of lengths above what is said of them."""
    return float((predictor.predict(IDS, IDS, lengths) < lengths).mean())


@pytest.mark.parametrize("kind", ["confusion", "noisy"])
def test_a_margin_in_buckets_says_so_many_edges_more(kind: str) -> None:
    """One bucket more, up to the last one, of the same draws."""
    said = [_made(kind, Margin(buckets)).predict(IDS, IDS, LENGTHS) for buckets in (0, 1, 9)]
    assert (said[1] == np.minimum(said[0] + 100, 1000)).all()
    assert (said[2] == 1000).all()


def _made(kind: str, margin: Margin):  # type: ignore[no-untyped-def]
    if kind == "noisy":
        return Noisy(0.5, TEN, margin=margin)
    return ConfusionMatrix.from_accuracy(0.5, TEN, spread=0.3, margin=margin)


def test_a_quantile_of_a_matrix_holds_that_share() -> None:
    """Where lengths come as often as the counts say, at most 1 − quantile of them are above."""
    draw = np.random.default_rng(1).choice(3, size=len(IDS), p=COUNTS.sum(axis=1) / COUNTS.sum())
    lengths = THREE.upper(draw)
    shares = []
    for quantile in (0.5, 0.7, 0.9, 0.97):
        shares.append(under(ConfusionMatrix(COUNTS, THREE, margin=Margin(quantile=quantile)), THREE, lengths))
        assert shares[-1] <= 1 - quantile + 0.02
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 0.1


@pytest.mark.parametrize("error", ["multiplicative", "additive"])
def test_a_quantile_of_noise_holds_that_share(error: str) -> None:
    """Without buckets exactly the asked share of lengths is above, up to the rounding."""
    sigma = 0.5 if error == "multiplicative" else 100.0
    for quantile in (0.5, 0.8, 0.95):
        found = under(Noisy(sigma, None, error, margin=Margin(quantile=quantile)))  # type: ignore[arg-type]
        assert found == pytest.approx(1 - quantile, abs=0.02)


@pytest.mark.parametrize("fields", [(-1, None), (0, 0.0), (0, 1.0), (1, 0.9)])
def test_a_margin_that_means_nothing_is_an_error(fields: tuple[int, float | None]) -> None:
    """Below none, a chance of 0 or 1, or both kinds at once."""
    with pytest.raises(InputError):
        Margin(*fields)


def test_a_margin_in_buckets_needs_buckets() -> None:
    """Noise without buckets has none."""
    with pytest.raises(InputError, match="no buckets"):
        Noisy(0.5, None, margin=Margin(1))


def test_skill_goes_from_blind_over_measured_to_right() -> None:
    """At 0 the matrix is as given, at 1 the diagonal, at −1 every row is how often each bucket is true."""
    given_matrix = COUNTS / COUNTS.sum(axis=1, keepdims=True)
    assert np.allclose(ConfusionMatrix(COUNTS, THREE).matrix, given_matrix)
    assert np.allclose(ConfusionMatrix(COUNTS, THREE, skill=1.0).matrix, np.eye(3))
    blind = ConfusionMatrix(COUNTS, THREE, skill=-1.0).matrix
    assert np.allclose(blind, np.tile(COUNTS.sum(axis=1) / COUNTS.sum(), (3, 1)))


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_more_skill_is_right_more_often(one: float, other: float) -> None:
    """The share of right predictions rises with skill."""
    low, high = sorted((one, other))
    share = COUNTS.sum(axis=1) / COUNTS.sum()
    right = [float(share @ np.diag(ConfusionMatrix(COUNTS, THREE, skill=skill).matrix)) for skill in (low, high)]
    assert right[0] <= right[1] + 1e-12


@pytest.mark.parametrize("skill", [-1.1, 1.1])
def test_skill_has_limits(skill: float) -> None:
    """Nothing is better than right or worse than blind."""
    with pytest.raises(InputError, match="skill"):
        ConfusionMatrix(COUNTS, THREE, skill=skill)


def prompts(tokens: list[int]) -> Prompts:
    """Prompts of these lengths."""
    return Prompts(tokens=np.array(tokens), texts=None, buckets=THREE, seed=0)


def test_frequencies_are_those_of_like_prompts() -> None:
    """Many rows of a kind speak for themselves; a kind that never came has everybody's shares."""
    first = Frequencies.of(prompts([4] * 200 + [64] * 200 + [1000]))
    assert first.chances(0) is None
    learnt = first.learn(np.arange(400), np.repeat([0, 2], 200))
    short, long, unknown = (learnt.chances(row) for row in (0, 300, 400))
    assert short is not None
    assert long is not None
    assert unknown is not None
    assert short[0] > 0.9
    assert long[2] > 0.9
    assert unknown == pytest.approx([0.5, 0, 0.5])
    assert first.chances(0) is None


def test_frequencies_forget_what_is_outside_of_the_window() -> None:
    """A version knows what its retraining was given, and nothing that was given before."""
    first = Frequencies.of(prompts([4] * 20)).learn(np.arange(10), np.zeros(10, np.int64))
    second = first.learn(np.arange(10, 20), np.full(10, 1))
    assert second.chances(0) == pytest.approx([0, 1, 0])
