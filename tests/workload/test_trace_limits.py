import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3sim.core.errors import InputError, UnknownNameError
from s3sim.workload.limits import OVER_LENGTH_RULES, LengthCounts, OverLength, prepare
from s3sim.workload.trace import Trace

MAX = 100  # tokens

FITTING, EXACT, LONG_OUTPUT, LONG_PROMPT = (40, 10), (60, 40), (60, 41), (150, 7)


def four() -> Trace:
    """Trace of a row of each kind."""
    prompt, output = zip(FITTING, EXACT, LONG_OUTPUT, LONG_PROMPT, strict=True)
    return Trace.of(prompt_tokens=prompt, output_tokens=output, id=[10, 11, 12, 13])


def test_reject_keeps_and_flags_over_length_rows() -> None:
    """reject: every row stays as it was, the over-length ones flagged and counted."""
    trace, counts = prepare(four(), max_length=MAX, over_length="reject")
    assert counts == LengthCounts(requests=4, over_length=2, rejected=2)
    assert trace.over_length is not None
    assert trace.over_length.tolist() == [False, False, True, True]
    assert np.array_equal(trace.output_tokens, four().output_tokens)
    assert np.array_equal(trace.prompt_tokens, four().prompt_tokens)


def test_truncate_cuts_to_the_maximum() -> None:
    """truncate: outputs are cut to max_length − prompt, a too long prompt to max_length − 1."""
    trace, counts = prepare(four(), max_length=MAX, over_length="truncate")
    assert counts == LengthCounts(requests=4, over_length=2, truncated=2, prompts_truncated=1)
    assert trace.prompt_tokens.tolist() == [40, 60, 60, 99]
    assert trace.output_tokens.tolist() == [10, 40, 40, 1]
    assert trace.max_new_tokens is not None
    assert trace.max_new_tokens.tolist() == [60, 40, 40, 1]


def test_drop_removes_over_length_rows() -> None:
    """drop: only rows that fit are left, with their ids."""
    trace, counts = prepare(four(), max_length=MAX, over_length="drop")
    assert counts == LengthCounts(requests=4, over_length=2, dropped=2)
    assert trace.id.tolist() == [10, 11]


def test_a_traces_own_limit_wins_when_it_is_less() -> None:
    """max_new_tokens is the least of the row's own and what the maximum length leaves."""
    trace = Trace.of(prompt_tokens=[40, 40], output_tokens=[10, 10], max_new_tokens=[15, 500])
    limit = prepare(trace, max_length=MAX, over_length="reject").trace.max_new_tokens
    assert limit is not None
    assert limit.tolist() == [15, 60]


@pytest.mark.parametrize(("rule", "rejected", "left"), [("reject", 1, 2), ("truncate", 0, 2), ("drop", 0, 1)])
def test_a_row_flagged_before_stays_over_length(rule: OverLength, rejected: int, left: int) -> None:
    """A flag is a fact of the trace, which a larger maximum does not take back."""
    flagged = Trace.of(prompt_tokens=[5, 5], output_tokens=[5, 9], max_new_tokens=[7, 7], over_length=[False, True])
    trace, counts = prepare(flagged, max_length=MAX, over_length=rule)
    assert (counts.over_length, counts.rejected, len(trace)) == (1, rejected, left)


def test_nothing_left_is_an_error() -> None:
    """Dropping every row is refused, with the length that would be needed."""
    with pytest.raises(InputError, match="all 4 requests are over-length, the shortest has 50"):
        prepare(four(), max_length=30, over_length="drop")


@pytest.mark.parametrize("max_length", [1, 0, -5, 2**31])
def test_a_maximum_without_room_is_refused(max_length: int) -> None:
    """A sequence has at least one prompt and one output token."""
    with pytest.raises(InputError, match=f"max_length is {max_length}"):
        prepare(four(), max_length=max_length, over_length="truncate")


def test_an_unknown_rule_is_refused() -> None:
    """The message lists the rules and the closest one."""
    with pytest.raises(UnknownNameError, match=r"did you mean 'drop'.*drop, reject, truncate"):
        prepare(four(), max_length=MAX, over_length="dropp")  # type: ignore[arg-type]


lengths = st.lists(st.tuples(st.integers(1, 200), st.integers(1, 200)), min_size=1, max_size=12)


@given(rows=lengths, rule=st.sampled_from(sorted(OVER_LENGTH_RULES)), own=st.booleans())
def test_every_row_fits_or_is_flagged_and_is_counted_once(
    rows: list[tuple[int, int]], rule: OverLength, own: bool
) -> None:
    """Whatever the rule: unflagged rows fit, counts add up, and preparing twice changes nothing."""
    prompt, output = map(list, zip(*rows, strict=True))
    if rule == "drop":
        prompt, output = [*prompt, 1], [*output, 1]
    trace = Trace.of(prompt_tokens=prompt, output_tokens=output, max_new_tokens=output if own else None)
    done, counts = prepare(trace, max_length=MAX, over_length=rule)
    assert done.over_length is not None
    assert done.max_new_tokens is not None
    fits = ~done.over_length
    assert (done.prompt_tokens + done.max_new_tokens <= MAX)[fits].all()
    assert (done.output_tokens <= done.max_new_tokens)[fits].all()
    assert counts.over_length == counts.rejected + counts.truncated + counts.dropped
    assert counts.over_length == sum(one + two > MAX for one, two in zip(prompt, output, strict=True))
    assert len(done) + counts.dropped == counts.requests == len(trace)
    assert int(done.over_length.sum()) == counts.rejected
    assert prepare(done, max_length=MAX, over_length=rule).trace == done
