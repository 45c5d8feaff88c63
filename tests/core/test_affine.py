"""Affine durations: the closed form of k steps, and the boundary at which a stretch is cut."""

from itertools import count, product

from hypothesis import given
from hypothesis import strategies as st

from s3sim.core.batch import Affine
from tests.support.session import examples

SMALL = st.integers(0, 30)
LARGE = st.integers(0, 10**16)  # ps; hours
SETTINGS = examples(200)


def steps(first: int, increment: int) -> Affine:
    """Durations that start at `first` + 1 ps."""
    return Affine(first + 1, increment, 1 << 40)


@SETTINGS
@given(affine=st.builds(steps, SMALL, SMALL), number=st.integers(0, 40))
def test_elapsed_is_the_sum_of_single_steps(affine: Affine, number: int) -> None:
    """k steps take first + (first + increment) + …, bit for bit (law 9)."""
    assert affine.elapsed(number) == sum(affine.first + step * affine.increment for step in range(number))


def test_boundary_is_found_by_counting() -> None:
    """For every small duration and delay the boundary is the first step, counted up from 1, that ends late enough."""
    for first, increment, delay in product(range(1, 8), range(6), range(-3, 90)):
        affine = Affine(first, increment, 1 << 40)
        counted = next(step for step in count(1) if affine.elapsed(step) >= delay)
        assert affine.boundary(delay) == counted, (first, increment, delay)


@SETTINGS
@given(affine=st.builds(steps, LARGE, LARGE), number=st.integers(0, 1000), off=st.integers(-2, 2))
def test_boundary_is_the_least_step_that_ends_at_or_after_a_delay(affine: Affine, number: int, off: int) -> None:
    """With durations of hours in ps: step j ends at or after the delay, step j − 1 before it, and j is at least 1."""
    delay = affine.elapsed(number) + off
    boundary = affine.boundary(delay)
    assert boundary >= 1
    assert affine.elapsed(boundary) >= delay
    assert boundary == 1 or affine.elapsed(boundary - 1) < delay
