from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3sim.core.errors import InvariantError
from s3sim.core.events import STEP_COLUMNS, Event
from s3sim.report.gaps import token_gaps, weighted_percentile, weighted_percentiles
from s3sim.report.percentiles import weighted_mean
from s3sim.report.tables import event_frame, requests_table, step_frame
from tests.report.worlds import NAMES, brute_gaps, frames, log_of

RATES = (None, 12.0)


def pooled(events: pd.DataFrame, steps: pd.DataFrame) -> list[int]:
    """The gaps, each as often as it occurs, sorted."""
    gaps, weights = token_gaps(events, steps)
    return sorted(np.repeat(gaps, weights).tolist())


def by_hand(events: Sequence[tuple[int, ...]], steps: list[dict[str, int]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Frames of a log that is written out; columns that are left out are 0."""
    rows = [[step.get(name, 0) for name in STEP_COLUMNS] for step in steps]
    return event_frame(np.array(events, np.int64)), step_frame(np.array(rows, np.int64).reshape(-1, len(STEP_COLUMNS)))


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("name", NAMES)
def test_gaps_equal_those_of_tokens_told_one_by_one(name: str, rate: float | None) -> None:
    """The weighted counts are exactly the gaps of a reconstruction token by token, with stretches and without."""
    expected = brute_gaps(log_of(name, rate=rate, single_steps=True))
    assert len(expected) > 2000
    assert pooled(*frames(name, rate=rate, single_steps=True)) == expected
    assert pooled(*frames(name, rate=rate)) == expected


def test_the_worlds_preempt_by_swap_and_by_recompute() -> None:
    """The law above is about something: both ways to be preempted occur, often, and stretches are long."""
    for name in NAMES[1:]:
        events, steps = frames(name)
        preempted = events[events["event"] == Event.PREEMPTED]
        assert len(preempted) > 20
        assert steps["steps"].max() > 5
        assert set(preempted["detail"]) == ({0} if name == "vllm" else {0, 1})


@pytest.mark.parametrize("name", NAMES)
def test_every_token_but_the_first_ends_a_gap(name: str) -> None:
    """The weights of a request's gaps sum to its output tokens less one."""
    events, steps = frames(name)
    output = requests_table(events)["output_tokens"].dropna()
    assert token_gaps(events, steps)[1].sum() == (output - 1).sum()


def test_gaps_of_two_lanes_are_those_of_each() -> None:
    """Two lanes that share nothing have the gaps of both logs, though their steps overlap in time."""
    logs = [frames("vllm"), frames("s3")]
    both = [pd.concat([logs[0][i], logs[1][i].assign(lane=1)]).sort_index(kind="stable") for i in (0, 1)]
    both[0]["id"] += 10_000 * (both[0]["lane"] == 1)
    assert pooled(both[0], both[1]) == sorted(pooled(*logs[0]) + pooled(*logs[1]))


def test_preempted_before_it_decodes_again() -> None:
    """Twice swapped without a step between: the gap runs from the token before the first swap."""
    events = [
        (10, Event.PREFILLED, 4, 1, 3, 0),
        (15, Event.PREEMPTED, 4, 4, 1, 0),
        (20, Event.SWAPPED_IN, 4, 4, 0, 0),
        (20, Event.PREEMPTED, 4, 4, 1, 0),
        (30, Event.SWAPPED_IN, 4, 4, 0, 0),
        (54, Event.FINISHED, 4, 5, 2, 0),
    ]
    steps = [
        {"start_ps": 0, "first_ps": 10, "steps": 1, "prefill_sequences": 1, "prefill_tokens": 3},
        {"start_ps": 10, "first_ps": 5, "steps": 1, "decode_sequences": 1},
        {"start_ps": 30, "first_ps": 7, "increment_ps": 1, "steps": 3, "decode_sequences": 1},
    ]
    assert pooled(*by_hand(events, steps)) == [5, 8, 9, 37 - 15]


def test_recomputed_before_it_decodes() -> None:
    """A prefill emits a token itself, so two prefills in a row are one gap apart."""
    events = [
        (10, Event.PREFILLED, 4, 1, 3, 0),
        (10, Event.PREEMPTED, 4, 3, 0, 0),
        (25, Event.PREFILLED, 4, 2, 4, 0),
        (31, Event.FINISHED, 4, 3, 1, 0),
    ]
    steps = [
        {"start_ps": 0, "first_ps": 10, "steps": 1, "prefill_sequences": 1, "prefill_tokens": 3},
        {"start_ps": 10, "first_ps": 15, "steps": 1, "prefill_sequences": 1, "prefill_tokens": 4},
        {"start_ps": 25, "first_ps": 6, "steps": 1, "decode_sequences": 1},
    ]
    assert pooled(*by_hand(events, steps)) == [6, 15]


def test_tables_that_disagree_are_refused() -> None:
    """A sequence that decodes in the steps and not in the events is no gap of anybody's."""
    events, steps = frames("s3")
    with pytest.raises(InvariantError, match=r"the stretch at \d+ ps decodes \d+ sequences, the events tell of \d+"):
        token_gaps(events[events["event"] != Event.SWAPPED_IN], steps)


def test_a_log_without_a_step_has_no_gaps() -> None:
    """An empty log is fine, and its percentiles are not numbers."""
    gaps, weights = token_gaps(*by_hand([(0, Event.ARRIVED, 1, 5, 9, 0)], []))
    assert len(gaps) == len(weights) == 0
    assert np.isnan(weighted_percentile(gaps, weights, 50))
    assert np.isnan(weighted_mean(gaps, weights))


cells = st.lists(st.tuples(st.integers(-(2**45), 2**45), st.integers(0, 5)), min_size=1, max_size=40)


@given(cells=cells.filter(lambda cells: any(weight for _, weight in cells)), q=st.floats(0, 100))
def test_weighted_percentiles_are_numpys(cells: list[tuple[int, int]], q: float) -> None:
    """A weighted percentile is numpy's of the list written out, to the last bit; and so is a mean, nearly."""
    values, weights = np.array(cells, np.int64).T
    listed = np.repeat(values, weights)
    assert weighted_percentile(values, weights, q) == np.percentile(listed, q)
    assert weighted_percentiles(values, weights, [0, q, 100]).tolist() == np.percentile(listed, [0, q, 100]).tolist()
    assert weighted_mean(values, weights) == pytest.approx(listed.mean(), rel=1e-9, abs=1e-3)
