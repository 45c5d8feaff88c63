from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3sim.core.errors import InputError
from s3sim.learn.labels import buckets_of, class_weights, demand_classes
from s3sim.learn.settings import Settings
from s3sim.learn.splits import split
from s3sim.predictors.buckets import Buckets

SETTINGS = Settings(max_tokens=100, buckets=4)


@given(st.lists(st.integers(0, 300), min_size=40, max_size=400), st.integers(0, 5))
def test_a_split_has_every_row_once_and_no_prompt_in_two_parts(numbers: list[int], seed: int) -> None:
    """Train, validation and held-out rows make all rows; equal prompts stay together."""
    prompts = [str(number) for number in numbers]
    if len(set(prompts)) < 30:
        return
    parts = split(prompts, held_out=0.2, validation=0.2, seed=seed)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(prompts)))
    texts = [{prompts[row] for row in rows.tolist()} for rows in parts]
    assert not texts[0] & texts[1] | texts[1] & texts[2] | texts[0] & texts[2]


def test_shares_are_met_and_the_seed_decides_who() -> None:
    """A tenth of 1,000 different prompts is 100 of them; the same seed draws the same."""
    prompts = [str(row) for row in range(1000)]
    parts = split(prompts, held_out=0.1, validation=0.1, seed=0)
    assert tuple(map(len, parts)) == (810, 90, 100)
    again, other = (split(prompts, held_out=0.1, validation=0.1, seed=seed) for seed in (0, 1))
    assert np.array_equal(parts.held_out, again.held_out)
    assert not np.array_equal(parts.held_out, other.held_out)


def test_too_few_prompts_are_an_error() -> None:
    """A part that stays empty is named."""
    with pytest.raises(InputError, match=r"20 rows with 1 different prompts leave the train part empty|validation"):
        split(["same"] * 20, held_out=0.1, validation=0.1, seed=0)


def test_edges_are_equal_quantile_or_explicit() -> None:
    """Equal ones are S³'s; quantile ones hold equal shares of the training rows; explicit ones are taken."""
    tokens = np.arange(1, 101)
    assert buckets_of(SETTINGS, tokens).edges.tolist() == [25, 50, 75, 100]
    skewed = buckets_of(replace(SETTINGS, edges="quantile"), np.repeat([1, 2, 3, 90], 10))
    assert skewed.edges.tolist() == [2, 3, 90, 100]
    counts = np.bincount(
        buckets_of(replace(SETTINGS, edges="quantile"), tokens**2 // 100 + 1).index(tokens**2 // 100 + 1)
    )
    assert counts.max() - counts.min() <= 3
    assert buckets_of(replace(SETTINGS, edges="5,20,60"), tokens).edges.tolist() == [5, 20, 60]


def test_quantiles_that_coincide_make_fewer_buckets() -> None:
    """Half of all rows of one length cannot fill two buckets."""
    assert buckets_of(replace(SETTINGS, edges="quantile"), np.array([7] * 90 + [50] * 10)).edges.tolist() == [7, 100]


@pytest.mark.parametrize("edges", ["5,4", "0,4", "a,b", "1.5,3", "", "9"])
def test_edges_that_do_not_rise_are_errors(edges: str) -> None:
    """Words, fractions, falling, zero and single edges."""
    with pytest.raises(InputError, match=r"edges|bounds|max_tokens"):
        buckets_of(replace(SETTINGS, edges=edges), np.arange(1, 50))


def test_rows_of_one_class_are_an_error() -> None:
    """Nothing can be learnt from them; the message says which bucket, and what would help."""
    with pytest.raises(InputError, match=r"all 30 training rows are in bucket 0 of 4.*quantile edges, or a lower"):
        demand_classes(np.full(30, 9), Buckets(4, 100))


def test_balanced_weights_give_each_filled_bucket_the_same_say() -> None:
    """Weights times counts are equal, as scikit-learn's `balanced`; an empty bucket's is 1."""
    index = np.repeat([0, 1, 3], [60, 30, 10])
    weights = class_weights(index, Buckets(4, 100), "balanced")
    counts = np.bincount(index, minlength=4)
    assert (weights * counts)[counts > 0] == pytest.approx(100 / 3)
    assert weights[2] == 1
    assert class_weights(index, Buckets(4, 100), "none").tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize(
    "fields",
    [{"epochs": 0}, {"learning_rate": 0.0}, {"learning_rate": float("nan")}, {"held_out": 0.9}, {"validation": 0.0},
     {"seed": -1}, {"max_prompt_tokens": 2}, {"warmup": -0.1}, {"batch_size": 0}],
)  # fmt: skip
def test_settings_out_of_range_are_errors(fields: dict[str, object]) -> None:
    """The name, the value and the range are said."""
    (name,) = fields
    with pytest.raises(InputError, match=rf"{name} is .* is needed"):
        Settings.from_json({**SETTINGS.to_json(), **fields}, place="test")
