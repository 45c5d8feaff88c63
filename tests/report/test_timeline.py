"""Laws of timelines: they say what the log says, in the form that viewers demand."""

from collections import Counter, defaultdict
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest

from s3sim.core.errors import InputError
from s3sim.core.events import Event, Preemption
from s3sim.report.frames import event_frame, step_frame
from s3sim.report.levels import durations
from s3sim.report.occupancy import busy_time, last_finish, occupancy
from s3sim.report.phases import phases
from s3sim.report.tables import requests_table
from s3sim.report.timeline import Sample, Slice, Timeline, span_of, timeline_of, trace_events
from s3sim.report.timeline.trace_event import lines
from tests.report.trace_format import check, nanoseconds, of_phase
from tests.report.worlds import LANES, NAMES, REQUESTS, frames, run_of
from tests.sim.online_worlds import log_of, point_of

RATE = 12.0
SWAPPING = (*(name for name in NAMES if name.startswith(("s3", "oracle")) and name != "s3_recompute"), "vllm_swap")
TO_HOST, TO_DEVICE = 90_000_011, 110_000_017  # ps per token, of the worlds' link


def of_world(name: str, **given: Any) -> Timeline:
    """The timeline of a world."""
    events, steps = frames(name, rate=RATE)
    return timeline_of(events, steps, requests_table(events), **given)


def of_kind(timeline: Timeline, kind: str) -> list[Slice]:
    """The slices of one kind."""
    return [part for part in timeline.slices if part.kind == kind]


def told(events: pd.DataFrame, kind: Event) -> pd.DataFrame:
    """The log's events of one kind."""
    return events[events["event"] == kind]


def at(samples: list[Sample], time: int) -> int:
    """The value of a counter at a time."""
    return [sample.value for sample in samples if sample.time <= time][-1]


def whole(timeline: Timeline) -> dict[str, Any]:
    """The object that the timeline's file holds."""
    return {"displayTimeUnit": "ms", "traceEvents": list(trace_events(timeline)), "otherData": timeline.about}


@pytest.mark.parametrize("name", NAMES)
def test_viewers_accept_it(name: str) -> None:
    """Each event has its keys, no duration is negative, no slices overlap; times are rounded to less than 1 ns."""
    timeline = of_world(name)
    events = check(whole(timeline))
    slices = of_phase(events, "X")
    for part, event in zip(timeline.slices, slices, strict=True):
        assert abs(event["ts"] * 1e6 - part.begin) <= 501
        assert abs(event["dur"] * 1e6 - (part.end - part.begin)) <= 1001
    assert {event["cat"] for event in slices} >= {"step", "phase"}


@pytest.mark.parametrize("name", NAMES)
def test_counts_are_the_log_s(name: str) -> None:
    """A slice per stretch, an instant per preemption, compaction and growth, a move per completed one."""
    events, steps = frames(name, rate=RATE)
    timeline = of_world(name, sequences=REQUESTS)
    found = of_kind(timeline, "step")
    assert len(found) == len(steps)
    assert sum(int(part.args["steps"]) for part in found) == steps["steps"].sum()
    assert sum(int(part.args["prefill_tokens"]) for part in found) == steps["prefill_tokens"].sum()
    instants = Counter(part.kind for part in timeline.instants)
    kinds = {"preemption": Event.PREEMPTED, "compaction": Event.COMPACTED, "growth": Event.GROWN}
    assert all(instants[kind] == len(told(events, event)) for kind, event in kinds.items())
    assert instants["arrival"] == REQUESTS
    assert instants["end"] == len(told(events, Event.FINISHED)) + len(told(events, Event.REJECTED)) == REQUESTS
    moved = len(told(events, Event.SWAPPED_OUT)) + len(told(events, Event.SWAPPED_IN))
    assert len(of_kind(timeline, "move")) == moved
    assert moved > 5 or name not in SWAPPING, "this world is to swap"


@pytest.mark.parametrize("name", NAMES)
def test_the_steps_are_the_time_in_which_the_log_is_busy(name: str) -> None:
    """To the picosecond: each lane's slices sum to its stretches, and of one lane to the busy time."""
    _, steps = frames(name, rate=RATE)
    found = of_kind(of_world(name), "step")
    assert sum(int(part.args["duration_ps"]) for part in found) == durations(steps).sum()
    assert sum(part.end - part.begin for part in found) == durations(steps).sum()
    if name not in LANES:
        assert durations(steps).sum() == busy_time(steps)
    written = of_phase(list(trace_events(of_world(name))), "X")
    shown = sum(nanoseconds(event["dur"]) for event in written if event["cat"] == "step")
    assert abs(shown * 1000 - int(durations(steps).sum())) <= 1000 * len(found)


@pytest.mark.parametrize("name", NAMES)
def test_phases_tile_a_life(name: str) -> None:
    """Whoever finished is in one phase after another from its arrival on, and they sum to its E2EL."""
    events, _ = frames(name, rate=RATE)
    table = requests_table(events).set_index("id")
    tracks: dict[int, list[Slice]] = defaultdict(list)
    for part in of_kind(of_world(name, sequences=REQUESTS), "phase"):
        tracks[int(part.track.name.removeprefix("request "))].append(part)
    for ident, row in table[table["status"] == "finished"].iterrows():
        life = tracks[int(str(ident))]
        assert all(one.end == other.begin for one, other in pairwise(life))
        assert (life[-1].end - life[0].begin) / 1e9 == row["e2el_ms"]
        assert life[0].begin / 1e12 == row["arrival_s"]


@pytest.mark.parametrize("name", NAMES)
def test_phases_are_those_of_the_figures(name: str) -> None:
    """With stalls taken for decoding, and predictions for waiting, they are what `report.phases` tells."""
    events, _ = frames(name, rate=RATE)
    merged = {"predicting": "queued", "stalled": "decode", "away": "swapped"}
    found: list[tuple[int, str, int, int]] = []
    for part in of_kind(of_world(name, sequences=REQUESTS), "phase"):
        row = (int(part.track.name.removeprefix("request ")), merged.get(part.name, part.name), part.begin, part.end)
        if found and found[-1][:2] == row[:2] and found[-1][3] == row[2]:
            found[-1] = (*found[-1][:3], row[3])
        else:
            found.append(row)
    ids = list(dict.fromkeys(row[0] for row in found))
    assert len(ids) > REQUESTS / 2
    expected: list[tuple[int, str, int, int]] = []
    for ident, phase, begin, end in phases(events, ids).to_numpy().tolist():
        if expected and expected[-1][:2] == (ident, phase) and expected[-1][3] == begin:
            expected[-1] = (*expected[-1][:3], end)
        else:
            expected.append((ident, phase, begin, end))
    assert found == expected


def test_stalls_and_predictions_are_phases_of_their_own() -> None:
    """As long as the log says that a sequence sat steps out, or waited for its prediction."""
    events, _ = frames("vllm_swap", rate=RATE)
    stalled = [part for part in of_kind(of_world("vllm_swap", sequences=REQUESTS), "phase") if part.name == "stalled"]
    begins = told(events, Event.STALLED)
    assert sorted(part.begin for part in stalled) == sorted(begins["time_ps"])
    assert len(stalled) > 3
    events, _ = frames("s3", rate=RATE)
    waited = [part for part in of_kind(of_world("s3", sequences=REQUESTS), "phase") if part.name == "predicting"]
    predictions = told(events, Event.PREDICTED).set_index("id")["time_ps"]
    arrivals = told(events, Event.ARRIVED).set_index("id")["time_ps"].reindex(predictions.index)
    assert sum(part.end - part.begin for part in waited) == (predictions - arrivals).sum() > 0


@pytest.mark.parametrize("name", SWAPPING)
def test_moves_last_as_long_as_the_link_takes(name: str) -> None:
    """Each begins when it is ordered or when the one before has ended, so it lasts its tokens over the bandwidth."""
    found = of_kind(of_world(name), "move")
    for part in found:
        rate = TO_HOST if part.track.name == "to host" else TO_DEVICE
        assert part.end - part.begin == int(part.args["tokens"]) * rate
    assert {part.track.name for part in found} == {"to host", "to device"}
    events, _ = frames(name, rate=RATE)
    swaps = told(events, Event.PREEMPTED)
    swaps = swaps[swaps["detail"] == Preemption.SWAP]
    out = [part for part in found if part.track.name == "to host"]
    assert sorted(part.begin - int(part.args["waited_ps"]) for part in out) == sorted(swaps["time_ps"])


@pytest.mark.parametrize("name", NAMES)
def test_counters_are_the_replica_s_own_account(name: str) -> None:
    """After each plan, on any lane, the counters stand where the replica said; used never exceeds reserved."""
    events, _ = frames(name, rate=RATE)
    samples = of_world(name).samples
    end = last_finish(events) or 0
    held, used = ([part for part in samples if part.counter == counter] for counter in ("KV reserved", "KV used"))
    last = {plan.time: plan for plan in run_of(name, rate=RATE).plans if plan.time <= end}
    for time, plan in list(last.items())[::7]:
        assert (at(held, time), at(used, time)) == (plan.held, plan.used)
        assert plan.used <= plan.held
    assert len({part.value for part in held}) > 2


@pytest.mark.parametrize("name", NAMES)
def test_the_batch_counters_sum_to_the_log_s_integral(name: str) -> None:
    """∫ of the lanes' batches is the log's ∫ of sequences, to the picosecond."""
    events, steps = frames(name, rate=RATE)
    timeline = of_world(name)
    end = round(timeline.about["run_ends_s"] * 1e12)
    total = 0
    counters = {part.counter for part in timeline.samples if part.counter.startswith("batch")}
    for counter in counters:
        mine = [part for part in timeline.samples if part.counter == counter]
        total += sum(one.value * (other.time - one.time) for one, other in pairwise(mine))
        assert mine[-1].value == 0
    assert total == occupancy(events, steps, end_ps=end).sequences
    assert len(counters) == steps["lane"].nunique()


@pytest.mark.parametrize("name", ["s3", "vllm", "huggingface", "s3_lanes"])
@pytest.mark.parametrize("given", [{"first": 3.0}, {"last": 2.5}])
def test_a_part_of_the_run_is_cut_at_its_ends(name: str, given: dict[str, float]) -> None:
    """Nothing lies outside, what crosses an end is cut, steps sum to the lanes' time within; it is said."""
    events, steps = frames(name, rate=RATE)
    timeline, span = of_world(name, **given), span_of(events, steps, first=given.get("first"), last=given.get("last"))
    check(whole(timeline))
    assert not span.whole
    assert span.end - span.begin == round(1e12 * next(iter(given.values())))
    times = [time for part in timeline.slices for time in (part.begin, part.end)]
    times += [part.time for part in timeline.instants] + [part.time for part in timeline.samples]
    assert min(times) >= span.begin
    assert max(times) <= span.end
    start, end = steps["start_ps"].to_numpy(), steps["start_ps"].to_numpy() + durations(steps)
    inside = np.minimum(end, span.end) - np.maximum(start, span.begin)
    assert sum(part.end - part.begin for part in of_kind(timeline, "step")) == inside[inside > 0].sum() > 0
    counters = {part.counter for part in timeline.samples if part.time == span.begin}
    assert {"KV reserved", "KV used"} <= counters, "a counter has a value where the span begins"
    about = timeline.about
    assert (about["begin_s"], about["end_s"], about["run_ends_s"]) == (
        span.begin / 1e12,
        span.end / 1e12,
        span.last / 1e12,
    )
    assert about["stretches"] == (inside > 0).sum() < about["stretches_in_run"] == len(steps)


@pytest.mark.parametrize(("given", "kept"), [({}, "first"), ({"first": 8.0}, "first"), ({"last": 8.0}, "last")])
def test_too_many_stretches_are_left_out(given: dict[str, float], kept: str) -> None:
    """No more than so many are shown: of the last seconds the last, of anything else the first."""
    _, steps = frames("s3", rate=RATE)
    timeline = of_world("s3", stretches=50, **given)
    found = of_kind(timeline, "step")
    assert len(found) == timeline.about["stretches"] == 50
    order = steps.sort_values("start_ps")["start_ps"]
    assert [part.begin for part in found] == (order[:50] if kept == "first" else order[-50:]).tolist()


def test_tracks_for_so_many_requests() -> None:
    """Those preempted in the span come before others, in order of arrival; nobody who left before it is shown."""
    events, _ = frames("s3", rate=RATE)
    timeline = of_world("s3", sequences=7, last=4.0)
    shown = [int(track.name.removeprefix("request ")) for track in timeline.tracks if track.process == "requests"]
    begin = round(timeline.about["begin_s"] * 1e12)
    preempted = told(events, Event.PREEMPTED)
    late = set(preempted.loc[preempted["time_ps"] >= begin, "id"])
    order = [ident for ident in told(events, Event.ARRIVED)["id"] if ident in late]
    assert len(order) > 7
    assert shown == order[:7]
    everyone = of_world("s3", sequences=REQUESTS, last=4.0).about["requests"]
    gone = told(events, Event.FINISHED)
    assert everyone == REQUESTS - (gone["time_ps"] < begin).sum() - len(told(events, Event.REJECTED))
    assert of_world("s3", sequences=0).about["requests"] == 0


@pytest.mark.parametrize(
    "given", [{"first": 0.0}, {"last": -1.0}, {"first": float("nan")}, {"first": 1.0, "last": 1.0}]
)
def test_a_span_without_sense_is_refused(given: dict[str, float]) -> None:
    """Nothing, less than nothing, no number, or both ends."""
    with pytest.raises(InputError, match=r"--(first|last)"):
        of_world("s3", **given)


@pytest.mark.parametrize("charged_to", ["host", "gpu"])
def test_a_predictor_that_learns_is_shown(charged_to: str) -> None:
    """Retrainings have a track; on the device predictions are pauses between steps, and never overlap them."""
    log = log_of(point_of(), charged_to=charged_to, seconds=0.01)
    events, steps = event_frame(log), step_frame(log)
    timeline = timeline_of(events, steps, requests_table(events))
    check(whole(timeline))
    learnt, paused = told(events, Event.RETRAINED), told(events, Event.PREDICTING)
    found = of_kind(timeline, "retraining")
    assert [part.end - part.begin for part in found] == learnt["detail"].tolist()
    assert len(found) > 2
    pauses = of_kind(timeline, "pause")
    assert sum(part.end - part.begin for part in pauses) == paused["detail"].sum()
    assert bool(pauses) == (charged_to == "gpu")
    lane = sorted(part[3:5] for part in timeline.slices if part.kind in ("pause", "step"))
    assert all(one[1] <= other[0] for one, other in pairwise(lane))


def test_a_log_of_nothing_is_a_timeline_of_nothing() -> None:
    """Before anything ran there is nothing to show, and the file is still one that viewers open."""
    events, steps = frames("s3")
    found = timeline_of(events.iloc[:0], steps.iloc[:0], requests_table(events.iloc[:0]))
    assert (found.slices, found.instants, found.samples) == ((), (), ())
    assert check(whole(found)) == []


def test_a_log_that_breaks_off_lasts_to_its_end() -> None:
    """Who is not finished is in its phase until the last that the log tells."""
    events, steps = frames("vllm")
    half = events.iloc[: len(events) // 2]
    timeline = timeline_of(half, steps.iloc[:0], requests_table(half), sequences=REQUESTS)
    open_ends = [part for part in of_kind(timeline, "phase") if part.end == half["time_ps"].max()]
    assert len(open_ends) > 20


def test_the_same_log_gives_the_same_text() -> None:
    """To the byte; one event on each line."""
    text = "".join(lines(of_world("s3")))
    assert text == "".join(lines(of_world("s3")))
    assert len(text.splitlines()) == len(list(trace_events(of_world("s3")))) + 2
