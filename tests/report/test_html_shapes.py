"""What the page draws of a point holds to laws, however much it leaves out."""

from base64 import b64decode

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from s3sim.core.events import Event
from s3sim.report.html import shapes
from s3sim.report.html.encoding import packed, renumbered
from s3sim.report.html.shapes import BARS, QUANTILES, SEQUENCES, Bars, bars, distributions, memory
from s3sim.report.html.thinning import spread, thinned
from s3sim.report.occupancy import occupancy_series
from s3sim.report.phases import STATES
from s3sim.report.tables import requests_table
from tests.report.worlds import NAMES, facts_of, frames

LATENCIES = ("ttft_ms", "tpot_ms", "e2el_ms")
RATE = 12.0


def shown(name: str, *, window_s: tuple[float, float] | None = None) -> Bars:
    """The bars of a world, whose sequences all fit."""
    found = bars(frames(name, rate=RATE)[0], window_s=window_s)
    assert found is not None
    return found


@given(st.lists(st.floats(0.1, 1e6), min_size=1, max_size=900))
@example([float(value % 700) + 0.1 for value in range(2000)])
def test_a_distribution_rises_from_0_to_1(values: list[float]) -> None:
    """Values and shares never fall, the share ends at 1 with the greatest value, and each is that of the values."""
    table = pd.DataFrame({"status": "finished", "ttft_ms": values})
    (found,) = distributions(table, ("ttft_ms",)).values()
    assert (np.diff(found.value) >= 0).all()
    assert (np.diff(found.share) >= 0).all()
    assert (found.share[0], found.share[-1]) == (0.0, 1.0)
    assert (found.value[0], found.value[-1]) == (min(values), max(values))
    assert len(found.value) <= QUANTILES + 1
    share = [(np.array(values) <= value).mean() for value in found.value[1:]]
    assert found.share[1:].tolist() == share


def test_distributions_are_of_finished_requests() -> None:
    """Those that were rejected, or had no such latency, count for nothing."""
    cells = {"status": ["finished", "rejected", "finished"], "tpot_ms": [2.0, 9.0, np.nan], "ttft_ms": np.nan}
    found = distributions(pd.DataFrame(cells), ("tpot_ms", "ttft_ms"))
    assert list(found) == ["tpot_ms"]
    assert found["tpot_ms"].value.tolist() == [2.0, 2.0]


@given(st.integers(1, 3000), st.integers(6, 60), st.integers(0, 9))
def test_thinning_keeps_extremes_ends_and_order(rows: int, most: int, seed: int) -> None:
    """Least and greatest of each column, the first row and the last are kept, in order, and no more than allowed."""
    columns = tuple(np.random.default_rng(seed).normal(size=(2, rows)).round(1))
    kept = thinned(columns, most=most)
    assert len(kept) <= most
    assert (np.diff(kept) > 0).all()
    assert (kept[0], kept[-1]) == (0, rows - 1)
    for values in columns:
        assert (values[kept].min(), values[kept].max()) == (values.min(), values.max())


def test_a_peak_of_one_row_is_kept_in_each_slice() -> None:
    """A spike in a flat curve is never lost, wherever it stands, up or down."""
    for place in range(1000):
        values = np.zeros(1000)
        values[place] = 1.0
        assert place in thinned((values,), most=60)
        assert place in thinned((-values,), most=60)


@given(st.integers(1, 500), st.integers(1, 40))
def test_a_choice_is_spread_over_all(count: int, most: int) -> None:
    """At most so many, ascending, without repeats, the last always, the first unless one alone is kept."""
    kept = spread(count, most)
    assert len(kept) == min(count, most)
    assert kept == sorted(set(kept))
    assert kept[-1] == count - 1
    assert kept[0] == 0 or most == 1


@pytest.mark.parametrize("name", NAMES)
def test_memory_stays_below_the_capacity(name: str) -> None:
    """0 ≤ used ≤ reserved ≤ capacity, time rises up to the run's end, and no peak is lost."""
    capacity, log = facts_of(name).kv_capacity_tokens, frames(name, rate=RATE)
    found, whole = memory(*log, capacity=capacity), occupancy_series(*log, points=shapes.BINS)
    assert found is not None
    assert (found.used >= 0).all()
    assert (found.used <= found.held).all()
    assert found.held.max() <= capacity
    assert (found.held.max(), found.used.max()) == (min(whole["held"].max(), capacity), whole["used"].max())
    assert (np.diff(found.time_s) > 0).all()
    assert found.end_s == pytest.approx(requests_table(log[0])["finished_s"].max())
    assert len(found.time_s) <= shapes.MOMENTS


@pytest.mark.parametrize("name", NAMES)
def test_the_bars_of_a_sequence_are_its_life(name: str) -> None:
    """From its arrival on they follow without a gap or an overlap, and sum to its E2EL."""
    found = shown(name)
    table = requests_table(frames(name, rate=RATE)[0]).set_index("id")
    for row, ident in enumerate(found.ids):
        begin, end = found.begin_s[found.row == row], found.end_s[found.row == row]
        assert begin[0] == table["arrival_s"][ident]
        assert (begin < end).all()
        assert begin[1:].tolist() == end[:-1].tolist()
        if table["status"][ident] == "finished":
            assert (end - begin).sum() * 1e3 == pytest.approx(table["e2el_ms"][ident], rel=1e-9)


def test_stalls_and_waits_without_kv_have_states_of_their_own() -> None:
    """Who sits steps out is stalled, who waits after a loss of its KV is preempted, as often as the log tells."""
    for name, state, kind in (
        ("vllm_swap", "stalled", Event.STALLED),
        ("vllm", "preempted", Event.PREEMPTED),
        ("vllm_swap", "swapped", Event.PREEMPTED),
    ):
        events, _ = frames(name, rate=RATE)
        told = (events["event"] == kind).sum()
        assert told >= 5
        assert (shown(name).state == STATES.index(state)).sum() == told


def test_a_timeline_is_bounded_and_its_sequences_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """With less room, fewer sequences, each with all its bars; never none."""
    whole = shown("s3")
    assert len(whole.ids) <= SEQUENCES
    assert len(whole.row) <= BARS
    for most in (1, 30, 100):
        monkeypatch.setattr(shapes, "BARS", most)
        few = shown("s3")
        assert 1 <= len(few.ids) < len(whole.ids)
        assert len(few.row) <= most or len(few.ids) == 1
        assert few.ids == whole.ids[: len(few.ids)]
        assert len(few.row) == (whole.row < len(few.ids)).sum()


def test_a_timeline_is_of_those_who_arrive_in_the_window() -> None:
    """Of a window it shows who arrives in it, and says so; of an empty one, everybody."""
    table = requests_table(frames("s3", rate=RATE)[0])
    found = shown("s3", window_s=(3.0, 6.0))
    inside = table[(table["arrival_s"] >= 3.0) & (table["arrival_s"] < 6.0) & table["admitted_s"].notna()]
    assert set(found.ids) == set(inside["id"])
    assert f"of {len(inside)} sequences that arrive in the measured window" in found.note
    assert shown("s3", window_s=(900.0, 901.0)).ids == shown("s3").ids


def test_who_never_ran_has_no_bars() -> None:
    """A log that breaks off before the first admission has no timeline, and one without a finish no memory."""
    events, steps = frames("s3")
    assert bars(events.iloc[:3], window_s=None) is None
    assert memory(events.iloc[:3], steps.iloc[:0], capacity=10) is None


def test_columns_come_back_as_they_were() -> None:
    """Base64 of little-endian bytes."""
    values = np.array([0.5, -2.0, 1e9])
    assert np.frombuffer(b64decode(packed(values)["data"]), "<f8").tolist() == values.tolist()
    assert packed(values[::2].astype(np.float32))["type"] == "f4"


def test_models_are_numbered_by_where_they_stand() -> None:
    """Ids that another figure has moved on give the same JSON; columns that are called id are left alone."""

    def item(first: int) -> dict[str, object]:
        root = {"id": f"p{first}", "attributes": {"child": {"id": f"p{first + 5}"}, "entries": [["id", [1, 2]]]}}
        return {"root_id": f"p{first}", "target_id": "here", "doc": {"roots": [root, {"id": f"p{first + 5}"}]}}

    assert renumbered([item(1001)]) == renumbered([item(4711)])
    (told,) = renumbered([item(1001)])
    assert told["root_id"] == told["doc"]["roots"][0]["id"] == "m1"
    assert told["doc"]["roots"][0]["attributes"] == {"child": {"id": "m2"}, "entries": [["id", [1, 2]]]}
