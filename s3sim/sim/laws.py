"""Laws of ARCHITECTURE.md, held against what one point's system does: for whoever writes a system of one's own."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from s3sim.core.events import STEP_COLUMNS, Event, EventLog, Preemption, Reason, canonical
from s3sim.experiment.build import Systems
from s3sim.experiment.resolved import Point
from s3sim.policies.registry import SYSTEMS
from s3sim.predictors.learner import LEARNERS
from s3sim.sim.incoming import Learners
from s3sim.sim.simulate import Simulated, simulate_point

__all__ = ["Law", "laws_of"]

HELD, USED = (STEP_COLUMNS.index(name) for name in ("kv_held", "kv_used"))


class Law(NamedTuple):
    """A law, whether a run kept it, and what was found."""

    law: str
    holds: bool
    found: str


def laws_of(point: Point, *, learners: Learners = LEARNERS, systems: Systems = SYSTEMS) -> Iterator[Law]:
    """Run the point three times, once in single steps, and hold each law against the logs.

    Raises InputError as `simulate_point` does, and InvariantError where a run cannot even go on. That nobody waits
    for an idle device is no law for a system that holds requests back on purpose.
    """
    first, again = (simulate_point(point, learners=learners, systems=systems) for _ in range(2))
    single = simulate_point(point, learners=learners, systems=systems, single_steps=True)
    yield _all_end(first)
    yield _true_lengths(first)
    yield _slots(first)
    yield _time(first.log)
    yield _nobody_waits_for_an_idle_device(first.log)
    same = first.log.events == again.log.events and first.log.steps == again.log.steps
    yield Law("the same inputs give the same log", same, f"{_rows(first.log)} rows")
    steps = sum(row[3] for row in first.log.step_rows())
    stretches = sum(1 for _ in first.log.step_rows())
    alike = canonical(first.log) == canonical(single.log)
    yield Law("stretches equal single steps", alike, f"{stretches} stretches of {steps} steps")


def _all_end(run: Simulated) -> Law:
    kinds = {kind: Counter[int]() for kind in Event}
    for _, kind, ident, *_ in run.log.event_rows():
        kinds[Event(kind)][ident] += 1
    ends, arrived = kinds[Event.FINISHED] + kinds[Event.REJECTED], Counter(run.load.trace.id.tolist())
    counts = (kinds[Event.FINISHED].total(), kinds[Event.REJECTED].total(), kinds[Event.PREEMPTED].total())
    found = "{} finished, {} rejected; {} preemptions".format(*counts)
    return Law("every request is finished or rejected, once", arrived == ends == kinds[Event.ARRIVED], found)


def _true_lengths(run: Simulated) -> Law:
    truth = dict(zip(run.load.trace.id.tolist(), run.load.trace.output_tokens.tolist(), strict=True))
    ended = {row[2]: row[3] for row in run.log.event_rows() if row[1] == Event.FINISHED}
    wrong = sum(tokens != truth[ident] for ident, tokens in ended.items())
    return Law("each that is finished has its true number of tokens", not wrong, f"{wrong} of {len(ended)} have not")


def _slots(run: Simulated) -> Law:
    capacity, rows = run.hardware.kv_capacity_tokens, list(run.log.step_rows())
    most = max((row[HELD] for row in rows), default=0)
    left = [row[3] for row in run.log.event_rows() if row[1] == Event.IDLE][-1:]
    within = most <= capacity and all(row[USED] <= row[HELD] for row in rows)
    found = f"at most {most:,} of {capacity:,} held, {sum(left)} at the end"
    return Law("slots held are there, slots written are held, all return", within and not any(left), found)


def _time(log: EventLog) -> Law:
    last: dict[int, int] = {}
    back = 0
    for time, kind, ident, *_ in log.event_rows():
        if kind not in (Event.IDLE, Event.COMPACTED, Event.RETRAINED, Event.PREDICTING):  # these are no request's
            back += time < last.get(ident, 0)
            last[ident] = time
    return Law("time never runs back in a request's life", not back, f"{back} of {_rows(log)} rows go back")


def _nobody_waits_for_an_idle_device(log: EventLog) -> Law:
    """By a count of its own, in the order of the log: who is in the queue, and whose KV is on the link."""
    waiting, moving, swapped = set[int](), set[int](), set[int]()
    pauses = {row[0] for row in log.event_rows() if row[1] == Event.PREDICTING}
    idle = wrong = 0
    for time, kind, ident, _, detail, _ in log.event_rows():
        if kind == Event.IDLE:
            idle += 1
            wrong += bool(waiting) and not moving and time not in pauses
        elif kind == Event.ARRIVED or (kind == Event.PREEMPTED and detail != Preemption.SWAP):
            waiting.add(ident)
        elif kind == Event.REJECTED and detail != Reason.OUT_OF_MEMORY:
            waiting.discard(ident)
        elif kind == Event.PREEMPTED:
            moving.add(ident)
        elif kind == Event.SWAPPED_OUT:
            moving.discard(ident)
            swapped.add(ident)
            waiting.add(ident)
        elif kind == Event.ADMITTED:
            waiting.discard(ident)
            moving |= swapped & {ident}
        elif kind == Event.SWAPPED_IN:
            moving.discard(ident)
            swapped.discard(ident)
    return Law("nobody waits for an idle device", not wrong, f"in {wrong} of {idle} times that it was idle")


def _rows(log: EventLog) -> int:
    return sum(1 for _ in log.event_rows())
