from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from s3sim.core.events import STEP_COLUMNS, Event, Preemption
from s3sim.report.tables import event_frame, step_frame
from s3sim.report.work import Work, work
from tests.report.worlds import FACTS, NAMES, facts_of, frames, run_of

RATES = (None, 12.0)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("name", NAMES)
def test_work_is_that_of_the_batches(name: str, rate: float | None) -> None:
    """From stretches alone, every sum is that over the batches which the device was given, step by step."""
    batches = run_of(name, rate=rate, single_steps=True).batches
    done = work(*frames(name, rate=rate), reads_reserved=facts_of(name).reads_reserved)
    assert done == Work(
        steps=len(batches),
        tokens=sum(batch.new_tokens for batch in batches),
        padding=sum(batch.padding_tokens + batch.padding_rows for batch in batches),
        slots_read=sum(batch.decode_context + batch.padding_slots for batch in batches),
        slots_copied=sum(batch.relocated_tokens + batch.copied_slots for batch in batches),
        prefill_pairs=sum(batch.prefill_attended for batch in batches),
    )


def test_the_worlds_pad_copy_and_chunk() -> None:
    """The law above is about something: each kind of work occurs, and reserved slots are read in long stretches."""
    done = {name: work(*frames(name)) for name in ("huggingface", "fastertransformer", "s3", "sarathi", "orca")}
    assert done["huggingface"].slots_copied > 1000
    assert done["s3"].slots_copied > 1000
    assert 0.2 < (done["fastertransformer"].padding_fraction or 0) < 0.5
    assert done["orca"].padding == done["orca"].slots_copied == 0
    _, steps = frames("sarathi")
    assert (steps["prefill_sequences"] < 3).mean() > 0.5
    name = "huggingface_static_cache"
    fixed, growing = (work(*frames(name), reads_reserved=value) for value in (True, False))
    assert fixed.slots_read < growing.slots_read


def by_hand(events: Sequence[tuple[int, ...]], steps: list[dict[str, int]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Frames of a log that is written out; columns that are left out are 0."""
    rows = [[step.get(name, 0) for name in STEP_COLUMNS] for step in steps]
    return event_frame(np.array(events, np.int64)), step_frame(np.array(rows, np.int64).reshape(-1, len(STEP_COLUMNS)))


def test_operations_and_bytes_worked_out() -> None:
    """A prompt of 4 in two chunks, 2 lost after the first; three decode steps, and 5 slots moved before: by hand."""
    events = [
        (0, Event.ADMITTED, 1, 9, 0, 0),
        (5, Event.PREEMPTED, 1, 2, Preemption.RECOMPUTE, 0),
        (5, Event.ADMITTED, 1, 9, 0, 0),
        (15, Event.PREFILLED, 1, 1, 4, 0),
    ]
    chunk = {"steps": 1, "prefill_sequences": 1, "prefill_tokens": 2}
    steps = [
        chunk,
        chunk,
        chunk | {"relocated_tokens": 5},
        {"steps": 3, "decode_sequences": 1, "decode_context": 4},
    ]
    done = work(*by_hand(events, steps))
    assert (done.steps, done.tokens, done.padding) == (6, 9, 0)
    assert done.slots_read == 4 + 5 + 6
    assert done.prefill_pairs == (1 + 2) + (1 + 2 + 3 + 4)
    assert done.operations(FACTS) == 2 * 10**9 * 9 + 10**5 * (15 + 13)
    assert done.bytes_moved(FACTS) == 6 * 10**9 + 1000 * (15 + 2 * 5)


def test_an_empty_log_is_no_work() -> None:
    """Nothing ran: all sums are 0, and padding has no share."""
    done = work(*by_hand([], []))
    assert (done.steps, done.tokens, done.padding_fraction, done.operations(FACTS)) == (0, 0, None, 0)
