"""Affine durations: the closed form of k steps, and the boundary at which a stretch is cut."""

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
@given(affine=st.builds(steps, SMALL, SMALL), count=st.integers(0, 40))
def test_elapsed_is_the_sum_of_single_steps(affine: Affine, count: int) -> None:
    """k steps take first + (first + increment) + …, bit for bit (law 9)."""
    assert affine.elapsed(count) == sum(affine.first + step * affine.increment for step in range(count))


@SETTINGS
@given(affine=st.one_of(st.builds(steps, SMALL, SMALL), st.builds(steps, LARGE, LARGE)), data=st.data())
def test_boundary_is_the_least_step_that_ends_at_or_after_a_delay(affine: Affine, data: st.DataObject) -> None:
    """The boundary j ends at or after the delay, step j − 1 ends before it, and j is at least 1."""
    near = data.draw(st.integers(0, 50).map(affine.elapsed)) + data.draw(st.integers(-2, 2))
    delay = data.draw(st.sampled_from([near, max(near, 0) * 1000 + 1]))
    boundary = affine.boundary(delay)
    assert boundary >= 1
    assert affine.elapsed(boundary) >= delay
    assert boundary == 1 or affine.elapsed(boundary - 1) < delay
