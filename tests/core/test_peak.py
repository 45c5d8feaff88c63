"""The foreseen peak of memory, and the lengths that it is foreseen from."""

from array import array
from statistics import fmean
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3sim.policies.peak import History, LowerBound, future_peak
from s3sim.policies.uniform import uniform
from tests.support.sequences import sequence
from tests.support.session import examples

PAIRS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=12)


@examples(200)
@given(pairs=PAIRS)
def test_the_peak_is_that_of_a_run_step_by_step(pairs: list[tuple[int, int]]) -> None:
    """The closed form is the most that is held when everybody writes a slot a step and leaves at its end."""
    held = [sum(slots + step for left, slots in pairs if left >= step) for step in range(31)]
    assert future_peak(pairs) == max(held)


def view(finished: list[int], *, admitted: int = 0) -> Any:
    """What History looks at."""
    return SimpleNamespace(finished=array("q", finished), admitted=admitted)


@examples(200)
@given(
    finished=st.lists(st.integers(1, 60), max_size=30),
    limit=st.integers(1, 60),
    age=st.integers(0, 59),
    window=st.integers(1, 20),
)
def test_a_foreseen_length_is_possible(finished: list[int], limit: int, age: int, window: int) -> None:
    """Whoever runs will emit one token more at least, and never more than its client allows."""
    one = sequence(0, max_new=limit)
    for _ in range(min(age, limit - 1)):
        one.emit()
    for total in History(window=window, lists=3, longest=60).draws(view(finished)):
        assert one.generated < total(one) <= limit


def drawn(finished: list[int], *, age: int, window: int = 200) -> list[int]:
    """Draws for many sequences of an age."""
    (total, *_) = History(window=window, lists=1, longest=1000).draws(view(finished))
    found = []
    for order in range(2000):
        one = sequence(order, max_new=1000)
        for _ in range(age):
            one.emit()
        found.append(total(one))
    return found


def test_lengths_are_drawn_from_those_that_outlived_the_same_age() -> None:
    """Of lengths half 40 and half 100, the young become either, and those older than 40 become 100 or a little more."""
    finished = [40, 100] * 100
    young, old = drawn(finished, age=10), drawn(finished, age=50)
    assert 0.45 < fmean(length <= 40 for length in young) < 0.55
    assert fmean(length == 100 for length in old) > 0.95
    assert min(old) > 50


def test_only_the_window_is_remembered() -> None:
    """Lengths before the last `window` ones do not count; half a window of the longest does until they are passed."""
    assert fmean(length == 7 for length in drawn([300] * 50 + [7] * 20, age=0, window=20)) > 0.85
    assert fmean(length == 1000 for length in drawn([7] * 10, age=0, window=20)) == pytest.approx(0.45, abs=0.05)


def test_where_many_run_fewer_draws_are_made() -> None:
    """As many as asked for, but about 200 in all, and at least one."""
    history = History(window=4, lists=5, longest=10)
    assert [len(history.draws(view([], admitted=n))) for n in (0, 10, 60, 250)] == [5, 5, 4, 1]


def test_random_numbers_are_even_and_depend_on_every_number() -> None:
    """Ten equal ranges get a tenth each; changing any of the numbers changes the draw."""
    draws = [uniform(request, age, 0) for request in range(100) for age in range(100)]
    counts = [sum(int(10 * draw) == tenth for draw in draws) for tenth in range(10)]
    assert min(counts) > 900
    assert max(counts) < 1100
    assert len({uniform(1, 2, 3), uniform(2, 2, 3), uniform(1, 3, 3), uniform(1, 2, 4), uniform(2, 1, 3)}) == 5


def test_a_lower_bound_is_raised_by_what_was_proved() -> None:
    """The share of the prediction, rounded up, until a preemption proved more; never beyond what is asked for next."""
    one = sequence(0, prompt=4, predicted=9, max_new=20)
    foresight = LowerBound(share=0.5)
    (total,) = foresight.draws(view([]))
    assert (foresight.bound(one), total(one)) == (5, 5)
    for _ in range(7):
        one.emit()
    assert (foresight.bound(one), total(one)) == (5, 8)
    one.min_reservation_tokens = 4 + 7
    assert (foresight.bound(one), total(one)) == (7, 8)
