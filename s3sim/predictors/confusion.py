"""A predictor that errs as a measured classifier does."""

import csv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from s3sim.core.errors import InputError
from s3sim.predictors.buckets import Buckets
from s3sim.predictors.hashing import uniforms
from s3sim.predictors.margin import EDGE, Margin
from s3sim.predictors.predictor import IntArray, demand_truth

__all__ = ["ConfusionMatrix"]


@dataclass(frozen=True, slots=True, eq=False)
class ConfusionMatrix:
    """Predicts the upper edge of a bucket drawn from the true bucket's row of a matrix.

    `matrix` has shape (count, count): rows are true buckets, columns predicted ones; counts or chances,
    each row is divided by its sum. The draw depends on the seed and the request's id alone, so the same
    id errs alike under matrices that are alike. Raises InputError for a wrong shape, a negative or
    infinite entry, and a row without any chance.

    `skill` mixes it with a better or a worse predictor: at 1 every prediction is right, at −1 it says each bucket
    as often as it is true, whatever is asked. A margin's quantile is of the true buckets in the predicted one's
    column, in the matrix's own proportions: so counts know how often each bucket comes, and chances do not.
    """

    needs_output_tokens: ClassVar[bool] = True

    matrix: NDArray[np.float64]
    buckets: Buckets
    seed: int = 0
    margin: Margin = EDGE
    skill: float = 0.0
    posterior: NDArray[np.float64] = field(init=False)  # predicted buckets down, true ones across; rows sum to 1

    def __post_init__(self) -> None:
        if not -1 <= self.skill <= 1:
            raise InputError(f"skill is {self.skill}: a number from -1 to 1 is needed")
        matrix = _array(self.matrix)
        _demand_chances(matrix, self.buckets.count)
        joint = _mixed(matrix / matrix.sum(), self.skill)
        matrix = joint / joint.sum(axis=1, keepdims=True)
        matrix.flags.writeable = False
        said = joint.sum(axis=0)
        posterior = np.where(said > 0, joint / np.where(said > 0, said, 1), joint.sum(axis=1)[:, None]).T
        object.__setattr__(self, "matrix", matrix)
        object.__setattr__(self, "posterior", posterior)

    @classmethod
    def from_accuracy(
        cls, accuracy: float, buckets: Buckets, *, spread: float, seed: int = 0, margin: Margin = EDGE, skill: float = 0
    ) -> Self:
        """Matrix that is right with this chance in every row, and otherwise near.

        A miss by d buckets weighs spread^(d−1): with 0 every miss is a neighbour, with 1 all others
        are equally likely.
        """
        if not 0 <= accuracy <= 1 or not 0 <= spread <= 1:
            raise InputError(f"accuracy is {accuracy} and spread {spread}: both must lie between 0 and 1")
        if buckets.count == 1 and accuracy < 1:
            raise InputError(f"accuracy is {accuracy}: with a single bucket every prediction is right, 1 is needed")
        numbers = np.arange(buckets.count)
        distance = np.abs(numbers[:, None] - numbers)
        misses = np.where(distance == 0, 0.0, float(spread) ** np.maximum(distance - 1, 0))
        share = (1 - accuracy) / np.maximum(misses.sum(axis=1, keepdims=True), 1)
        return cls(np.where(distance == 0, accuracy, misses * share), buckets, seed, margin, skill)

    @classmethod
    def from_csv(
        cls, path: str | Path, buckets: Buckets, *, seed: int = 0, margin: Margin = EDGE, skill: float = 0
    ) -> Self:
        """Matrix of a CSV file without a header: a line per true bucket, a value per predicted one."""
        rows = [_numbers(path, line, record) for line, record in _records(Path(path))]
        if len(rows) != buckets.count or any(len(row) != buckets.count for row in rows):
            shape = f"{len(rows)} lines of {', '.join(map(str, sorted({len(row) for row in rows})))} values"
            raise InputError(f"{path}: {shape}: {buckets.count} lines of {buckets.count} are needed, one per bucket")
        try:
            return cls(np.array(rows), buckets, seed, margin, skill)
        except InputError as error:
            raise InputError(f"{path}: {error}") from error

    def predict(self, ids: IntArray, prompt_tokens: IntArray, output_tokens: IntArray | None = None) -> IntArray:
        """Predicted output tokens, one per request."""
        truth = self.buckets.index(demand_truth("confusion", output_tokens))
        passed = uniforms(self.seed, ids)[:, None] >= self._cumulative()[truth]
        index = passed.sum(axis=1)
        return self.margin.tokens(index, self.posterior[index], self.buckets)

    def _cumulative(self) -> NDArray[Any]:
        """Chances of each bucket or a lower one; above every draw from the last possible bucket on."""
        chances = np.cumsum(self.matrix, axis=1)
        return np.where(chances >= chances[:, -1:], 1.0, chances)


def _mixed(joint: NDArray[np.float64], skill: float) -> NDArray[np.float64]:
    """Shares of (true, predicted) buckets of a predictor that is so much better, or worse."""
    if not skill:
        return joint
    prior = joint.sum(axis=1)
    other = np.diag(prior) if skill > 0 else np.outer(prior, prior)
    return (1 - abs(skill)) * joint + abs(skill) * other


def _array(matrix: ArrayLike) -> NDArray[np.float64]:
    try:
        return np.array(matrix, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"confusion matrix is no table of numbers ({error}): rows of equal length") from error


def _demand_chances(matrix: NDArray[np.float64], count: int) -> None:
    if matrix.shape != (count, count):
        raise InputError(f"confusion matrix of shape {matrix.shape}: {(count, count)} is needed, one row per bucket")
    for row, column in np.argwhere(~((matrix >= 0) & np.isfinite(matrix))).tolist():
        value = matrix[row, column]
        raise InputError(f"confusion matrix row {row}, column {column} is {value}: a finite number from 0 is needed")
    for row in np.flatnonzero(matrix.sum(axis=1) == 0).tolist():
        raise InputError(f"confusion matrix row {row} is all zero: no prediction to draw; put 1 on its diagonal")


def _records(path: Path) -> list[tuple[int, list[str]]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            return [(reader.line_num, record) for record in reader if record]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error


def _numbers(path: str | Path, line: int, record: list[str]) -> list[float]:
    numbers = []
    for value in record:
        try:
            numbers.append(float(value))
        except ValueError as error:
            raise InputError(f"{path}:{line}: {value!r} is no number; a file without a header is needed") from error
    return numbers
