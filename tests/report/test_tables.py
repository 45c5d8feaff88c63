from array import array

import numpy as np
import pandas as pd
import pytest

from s3sim.core.errors import InvariantError
from s3sim.core.events import EVENT_COLUMNS, STEP_COLUMNS, Event, EventLog
from s3sim.report.tables import REQUEST_COLUMNS, event_frame, requests_table, step_frame
from tests.report.worlds import NAMES, REQUESTS, facts_of, frames, log_of


def test_frames_are_views_of_the_log() -> None:
    """A frame holds the log's own memory, under the log's own names."""
    log = log_of("vllm")
    for frame, cells, names in (
        (event_frame(log), log.events, EVENT_COLUMNS),
        (step_frame(log), log.steps, STEP_COLUMNS),
    ):
        assert tuple(frame.columns) == names
        assert len(frame) == len(cells) // len(names)
        for name in names:
            assert np.shares_memory(frame[name].to_numpy(), np.frombuffer(cells, np.int64))
    assert event_frame(np.array(log.events)).equals(event_frame(log))


def test_an_empty_log_has_empty_frames() -> None:
    """Nothing happened: no rows, all columns."""
    log = EventLog()
    assert len(event_frame(log)) == len(step_frame(log)) == 0
    assert tuple(requests_table(event_frame(log)).columns) == REQUEST_COLUMNS


@pytest.mark.parametrize("name", NAMES)
def test_a_row_is_what_the_log_says_of_its_request(name: str) -> None:
    """Every column is that of a walk through the events, row by row, and every arrival has its row."""
    log, delivery = log_of(name, rate=12.0), facts_of(name).delivery
    table = requests_table(event_frame(log), delivery=delivery)
    assert len(table) == REQUESTS
    told: dict[int, list[tuple[int, ...]]] = {}
    for row in log.event_rows():
        if row[1] not in (Event.IDLE, Event.COMPACTED):
            told.setdefault(row[2], []).append(row)
    assert table["id"].tolist() == list(told)
    for got in table.astype(object).where(table.notna(), None).to_dict("records"):
        assert {str(key): value for key, value in got.items()} == expected(told[got["id"]], delivery)


def expected(rows: list[tuple[int, ...]], delivery: str) -> dict[str, object]:
    """The row of one request, from its events."""
    first: dict[Event, tuple[int, int, int]] = {}
    for time, kind, _, tokens, detail, _ in rows:
        first.setdefault(Event(kind), (time, tokens, detail))
    kinds = [row[1] for row in rows]
    arrival, prompt, limit = first[Event.ARRIVED]
    admitted, prefilled, finished, rejected, predicted = (
        first.get(event) for event in (Event.ADMITTED, Event.PREFILLED, Event.FINISHED, Event.REJECTED, Event.PREDICTED)
    )
    end, output, _ = finished or (0, 0, 0)
    prefilled = finished if delivery == "batch_end" else prefilled  # its first token comes with its last
    token = prefilled[0] if prefilled else 0
    return {
        "id": rows[0][2],
        "status": "finished" if finished else "rejected" if rejected else "unfinished",
        "reason": {1: "never_fits", 2: "over_length", 3: "out_of_memory"}[rejected[2]] if rejected else None,
        "arrival_s": arrival / 1e12,
        "prompt_tokens": prompt,
        "max_new_tokens": limit,
        "predicted_tokens": predicted[1] if predicted else None,
        "output_tokens": output if finished else None,
        "admitted_s": admitted[0] / 1e12 if admitted else None,
        "first_token_s": token / 1e12 if prefilled else None,
        "finished_s": end / 1e12 if finished else None,
        "ttft_ms": (token - arrival) / 1e9 if prefilled else None,
        "tpot_ms": (end - token) / (output - 1) / 1e9 if output > 1 else None,
        "e2el_ms": (end - arrival) / 1e9 if finished else None,
        "normalized_latency_ms": (end - arrival) / output / 1e9 if finished else None,
        "preemptions": kinds.count(Event.PREEMPTED),
        "swapped_tokens": sum(row[3] for row in rows if row[1] in (Event.SWAPPED_OUT, Event.SWAPPED_IN)),
        "reserved_tokens": admitted[1] if admitted else None,
    }


def test_every_fate_occurs() -> None:
    """Finished, rejected for either reason and, in a log that breaks off, unfinished at every stage."""
    failed = requests_table(frames("huggingface_fail")[0])
    assert set(failed["reason"].dropna()) == {"never_fits", "over_length", "out_of_memory"}
    assert failed.loc[failed["reason"] == "out_of_memory", "first_token_s"].notna().any()
    events, _ = frames("s3", rate=12.0)
    table = requests_table(events.iloc[: len(events) // 2])
    assert set(table["status"]) == {"finished", "rejected", "unfinished"}
    unfinished = table[table["status"] == "unfinished"]
    assert unfinished["e2el_ms"].isna().all()
    assert 0 < unfinished["first_token_s"].notna().sum() < len(unfinished)


@pytest.mark.parametrize("name", ["fastertransformer", "huggingface", "huggingface_lanes"])
def test_tokens_that_come_together(name: str) -> None:
    """With delivery at the batch's end TTFT is E2EL and TPOT is 0; whoever did not finish has got nothing."""
    table = requests_table(frames(name)[0], delivery="batch_end")
    done = table[table["status"] == "finished"]
    assert (done["ttft_ms"] == done["e2el_ms"]).all()
    assert (done["tpot_ms"].dropna() == 0).all()
    assert (done["tpot_ms"].isna() == (done["output_tokens"] == 1)).all()
    assert table.loc[table["status"] != "finished", "first_token_s"].isna().all()


def test_rows_that_end_alike_finish_at_once() -> None:
    """Delivered token by token, rows of a static batch finish in turn; delivered at its end, together and later."""
    ends = [requests_table(frames(f"fastertransformer{kind}")[0])["finished_s"].dropna() for kind in ("_token", "")]
    assert ends[0].nunique() > 1.5 * ends[1].nunique()
    assert (ends[0] <= ends[1]).all()


def test_the_first_token_stays_the_first() -> None:
    """A RESTART loses tokens that the client has: its TTFT is that of the first attempt."""
    events, _ = frames("huggingface_token")
    table = requests_table(events).set_index("id")
    again = events[(events["event"] == Event.PREFILLED) & events["id"].isin(table.index[table["preemptions"] > 0])]
    first, last = (getattr(again.groupby("id")["time_ps"], which)() for which in ("min", "max"))
    assert (first < last).sum() > 20
    assert (table.loc[first.index, "first_token_s"] == first / 1e12).all()


def test_a_request_takes_little_memory() -> None:
    """A row of the table takes less than 140 bytes, so that a million requests fit beside their log."""
    events, _ = frames("s3")
    table = pd.concat([requests_table(events)] * 100)
    assert table.memory_usage(deep=True, index=False).sum() / len(table) < 140


def test_an_id_arrives_once_and_before_all_else() -> None:
    """A second arrival, and a story without one, are bugs and are told as such."""
    cells = array("q", (0, Event.ARRIVED, 7, 3, 9, 0))
    with pytest.raises(InvariantError, match="request 7 arrived twice"):
        requests_table(event_frame(np.array(cells + cells)))
    stranger = array("q", (1, Event.ADMITTED, 8, 3, 0, 0))
    with pytest.raises(InvariantError, match="request 8, which never arrived"):
        requests_table(event_frame(np.array(cells + stranger)))
