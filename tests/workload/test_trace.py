import math
from dataclasses import FrozenInstanceError
from time import process_time
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3sim.core.errors import InputError
from s3sim.workload.trace import Trace


def small(**changes: Any) -> Trace:
    """Trace of three rows, with other columns where given."""
    columns: dict[str, Any] = {
        "prompt_tokens": [10, 20, 30],
        "output_tokens": [1, 2, 3],
        "arrival": [0, 5, 5],
        "max_new_tokens": [4, 4, 4],
    }
    return Trace.of(**(columns | changes))


def test_ids_and_arrivals_have_defaults() -> None:
    """Ids are row numbers and arrivals 0 unless given."""
    trace = Trace.of(prompt_tokens=[3, 4], output_tokens=[1, 1])
    assert trace.id.tolist() == [0, 1]
    assert trace.arrival.tolist() == [0, 0]
    assert {column.dtype for column in trace.columns().values()} == {np.dtype(np.int64)}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"prompt_tokens": [10, 0, 30]}, r"trace row 1: prompt_tokens is 0: a whole number of tokens from 1"),
        ({"output_tokens": [1, 2, -3]}, r"trace row 2: output_tokens is -3: a whole number of tokens from 1"),
        ({"output_tokens": [math.nan, 2, 3]}, r"trace row 0: output_tokens is nan: .*or drop"),
        ({"output_tokens": [1, 2.5, 3]}, r"trace row 1: output_tokens is 2.5: a whole number"),
        ({"prompt_tokens": [1, 2, 2**31]}, r"trace row 2: prompt_tokens is 2147483648: .*to 2147483647"),
        ({"max_new_tokens": [4, 0, 4]}, r"trace row 1: max_new_tokens is 0: a whole number"),
        ({"max_new_tokens": [4, 4, 2]}, r"trace row 2: output_tokens is 3: it exceeds the row's own max_new"),
        ({"arrival": [0, 7, 6]}, r"trace row 2: arrival is 6: .*sort the rows"),
        ({"arrival": [-1, 7, 7]}, r"trace row 0: arrival is -1: a time from the trace's start"),
        ({"arrival": [0.0, math.nan, 7.0]}, r"trace row 1: arrival is nan: a time"),
        ({"arrival": [0.0, 1.0, 1e30]}, r"trace row 2: arrival is 1e\+30: .*106 days"),
        ({"id": [7, 8, 7]}, r"trace row 2: id is 7: an earlier row has the same id"),
        ({"id": [7, 8.5, 9]}, r"trace row 1: id is 8.5: a whole number"),
        ({"id": ["a", "b", "c"]}, r"column id is 1-dimensional .*: a list of whole numbers"),
        ({"prompt_tokens": [[1], [2], [3]]}, r"column prompt_tokens is 2-dimensional"),
        ({"over_length": [0, 1, 0]}, r"column over_length .* a list of bools"),
        ({"output_tokens": [1, 2]}, r"columns differ in length: .*'output_tokens': 2"),
        ({"prompt_tokens": [], "output_tokens": [], "arrival": [], "max_new_tokens": []}, r"the trace is empty"),
    ],
)
def test_a_broken_row_is_named_with_its_value_and_the_remedy(changes: dict[str, Any], message: str) -> None:
    """No trace holds a row that never happened; the error says which one, and what to do."""
    with pytest.raises(InputError, match=message):
        small(**changes)


def test_the_first_broken_row_is_reported() -> None:
    """Of several broken rows the earliest is named, whichever column it is in."""
    with pytest.raises(InputError, match="trace row 1: output_tokens"):
        small(prompt_tokens=[1, 1, 0], output_tokens=[1, 0, 1])


def test_a_flagged_row_may_exceed_its_max_new_tokens() -> None:
    """Only a row that never runs may have more output than its client allows."""
    assert len(small(max_new_tokens=[4, 4, 2], over_length=[False, False, True])) == 3


def test_whole_floats_are_tokens() -> None:
    """A column that some tool wrote as floats is read when every value is whole."""
    assert small(output_tokens=[1.0, 2.0, 3.0]) == small()


def test_a_trace_cannot_be_changed() -> None:
    """What happened stays: fields are frozen, arrays are read-only, and the caller's arrays are copied."""
    lengths = np.array([10, 20, 30])
    trace = small(prompt_tokens=lengths)
    lengths[0] = 99
    assert trace.prompt_tokens[0] == 10
    with pytest.raises(ValueError, match="read-only"):
        trace.prompt_tokens[0] = 1
    with pytest.raises(FrozenInstanceError):
        trace.arrival = trace.id  # type: ignore[misc]


def test_head_and_subset_keep_ids() -> None:
    """A part of a trace keeps the ids, so that draws keyed by id stay the same."""
    trace = small(id=[5, 3, 9])
    assert trace.head(2).id.tolist() == [5, 3]
    assert trace.head(99) == trace
    assert trace.subset(trace.prompt_tokens > 10).id.tolist() == [3, 9]


@pytest.mark.parametrize("mask", [np.array([0, 1, 2]), np.array([True]), np.array([False] * 3)])
def test_a_wrong_mask_is_refused(mask: Any) -> None:
    """A subset takes one bool per row and leaves at least one row."""
    with pytest.raises(InputError):
        small().subset(mask)


def test_an_empty_head_is_refused() -> None:
    """No trace is empty, so a head has at least one row."""
    with pytest.raises(InputError, match="head of 0"):
        small().head(0)


def test_with_arrivals_changes_the_times_alone() -> None:
    """Other times leave the requests as they were, and are checked like the first."""
    moved = small().with_arrivals([1, 2, 3])
    assert moved.arrival.tolist() == [1, 2, 3]
    assert moved.with_arrivals(small().arrival) == small()
    with pytest.raises(InputError, match="sort the rows"):
        small().with_arrivals([3, 2, 1])


def test_a_frame_without_lengths_is_refused() -> None:
    """A data frame must have both lengths; the error says what it has."""
    with pytest.raises(InputError, match="output_tokens is missing; it has prompt_tokens"):
        Trace.from_frame(pd.DataFrame({"prompt_tokens": [1]}))


def test_a_frame_may_have_seconds() -> None:
    """arrival_s is seconds, and columns of other names are left alone."""
    frame = pd.DataFrame({"prompt_tokens": [1], "output_tokens": [1], "arrival_s": [1.5], "model": ["x"]})
    assert Trace.from_frame(frame).arrival.tolist() == [1_500_000_000_000]


@st.composite
def traces(draw: st.DrawFn) -> Trace:
    """Any valid trace of up to 6 rows."""
    rows = draw(st.integers(1, 6))

    def column(low: int, high: int, *, unique: bool = False) -> list[int]:
        return draw(st.lists(st.integers(low, high), min_size=rows, max_size=rows, unique=unique))

    output = column(1, 2**31 - 1)
    return Trace.of(
        id=column(-(2**63), 2**63 - 1, unique=True),
        arrival=sorted(column(0, 2**63 - 1)),
        prompt_tokens=column(1, 2**31 - 1),
        output_tokens=output,
        max_new_tokens=draw(st.none() | st.just([min(2 * tokens, 2**31 - 1) for tokens in output])),
        over_length=draw(st.none() | st.lists(st.booleans(), min_size=rows, max_size=rows)),
    )


@given(trace=traces())
def test_a_frame_gives_the_trace_back(trace: Trace) -> None:
    """to_frame and from_frame lose nothing."""
    assert Trace.from_frame(trace.to_frame()) == trace


def test_a_million_rows_are_cheap() -> None:
    """Checks are vectorised: a million rows take well under a second of processor time."""
    rows = 10**6
    started = process_time()
    trace = Trace.of(prompt_tokens=np.full(rows, 9), output_tokens=np.full(rows, 9), arrival=np.arange(rows))
    assert len(trace.head(rows // 2)) == rows // 2
    assert process_time() - started < 1.5  # s; about 0.1 s when written
