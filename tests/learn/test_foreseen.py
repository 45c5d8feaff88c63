import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from s3sim.core.errors import InputError
from s3sim.learn.bootstrap import paired_bootstrap
from s3sim.learn.foreseen import Foreseen, certain, of_points, quantile
from s3sim.learn.metrics import confusion, macro_f1, scores
from s3sim.predictors.buckets import Buckets

TEN = Buckets(10, 100)
UNEVEN = Buckets.of_edges([3, 20, 100])


def test_the_median_is_interpolated_within_its_bucket() -> None:
    """Worked by hand: chances 0.2, 0.4, 0.4 over edges 3, 20, 100: half is reached 3/4 into the second bucket."""
    chances = np.array([[0.2, 0.4, 0.4], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    assert quantile(chances, UNEVEN, 0.5) == pytest.approx([3 + 17 * 0.75, 1.5, 60.0])
    assert quantile(chances, UNEVEN, 0.9) == pytest.approx([20 + 80 * 0.75, 2.7, 92.0])


@given(arrays(np.float64, (4, 10), elements=st.floats(0.001, 1)), st.floats(0.01, 0.98))
def test_quantiles_rise_with_their_level_and_stay_within_the_edges(weights: np.ndarray, level: float) -> None:  # type: ignore[type-arg]
    """Between 0 and the last edge, and never falling."""
    chances = weights / weights.sum(axis=1, keepdims=True)
    low, high = quantile(chances, TEN, level), quantile(chances, TEN, level + 0.01)
    assert (low >= 0).all()
    assert (low <= high).all()
    assert (high <= 100).all()


def test_the_bucket_is_the_likeliest_and_reserves_its_upper_edge() -> None:
    """The point estimate is another thing: the median."""
    found = Foreseen.of_chances(np.array([[0.3, 0.4, 0.3]]), UNEVEN)
    assert found.bucket.tolist() == [1]
    assert found.reserved(UNEVEN).tolist() == [20]
    assert found.point[0] == pytest.approx(3 + 17 * 0.5)


def test_points_lie_in_the_bucket_that_covers_them() -> None:
    """A point of 20.1 tokens needs a reservation of 21, so it is in the bucket above 20."""
    assert of_points(np.array([2.5, 20.0, 20.1, 500.0]), UNEVEN).bucket.tolist() == [0, 1, 2, 2]


def test_scores_worked_by_hand() -> None:
    """Five rows over ten buckets of 10 tokens."""
    tokens = np.array([5, 15, 25, 95, 120])
    found = Foreseen(np.array([0, 0, 2, 9, 9]), np.array([5.0, 10.0, 20.0, 90.0, 95.0]))
    score = scores(found, tokens, TEN, majority=0)
    assert score.accuracy == pytest.approx(4 / 5)
    assert score.majority_accuracy == pytest.approx(1 / 5)
    assert score.within_one == 1.0
    assert score.mae_tokens == pytest.approx((0 + 5 + 5 + 5 + 25) / 5)
    assert score.kendall_tau == pytest.approx(1.0)
    assert score.under_predicted == pytest.approx(2 / 5)  # 15 > 10, and 120 > 100
    assert score.macro_f1 == pytest.approx((2 / 3 + 0 + 1 + 1) / 4)
    assert score.rows == 5


def test_the_eight_keys() -> None:
    """What `evaluate --json` prints for each predictor, and nothing else."""
    found = scores(certain(0, 5, rows=3), np.array([5, 15, 25]), TEN, majority=0).to_json()
    assert list(found) == [
        "accuracy", "majority_accuracy", "macro_f1", "within_one", "mae_tokens", "kendall_tau",
        "under_predicted", "rows",
    ]  # fmt: skip
    assert found["kendall_tau"] is None  # a constant orders nothing


@settings(deadline=None)  # the first import of scikit-learn takes long
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=60))
def test_macro_f1_is_scikit_learns(pairs: list[tuple[int, int]]) -> None:
    """On any pairs of buckets."""
    metrics = pytest.importorskip("sklearn.metrics", reason="the extra `learn` is not installed")
    truth, said = (np.array(column) for column in zip(*pairs, strict=True))
    matrix = confusion(said, truth, 6)
    assert matrix.sum() == len(pairs)
    assert np.diag(matrix).sum() == (truth == said).sum()
    assert macro_f1(matrix) == pytest.approx(metrics.f1_score(truth, said, average="macro", zero_division=0))


def test_confusion_has_the_truth_down() -> None:
    """Row: true bucket; column: foreseen bucket."""
    assert confusion(np.array([2, 2]), np.array([0, 0]), 3).tolist() == [[0, 0, 2], [0, 0, 0], [0, 0, 0]]


def test_the_paired_bootstrap_sees_a_difference_and_no_difference() -> None:
    """A gain in each of 200 rows is certain; a coin's is not; the interval's width is that of the mean's error."""
    draw = np.random.default_rng(1)
    base = draw.normal(size=400)
    sure = paired_bootstrap(base + 0.5, base)
    assert sure.low == pytest.approx(0.5)
    assert sure.high == pytest.approx(0.5)
    noise = draw.normal(size=400)
    found = paired_bootstrap(base + noise, base)
    assert found.low < noise.mean() < found.high
    assert found.high - found.low == pytest.approx(2 * 1.96 * noise.std() / 20, rel=0.1)
    assert found == paired_bootstrap(base + noise, base)


def test_the_paired_bootstrap_needs_the_same_rows() -> None:
    """Values of other rows are no pairs."""
    with pytest.raises(InputError, match="the same rows are needed"):
        paired_bootstrap(np.zeros(3), np.zeros(4))
