"""A system of one's own is tried on a few requests before its points are run: does it keep the laws?"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from s3sim.api.progress import Board
from s3sim.api.simulating import MORE_LEARNERS
from s3sim.core.errors import InputError, InvariantError
from s3sim.core.events import Event
from s3sim.experiment.build import Systems, build_load
from s3sim.experiment.resolved import Point
from s3sim.sim.incoming import limits_of
from s3sim.sim.laws import laws_of
from s3sim.sim.simulate import simulate_point

__all__ = ["REQUESTS", "demand_lawful", "trial_points"]

REQUESTS = 40  # few enough for a fraction of a second, and more than the memory of a trial holds at once
LONGEST = 2  # sequences of the greatest length that the memory of a trial holds
GRANULE = 64  # slots; the memory of a trial is so many times a whole number, for those that take blocks
LOAD = 2.0  # rate of arrivals ÷ rate at which the same requests were served at once
PS_PER_S = 10**12


@dataclass(frozen=True, slots=True)
class Trial:
    """A system with its choices, known by what its code says; one of its points, and where it is found."""

    code: str | None
    choices: str
    point: Point = field(compare=False)
    systems: Systems = field(compare=False)


def demand_lawful(points: Iterable[Point], systems: Systems, bars: Board) -> None:
    """Try each system of one's own among the points, and tell a bar of it; raises InputError where it breaks a law.

    Raises InvariantError, with a note, where a trial cannot even go on. A system is tried once in a process, with the
    choices of its first point, until its code is another.
    """
    first: dict[str, Point] = {}
    for point in points:
        if point.code is not None:
            first.setdefault(point.system, point)
    for name, point in first.items():
        trial = Trial(point.code, json.dumps(point.choices, sort_keys=True), point, systems)
        broken, remark = _verdict(trial)
        bars.show(f"laws of {name}", 1, 1, words=f": {remark}")
        if broken:
            raise InputError(_told(name, broken))


def trial_points(point: Point, systems: Systems) -> tuple[Point, Point]:
    """The point with a few requests and little memory, all there at once, and as they come one by one.

    They come twice as fast as the system serves them, so that there is always somebody who waits. Raises InputError
    where a part refuses so little.
    """
    few = replace(point, workload=_few(point), arrivals={"kind": "offline"}, measure={})
    few = _tight(few)
    at_once = replace(few, memory=few.memory | {"kv_capacity_tokens": _slots(few)})
    log = simulate_point(at_once, learners=MORE_LEARNERS, systems=systems).log
    last = max(row[0] for row in log.event_rows())
    rate = LOAD * sum(row[1] == Event.ARRIVED for row in log.event_rows()) * PS_PER_S / max(1, last)
    return at_once, replace(at_once, arrivals={"kind": "poisson", "rate": rate})


@lru_cache(maxsize=64)
def _verdict(trial: Trial) -> tuple[tuple[str, ...], str]:
    """What the system breaks, and a remark for whoever watches."""
    try:
        points = trial_points(trial.point, trial.systems)
        found = [law for point in points for law in laws_of(point, learners=MORE_LEARNERS, systems=trial.systems)]
    except InputError as error:
        return (), f"not tried: {error}"
    except InvariantError as error:
        error.add_note(
            "met on a trial of a system of one's own, of a few requests and little memory; check=False skips it"
        )
        raise
    broken = dict.fromkeys(f"{law.law}: {law.found}" for law in found if not law.holds)
    return tuple(broken), "broken" if broken else "kept on a trial"


def _told(name: str, broken: Iterable[str]) -> str:
    listed = "\n".join(f"  {line}" for line in broken)
    return (
        f"own_systems: {name!r} breaks laws that every scheduler must keep, on a trial of a few requests and little"
        f" memory:\n{listed}\ncheck_laws shows each on a point of your choice; with check=False the run goes on all the"
        " same, as where requests are held back on purpose"
    )


def _few(point: Point) -> dict[str, Any]:
    """The workload, cut to a few requests."""
    workload = point.workload
    if "phases" in workload:
        each = max(1, REQUESTS // len(workload["phases"]))
        return workload | {"phases": [part | {"requests": min(each, part["requests"])} for part in workload["phases"]]}
    there = workload["requests"] or len(build_load(point).trace)
    return workload | {"requests": min(REQUESTS, there)}


def _tight(point: Point) -> Point:
    """With a maximum length no greater than its requests need, so that a little memory is enough; else as it is."""
    trace = build_load(point).trace
    tight = replace(point, max_length=int((trace.prompt_tokens + trace.output_tokens).max()))
    try:
        build_load(tight)
    except InputError:
        return point
    return tight


def _slots(point: Point) -> int:
    """Memory for a few of the longest sequences that the requests allow, on each lane; never more than there is."""
    load = build_load(point)
    longest = int((load.trace.prompt_tokens + limits_of(load)).max())
    slots = -(-LONGEST * longest // GRANULE) * GRANULE * int(point.parallel["pipeline"])
    given = point.memory["kv_capacity_tokens"]
    return slots if given is None else min(given, slots)
