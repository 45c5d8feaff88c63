import numpy as np
import pytest

from s3sim.predictors.hashing import normals, uniforms

N = 100_000
IDS = np.arange(N)


def chi_square(values: np.ndarray, cells: int) -> float:
    """Pearson's statistic of values in (0, 1) against equal shares, less its mean, in standard deviations."""
    counts = np.bincount((values * cells).astype(int), minlength=cells)
    statistic = ((counts - len(values) / cells) ** 2 / (len(values) / cells)).sum()
    return float((statistic - (cells - 1)) / np.sqrt(2 * (cells - 1)))


def test_known_values() -> None:
    """The hash is part of every result: it must not change unnoticed."""
    drawn = uniforms(7, np.array([0, 1, 2**62]))
    assert drawn.tolist() == [0.6093945245681751, 0.4091794986047252, 0.6053651859122389]


@pytest.mark.parametrize("ids", [IDS, IDS * 1000, IDS << 40, -IDS], ids=["dense", "thousands", "high", "negative"])
@pytest.mark.parametrize("seed", [0, 1, 2**63])
def test_uniforms_are_uniform(ids: np.ndarray, seed: int) -> None:
    """Shares of 100 cells pass a chi-square test, for any pattern of ids."""
    drawn = uniforms(seed, ids)
    assert 0 < drawn.min() < drawn.max() < 1
    assert abs(chi_square(drawn, 100)) < 4


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (uniforms(0, IDS), uniforms(1, IDS)),
        (uniforms(0, IDS), uniforms(0, IDS, 1)),
        (uniforms(0, IDS, 1), uniforms(1, IDS)),
        (uniforms(0, IDS), uniforms(0, IDS + 1)),
    ],
    ids=["seeds", "streams", "crossed", "neighbours"],
)
def test_pairs_are_independent(one: np.ndarray, two: np.ndarray) -> None:
    """Other seeds, streams and ids give unrelated numbers: pairs fill the square evenly."""
    cells = (one * 16).astype(int) * 16 + (two * 16).astype(int)
    assert abs(chi_square((cells + 0.5) / 256, 256)) < 4


def test_normals_are_normal() -> None:
    """Moments and tails of the standard normal distribution."""
    drawn = normals(3, IDS)
    assert drawn.mean() == pytest.approx(0, abs=0.015)
    assert drawn.std() == pytest.approx(1, abs=0.01)
    assert (drawn > 1.2815515655446004).mean() == pytest.approx(0.1, abs=0.004)
    assert (drawn < -2.3263478740408408).mean() == pytest.approx(0.01, abs=0.0013)
