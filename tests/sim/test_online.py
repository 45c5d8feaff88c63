"""A predictor that learns while it is used knows nothing of what is to come, and is as dear as it is said to be."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from s3sim.core.errors import InputError
from s3sim.core.events import Event, EventLog, canonical
from s3sim.experiment.build import build_load
from s3sim.experiment.resolved import Point
from s3sim.predictors.buckets import Buckets
from s3sim.predictors.learner import Frequencies, Prompts
from s3sim.predictors.margin import EDGE
from s3sim.report.frames import event_frame, step_frame
from s3sim.report.levels import account, durations
from s3sim.report.tables import requests_table
from s3sim.sim import simulate as simulation
from s3sim.sim.online import OnlinePredictor, Retraining
from s3sim.sim.simulate import check_point, simulate_point
from tests.sim.online_worlds import log_of, of_kind, point_of, predicted, retrained

SECONDS = 10**12  # ps
VARIANTS = [
    {"charged_to": charged, "collect": collect, "overruns": overruns}
    for charged in ("host", "gpu")
    for collect, overruns in (("all", False), ("mispredicted", True))
]
each = pytest.mark.parametrize("fields", VARIANTS, ids=lambda fields: "-".join(map(str, fields.values())))


@each
def test_the_same_experiment_learns_the_same(fields: dict[str, object]) -> None:
    """Two runs write the same bytes (law 5), and learnt something."""
    first, second = (log_of(point_of(**fields)) for _ in range(2))
    assert first.events.tobytes() == second.events.tobytes()
    assert len(retrained(first)) > 3


@each
def test_stretches_learn_as_single_steps_do(fields: dict[str, object]) -> None:
    """Every prediction, retraining and step is the same, however far time goes between two looks (law 9)."""
    point = point_of(**fields)
    assert canonical(log_of(point)) == canonical(log_of(point, single_steps=True))


def test_one_that_never_learns_is_a_constant_predictor() -> None:
    """With retraining off all is as with a fixed predictor that says the maximum."""
    online = point_of(max_versions=0)
    fixed = replace(online, predictor={"kind": "constant", "tokens": 160, **timing(online)})
    assert canonical(simulate_point(online).log) == canonical(simulate_point(fixed).log)


def timing(point: Point) -> dict[str, object]:
    """The fields of a predictor that say what it costs."""
    return {key: (point.predictor or {})[key] for key in ("seconds", "concurrency", "charged_to")}


def test_one_that_stops_learning_stays_as_it_is() -> None:
    """After the last version that it may have, it is that version for ever, and no time goes to training."""
    log = log_of(point_of(max_versions=2))
    assert retrained(log)["id"].tolist() == [1, 2]
    assert predicted(log)["detail"].max() == 2


@each
def test_no_prediction_depends_on_a_length_that_is_not_yet_known(
    fields: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With other lengths for all that had not finished at some time, all before it is the same (no foresight)."""
    point = point_of(**fields)
    log = simulate_point(point).log
    finishes = sorted(row[0] for row in log.event_rows() if row[1] == Event.FINISHED)
    horizon = finishes[len(finishes) // 2]
    known = {row[2] for row in log.event_rows() if row[1] == Event.FINISHED and row[0] <= horizon}
    assert 0 < len(retrained(log).query("time_ps < @horizon")) < len(retrained(log))
    monkeypatch.setattr(simulation, "build_load", lambda point: _lengthened(point, known))
    other = simulate_point(point).log
    assert _before(log, horizon) == _before(other, horizon)
    assert canonical(log) != canonical(other)


def _lengthened(point: Point, known: set[int]):  # type: ignore[no-untyped-def]
    """The load, with outputs of all that are not known as long as they may be."""
    load = build_load(point)
    trace = load.trace
    keep = np.isin(trace.id, list(known))
    outputs = np.where(keep, trace.output_tokens, trace.max_new_tokens)
    return replace(load, trace=replace(trace, output_tokens=outputs))


def _before(log: EventLog, horizon: int) -> list[tuple[int, ...]]:
    return [row for row in canonical(log) if row[0] <= horizon and row[1] != Event.FINISHED]


@each
def test_versions_only_rise(fields: dict[str, object]) -> None:
    """In order of readiness predictions are of the same version or a later one, used only once it is done."""
    log = log_of(point_of(**fields))
    ready, trained = predicted(log), retrained(log)
    assert (np.diff(ready["detail"]) >= 0).all()
    assert trained["id"].tolist() == list(range(1, len(trained) + 1))
    active = dict(zip(trained["id"], trained["time_ps"] + trained["detail"], strict=True))
    for time, version in zip(ready["time_ps"], ready["detail"], strict=True):
        assert version == 0 or active[version] <= time


@each
def test_retrainings_follow_one_another_and_last_as_long_as_they_learn(fields: dict[str, object]) -> None:
    """None begins before the last one ends, nor before enough is collected; each costs its rows."""
    trained = retrained(log_of(point_of(**fields, retrain_s=0.25)))
    begin, took = trained["time_ps"].to_numpy(), trained["detail"].to_numpy()
    assert (begin[1:] >= begin[:-1] + took[:-1]).all()
    assert (took == 0.25 * SECONDS + trained["tokens"].to_numpy() * 0.002 * SECONDS).all()
    assert trained["tokens"].max() == 64


def test_a_retraining_that_was_due_begins_when_the_last_one_ends() -> None:
    """The host is never idle while enough is collected."""
    trained = retrained(log_of(point_of(collect="all", retrain_s=4.0)))
    begin, took = trained["time_ps"].to_numpy(), trained["detail"].to_numpy()
    assert (begin[1:3] == begin[:2] + took[:2]).all()


def test_the_device_works_for_one_thing_at_a_time() -> None:
    """Steps, predictions and retraining on the GPU never overlap, and idle time is when nobody is there."""
    log = log_of(point_of(charged_to="gpu", collect="all"))
    steps, work = step_frame(log), of_kind(log, Event.PREDICTING)
    spans = [(start, start + took) for start, took in zip(steps["start_ps"], durations(steps), strict=True)]
    spans += list(zip(work["time_ps"], work["time_ps"] + work["detail"], strict=True))
    spans.sort()
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))
    trained = int(retrained(log)["detail"].sum())
    assert int(work["detail"].sum()) == int(work["tokens"].sum() * 3.7e-3 * SECONDS) + trained
    assert work["tokens"].sum() == len(predicted(log)) == 300


def test_time_on_the_device_is_time_that_requests_wait() -> None:
    """What is charged to the GPU makes the run longer; the same on the host hardly does."""
    ends = {
        charged: max(row[0] for row in log_of(point_of(charged_to=charged, seconds=0.05)).event_rows())
        for charged in ("host", "gpu")
    }
    assert ends["gpu"] > 1.2 * ends["host"]


def test_the_account_of_slots_stands_while_the_predictor_works() -> None:
    """Slots are held while steps wait for predictions: the account tells of them at every pause."""
    log = log_of(point_of(charged_to="gpu", seconds=0.05))
    events, steps = event_frame(log), step_frame(log)
    level = account(events, steps, end_ps=int(events["time_ps"].max()))
    work = of_kind(log, Event.PREDICTING)
    place = np.searchsorted(level.start, work["time_ps"])
    assert (level.start[place] == work["time_ps"]).all()
    assert (level.first[place] >= work["detail"]).all()
    assert (level.held[place] > 0).mean() > 0.5


def test_learning_on_follows_the_traffic() -> None:
    """After the change, one that learns on is right more often than one that stopped, and overruns less."""
    fields = {"collect": "all", "retrain_s_per_row": 0.0, "edges": [16, 32, 48, 64, 80, 96, 160]}
    going = requests_table(event_frame(log_of(point_of(**fields))))
    stopped = requests_table(event_frame(log_of(point_of(**fields, max_versions=3))))
    assert under(going) < under(stopped) - 0.2
    assert going["preemptions"].sum() < stopped["preemptions"].sum()


def under(requests) -> float:  # type: ignore[no-untyped-def]
    """The share of the last hundred requests that outgrew what was foreseen."""
    last = requests.tail(100)
    return float((last["output_tokens"] > last["predicted_tokens"]).mean())


def test_an_overrun_tells_before_the_end() -> None:
    """Learning from overruns collects a length that is above as soon as it is."""
    fields = {"retrain_every": 4, "retrain_s_per_row": 0.0, "max_versions": 6, "collect": "all"}
    without, early = (log_of(point_of(**fields, overruns=overruns)) for overruns in (False, True))
    assert sum(row[1] in (Event.PREEMPTED, Event.GROWN) for row in early.event_rows()) > 0
    assert early.events.tobytes() != without.events.tobytes()


@pytest.mark.parametrize(("keys", "word"), [({"arrivals": {"kind": "closed_loop", "users": 3}}, "closed_loop")])
def test_a_device_predictor_says_what_it_cannot_serve(keys: dict[str, object], word: str) -> None:
    """A closed loop needs its predictions on the host."""
    point = point_of(charged_to="gpu")
    loop = {"kind": "closed_loop", "users": 3, "think_time_s": 0.0, "think_time": "constant"}
    with pytest.raises(InputError, match=word):
        check_point(replace(point, arrivals=loop))


def test_users_who_wait_for_answers_are_learnt_from() -> None:
    """A closed loop's predictor learns too."""
    loop = {"kind": "closed_loop", "users": 6, "think_time_s": 0.1, "think_time": "constant"}
    log = log_of(replace(point_of(collect="all"), arrivals=loop))
    assert len(retrained(log)) > 3
    assert predicted(log)["detail"].max() == len(retrained(log)) or len(predicted(log)) == 300


def online(**rule: object) -> OnlinePredictor:
    """A predictor of ten requests with prompts of 5 tokens, ids 0 to 9, that learns from every one."""
    buckets = Buckets(4, 40)
    prompts = Prompts(tokens=np.full(10, 5), texts=None, buckets=buckets, seed=0)
    fields = {"every": 1, "window": 4, "collect": "all", "overruns": True, **rule}
    return OnlinePredictor(
        Frequencies.of(prompts),
        rule=Retraining(**fields),  # type: ignore[arg-type]
        buckets=buckets,
        margin=EDGE,
        rows={row: row for row in range(10)},
        prompt_tokens=[5] * 10,
    )


def test_a_preemption_below_what_was_said_tells_nothing_of_the_length() -> None:
    """Who gave way before the end of the reservation is not taken to be longer; who outgrew it is."""
    predictor, log = online(), EventLog()
    predictor.foresee(0, 0)
    log.event(10, Event.FINISHED, 0, 7, 0)
    predictor.observe(log)
    assert [predictor.foresee(row, 20).tokens for row in (1, 2, 3)] == [10, 10, 10]
    log.event(30, Event.PREEMPTED, 1, 5 + 6, 0)  # 6 slots of its output are written, of 10
    predictor.observe(log)
    assert predictor.foresee(4, 40) == (10, 1)
    log.event(50, Event.PREEMPTED, 2, 5 + 10, 0)  # the eleventh token is there, and has no slot
    log.event(60, Event.GROWN, 3, 10, 5 + 10 + 10)
    predictor.observe(log)
    assert predictor.foresee(5, 70) == (20, 3)


def test_a_length_that_becomes_known_takes_the_place_of_its_bound() -> None:
    """An overrun tells 'above 10'; the end tells 33, and the bound is forgotten."""
    predictor, log = online(), EventLog()
    predictor.foresee(0, 0)
    log.event(10, Event.FINISHED, 0, 7, 0)
    predictor.observe(log)
    predictor.foresee(1, 20)
    log.event(30, Event.PREEMPTED, 1, 5 + 10, 0)
    log.event(40, Event.FINISHED, 1, 33, 1)
    predictor.observe(log)
    assert retrained(log)["tokens"].tolist() == [1, 2, 2]
    learnt = predictor.foresee(2, 50)
    assert learnt.version == 3
    assert learnt.tokens == 10  # one row of 7, one of 33: the first of equals
