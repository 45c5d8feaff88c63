from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3sim.core.errors import InputError
from s3sim.predictors.buckets import Buckets
from s3sim.predictors.confusion import ConfusionMatrix
from s3sim.predictors.simple import Oracle

THREE = Buckets(3, 300)
COUNTS = np.array([[6.0, 3.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 3.0]])
N = 60_000


def predicted_buckets(matrix: ConfusionMatrix, truth: int) -> np.ndarray:
    """Shares of the predicted buckets over many requests of one true length."""
    ids = np.arange(N)
    tokens = matrix.predict(ids, ids, np.full(N, truth))
    return np.bincount(matrix.buckets.index(tokens), minlength=matrix.buckets.count) / N


@pytest.mark.parametrize(("truth", "row"), [(1, 0), (100, 0), (101, 1), (300, 2)])
def test_predictions_follow_the_row_of_the_true_bucket(truth: int, row: int) -> None:
    """The share of each predicted bucket is its chance in the row; an entry of 0 is never predicted."""
    shares = predicted_buckets(ConfusionMatrix(COUNTS, THREE, seed=1), truth)
    wanted = COUNTS[row] / COUNTS[row].sum()
    assert shares == pytest.approx(wanted, abs=0.01)
    assert (shares[wanted == 0] == 0).all()


def test_predictions_are_upper_edges() -> None:
    """A predicted bucket stands for its upper edge."""
    ids = np.arange(100)
    assert set(ConfusionMatrix(COUNTS, THREE).predict(ids, ids, ids + 1).tolist()) == {100, 200, 300}


def test_the_identity_is_the_oracle() -> None:
    """A matrix without errors predicts the true bucket."""
    ids = np.arange(1, 301)
    perfect = ConfusionMatrix(np.eye(3), THREE).predict(ids, ids, ids)
    assert np.array_equal(perfect, Oracle(THREE).predict(ids, ids, ids))


@given(
    accuracy=st.floats(0, 1),
    spread=st.floats(0, 1),
    count=st.integers(2, 12),
)
def test_from_accuracy_errs_near_and_as_often_as_asked(accuracy: float, spread: float, count: int) -> None:
    """The diagonal is the accuracy, rows sum to 1, and chances fall with the distance by the spread."""
    matrix = ConfusionMatrix.from_accuracy(accuracy, Buckets(count, 2048), spread=spread).matrix
    assert np.diag(matrix) == pytest.approx(np.full(count, accuracy))
    assert matrix.sum(axis=1) == pytest.approx(np.ones(count))
    for row in range(count):
        for column in range(row + 1, count - 1):
            assert matrix[row, column + 1] == pytest.approx(spread * matrix[row, column])
        if 0 < row < count - 1:
            assert matrix[row, row - 1] == pytest.approx(matrix[row, row + 1])


def test_better_accuracy_is_right_more_often() -> None:
    """The share of right predictions is the accuracy."""
    for accuracy in (0.0, 0.6561, 0.9861, 1.0):
        matrix = ConfusionMatrix.from_accuracy(accuracy, Buckets(10, 2048), spread=0.3)
        assert predicted_buckets(matrix, 700)[3] == pytest.approx(accuracy, abs=0.007)


@pytest.mark.parametrize(
    ("accuracy", "spread", "count"), [(1.1, 0.5, 3), (0.5, -0.1, 3), (float("nan"), 0, 3), (0.5, 0.5, 1)]
)
def test_impossible_accuracies_are_refused(accuracy: float, spread: float, count: int) -> None:
    """Chances lie between 0 and 1, and a single bucket leaves nothing to miss."""
    with pytest.raises(InputError, match="accuracy is"):
        ConfusionMatrix.from_accuracy(accuracy, Buckets(count, 300), spread=spread)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.ones((2, 3)), r"shape \(2, 3\): \(3, 3\) is needed"),
        ([[1], [1, 2]], "no table of numbers .*rows of equal length"),
        (np.ones(3), r"shape \(3,\)"),
        (COUNTS - 2 * np.eye(3)[1], "row 1, column 1 is -1.0: a finite number from 0"),
        (COUNTS + np.diag([0, 0, np.inf]), "row [012], column [012] is (nan|inf)"),
        (COUNTS * [[1], [0], [1]], "row 1 is all zero: .*put 1 on its diagonal"),
    ],
)
def test_a_matrix_without_chances_is_refused(matrix: np.ndarray, message: str) -> None:
    """Shape, entries and rows are checked, and the message says which."""
    with pytest.raises(InputError, match=message):
        ConfusionMatrix(matrix, THREE)


def test_a_matrix_is_read_from_a_file(tmp_path: Path) -> None:
    """Counts in a CSV file give the same predictor as the array."""
    path = tmp_path / "matrix.csv"
    path.write_text("6,3,1\n\n0,1,0\n1,0,3\n")
    assert np.array_equal(ConfusionMatrix.from_csv(path, THREE).matrix, ConfusionMatrix(COUNTS, THREE).matrix)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("6,3,1\n0,1,0\n", "matrix.csv: 2 lines of 3 values: 3 lines of 3 are needed"),
        ("6,3\n0,1,0\n1,0,3\n", "matrix.csv: 3 lines of 2, 3 values"),
        ("", "matrix.csv: 0 lines of"),
        ("a,b,c\n6,3,1\n0,1,0\n1,0,3\n", "matrix.csv:1: 'a' is no number"),
        ("6,3,1\n\n0,1,x\n1,0,3\n", "matrix.csv:3: 'x' is no number"),
        ("6,3,1\n0,-1,0\n1,0,3\n", "matrix.csv: confusion matrix row 1, column 1 is -1"),
    ],
)
def test_a_faulty_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    """Every fault of the file is an InputError with the file and, for a value, the line."""
    path = tmp_path / "matrix.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        ConfusionMatrix.from_csv(path, THREE)


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    """A path that is no file is the user's to correct."""
    with pytest.raises(InputError, match=r"absent\.csv: cannot be read"):
        ConfusionMatrix.from_csv(tmp_path / "absent.csv", THREE)
