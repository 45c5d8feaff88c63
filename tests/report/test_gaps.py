from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3sim.core.errors import InvariantError
from s3sim.core.events import STEP_COLUMNS, Event, Preemption, Reason
from s3sim.report.facts import Delivery
from s3sim.report.gaps import token_gaps, weighted_percentile, weighted_percentiles
from s3sim.report.percentiles import weighted_mean
from s3sim.report.tables import event_frame, requests_table, step_frame
from tests.report.brute import brute_gaps
from tests.report.worlds import NAMES, WORLDS, facts_of, frames, log_of

RATES = (None, 12.0)


def pooled(events: pd.DataFrame, steps: pd.DataFrame, *, delivery: Delivery = "token") -> list[int]:
    """The gaps, each as often as it occurs, sorted."""
    gaps, weights = token_gaps(events, steps, delivery=delivery)
    return sorted(np.repeat(gaps, weights).tolist())


def by_hand(events: Sequence[tuple[int, ...]], steps: list[dict[str, int]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Frames of a log that is written out; columns that are left out are 0."""
    rows = [[step.get(name, 0) for name in STEP_COLUMNS] for step in steps]
    return event_frame(np.array(events, np.int64)), step_frame(np.array(rows, np.int64).reshape(-1, len(STEP_COLUMNS)))


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("name", NAMES)
def test_gaps_equal_those_of_tokens_told_one_by_one(name: str, rate: float | None) -> None:
    """The weighted counts are exactly the gaps of a reconstruction token by token, with stretches and without."""
    delivery = facts_of(name).delivery
    expected = brute_gaps(log_of(name, rate=rate, single_steps=True), delivery=delivery)
    assert len(expected) > 2000 or WORLDS[name].choices.get("on_oom") == "fail"
    assert pooled(*frames(name, rate=rate, single_steps=True), delivery=delivery) == expected
    assert pooled(*frames(name, rate=rate), delivery=delivery) == expected


PREEMPTED = {
    "s3": {Preemption.SWAP, Preemption.HOST_FULL},
    "s3_recompute": {Preemption.RECOMPUTE},
    "vllm": {Preemption.RECOMPUTE},
    "sarathi": {Preemption.RECOMPUTE},
    "huggingface": {Preemption.RESTART},
    "huggingface_token": {Preemption.RESTART},
    "s3_lanes": {Preemption.SWAP, Preemption.HOST_FULL},
    "vllm_lanes": {Preemption.RECOMPUTE},
    "huggingface_token_lanes": {Preemption.RESTART},
}


@pytest.mark.parametrize("name", PREEMPTED)
def test_the_worlds_preempt_in_every_way(name: str) -> None:
    """The laws here are about something: every way to be preempted occurs, often, and stretches are long."""
    events, steps = frames(name)
    preempted = events[events["event"] == Event.PREEMPTED]
    assert len(preempted) > 20
    assert set(preempted["detail"]) == PREEMPTED[name]
    assert steps["steps"].max() > 5 or WORLDS[name].lanes > 1


def test_the_worlds_chunk_fail_and_overlap() -> None:
    """And so do prompts in chunks, chunks that are lost, failures after tokens, and lanes that run at once."""
    events, _ = frames("sarathi")
    before = events[events["event"].isin([Event.ADMITTED, Event.PREFILLED, Event.PREEMPTED])].groupby("id")["event"]
    lost = (before.shift() == Event.ADMITTED) & (events["event"] == Event.PREEMPTED) & (events["tokens"] > 0)
    assert lost.sum() > 3
    events, _ = frames("huggingface_fail")
    failed = events.loc[(events["event"] == Event.REJECTED) & (events["detail"] == Reason.OUT_OF_MEMORY), "id"]
    assert events.loc[events["event"] == Event.PREFILLED, "id"].isin(failed).sum() > 20
    _, steps = frames("orca_lanes")
    assert (steps["start_ps"] + steps["first_ps"] > steps["start_ps"].shift(-1)).sum() > 100


@pytest.mark.parametrize("name", NAMES)
def test_every_token_but_the_first_ends_a_gap(name: str) -> None:
    """The weights sum to the output tokens of finished requests, less one each: failed ones are left out."""
    events, steps = frames(name)
    delivery = facts_of(name).delivery
    output = requests_table(events, delivery=delivery)["output_tokens"].dropna()
    assert token_gaps(events, steps, delivery=delivery)[1].sum() == (output - 1).sum()


def test_gaps_of_two_lanes_are_those_of_each() -> None:
    """Two lanes that share nothing have the gaps of both logs, though their steps overlap in time."""
    logs = [frames("vllm"), frames("huggingface_token")]
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


def test_a_lost_token_counts_when_it_was_first_delivered() -> None:
    """Three tokens, lost twice, the second time before all came again: the gap to the fourth holds it all."""
    events = [
        (10, Event.PREFILLED, 4, 1, 3, 0),
        (20, Event.PREEMPTED, 4, 5, Preemption.RESTART, 0),  # three slots of the prompt, two of three tokens
        (30, Event.PREFILLED, 4, 1, 3, 0),
        (35, Event.PREEMPTED, 4, 4, Preemption.RESTART, 0),
        (50, Event.PREFILLED, 4, 1, 3, 0),
        (82, Event.FINISHED, 4, 5, 2, 0),
    ]
    steps = [
        {"start_ps": 10, "first_ps": 5, "steps": 2, "decode_sequences": 1},
        {"start_ps": 30, "first_ps": 5, "steps": 1, "decode_sequences": 1},
        {"start_ps": 50, "first_ps": 5, "increment_ps": 2, "steps": 4, "decode_sequences": 1},
    ]
    # tokens at 10, 15, 20 | 30, 35 | 50, 55, 62, 71, 82: the fourth is new at 71
    assert pooled(*by_hand(events, steps)) == [5, 5, 82 - 71, 71 - 20]


def test_lost_right_after_the_first_token() -> None:
    """One token, lost before any decode: the gap to the second runs from when the first was first there."""
    events = [
        (10, Event.PREFILLED, 4, 1, 3, 0),
        (10, Event.PREEMPTED, 4, 3, Preemption.RESTART, 0),
        (30, Event.PREFILLED, 4, 1, 3, 0),
        (36, Event.FINISHED, 4, 2, 1, 0),
    ]
    assert pooled(*by_hand(events, [{"start_ps": 30, "first_ps": 6, "steps": 1, "decode_sequences": 1}])) == [26]


def test_who_failed_has_no_gaps() -> None:
    """Tokens of a request that was given up count for nobody, and leave those beside it alone."""
    events = [
        (10, Event.PREFILLED, 4, 1, 3, 0),
        (10, Event.PREFILLED, 5, 1, 3, 0),
        (20, Event.REJECTED, 4, 3, Reason.OUT_OF_MEMORY, 0),
        (27, Event.FINISHED, 5, 4, 0, 0),
    ]
    steps = [
        {"start_ps": 10, "first_ps": 5, "steps": 2, "decode_sequences": 2},
        {"start_ps": 20, "first_ps": 7, "steps": 1, "decode_sequences": 1},
    ]
    assert pooled(*by_hand(events, steps)) == [5, 5, 7]


def test_tokens_that_come_together_have_no_time_between() -> None:
    """With delivery at the batch's end every gap is 0, as many as ever; where nothing finished there is none."""
    events, steps = frames("fastertransformer")
    gaps, weights = token_gaps(events, steps, delivery="batch_end")
    assert (gaps.tolist(), weights.tolist()) == ([0], [2725])
    assert not len(token_gaps(events.iloc[:50], steps.iloc[:0], delivery="batch_end")[0])


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
