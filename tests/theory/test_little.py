"""Little's law: the mean number in the system is the arrival rate times the mean time spent in it."""

from bisect import bisect_left
from dataclasses import replace

import numpy as np
import pytest

from s3sim.core.events import Event, EventLog
from s3sim.policies.batching import PrefillApart, PrefillFirst, PromptBatches
from tests.support.latency import LinearLatency
from tests.support.session import hold
from tests.support.traits import NAMES, foresight, must_not_happen, scheduler
from tests.support.worlds import SLOW_LINK, Row, World, world
from tests.theory.statistics import replicate

PEACEFUL = tuple(  # nobody is ever preempted, and whoever runs is in every step
    name
    for name in NAMES
    if must_not_happen(name) and not isinstance(scheduler(name).batching, PrefillFirst | PromptBatches)
)
MEAN_GAP = 60  # ps between arrivals
REQUESTS = 300
BUCKET = 4  # tokens


def times(log: EventLog, event: Event) -> dict[int, int]:
    """When an event happened, by request id."""
    return {row[2]: row[0] for row in log.event_rows() if row[1] == event}


def counted_and_spent(one: World) -> EventLog:
    """Σ over steps of (prefilling + decoding + waiting) × duration is the time that requests were counted.

    A request is counted from the start of the step in which it came, at whose end it is seen, to its end.
    """
    if isinstance(one.scheduler().batching, PrefillApart):  # who sits out a step of prompts is in no column of it
        one = one.but(choices=replace(one.choices, prefill="mixed"))  # type: ignore[arg-type, call-arg, type-var]
    log, static = one.run(single_steps=True), one.scheduler().static
    kept = static is not None and static.delivery == "batch_end"  # finished rows stay to the batch's end
    steps = [(row[0], row[0] + row[1], row[5] + row[7] + row[-1] + kept * row[15]) for row in log.step_rows()]
    counted = sum((end - start) * number for start, end, number in steps)
    ends, ready = [end for _, end, _ in steps], dict(zip(one.ids, one.ready, strict=True))
    spent = 0
    for ident, finished in times(log, Event.FINISHED).items():
        start, _, _ = steps[bisect_left(ends, ready[ident])]
        spent += finished - min(start, ready[ident])
    assert counted == spent
    return log


@pytest.mark.parametrize("name", PEACEFUL)
def test_the_number_in_the_system_adds_up_to_the_time_in_it(name: str) -> None:
    """Over a run that begins and ends empty, ∫ N dt = Σ time in the system, to the picosecond."""
    hold(counted_and_spent, name)


@pytest.mark.parametrize("name", NAMES)
def test_mean_number_is_arrival_rate_times_mean_latency(name: str) -> None:
    """L ÷ λ·W is one within its interval, with λ the rate that was asked for and memory short."""

    def ratio(seed: int) -> float:
        rng = np.random.default_rng(seed)
        arrivals = np.cumsum(rng.exponential(MEAN_GAP, REQUESTS)).astype(int).tolist()
        rows = []
        for at, (output, guess) in zip(arrivals, rng.integers(1, 12, (REQUESTS, 2)).tolist(), strict=True):
            row = Row(arrival=at, prompt=4, output=output, max_new=12)
            rows.append(replace(row, predicted=foresight(name, row, guess, bucket=BUCKET)))
        log = world(name, rows, capacity=64, link=SLOW_LINK, latency=LinearLatency()).run()
        came, ended = times(log, Event.ARRIVED), times(log, Event.FINISHED)
        window = max(ended.values())
        changes = sorted([(at, 1) for at in came.values()] + [(at, -1) for at in ended.values()])
        number = area = last = 0
        for at, change in changes:
            area += number * (at - last)
            number, last = number + change, at
        mean_latency = sum(ended[ident] - came[ident] for ident in came) / REQUESTS
        return area / window / (mean_latency / MEAN_GAP)

    assert replicate(ratio).agrees(1, precision=0.1)
