import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3sim.core.errors import InputError
from s3sim.predictors.buckets import Buckets

buckets_and_lengths = st.integers(1, 5000).flatmap(
    lambda top: st.tuples(
        st.builds(Buckets, st.integers(1, min(top, 40)), st.just(top)), st.lists(st.integers(1, top), min_size=1)
    )
)


def test_ten_buckets_of_2048() -> None:
    """Upper edges are ceil(i·2048/10)."""
    assert Buckets(10, 2048).edges.tolist() == [205, 410, 615, 820, 1024, 1229, 1434, 1639, 1844, 2048]


@given(case=buckets_and_lengths)
def test_the_bucket_of_a_length_is_the_least_that_holds_it(case: tuple[Buckets, list[int]]) -> None:
    """Bucket i holds L exactly when edge i−1 < L ≤ edge i."""
    buckets, lengths = case
    index = buckets.index(np.array(lengths))
    below = np.concatenate([[0], buckets.edges])[index]
    assert (lengths <= buckets.upper(index)).all()
    assert (lengths > below).all()


@given(case=buckets_and_lengths)
def test_an_edge_is_its_own_bucket(case: tuple[Buckets, list[int]]) -> None:
    """Rounding up to the edge twice is rounding once, and the last edge is the maximum."""
    buckets, _ = case
    numbers = np.arange(buckets.count)
    assert np.array_equal(buckets.index(buckets.edges), numbers)
    assert buckets.edges[-1] == buckets.max_tokens


def test_longer_lengths_fall_into_the_last_bucket() -> None:
    """No prediction exceeds max_tokens."""
    assert Buckets(4, 100).index(np.array([100, 101, 10**9])).tolist() == [3, 3, 3]


@pytest.mark.parametrize(("count", "top"), [(0, 10), (11, 10), (-1, 10), (1, 0)])
def test_buckets_without_width_are_refused(count: int, top: int) -> None:
    """There is at least one bucket, and none is narrower than a token."""
    with pytest.raises(InputError):
        Buckets(count, top)


@pytest.mark.parametrize("index", [-1, 4])
def test_a_bucket_that_is_none_has_no_edge(index: int) -> None:
    """Bucket numbers run from 0 to count − 1."""
    with pytest.raises(InputError, match="none of 0 to 3"):
        Buckets(4, 100).upper(np.array([0, index]))
