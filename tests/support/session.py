"""A session: one law, on many random worlds of one system, in which the rare events must have happened."""

from collections import Counter
from collections.abc import Callable
from functools import wraps
from itertools import pairwise
from zlib import crc32

from hypothesis import HealthCheck, Phase, given, seed, settings

from s3sim.core.events import STEP_COLUMNS, Event, EventLog, Preemption
from tests.support.strategies import worlds
from tests.support.traits import can_happen, must_not_happen
from tests.support.worlds import World

__all__ = ["Law", "examples", "hold", "on_worlds", "rare"]

Law = Callable[[World], EventLog]  # checks one world, and returns a log of it for the count of rare events
LANE = STEP_COLUMNS.index("lane")
COUNTED = (
    Event.SWAPPED_OUT,
    Event.SWAPPED_IN,
    Event.REJECTED,
    Event.GROWN,
    Event.COMPACTED,
    Event.STALLED,
    Event.RESUMED,
)


def rare(log: EventLog) -> Counter[str]:
    """How often each rare event happened in a run."""
    seen = Counter(event.name for row in log.event_rows() if (event := Event(row[1])) in COUNTED)
    how = [row[4] for row in log.event_rows() if row[1] == Event.PREEMPTED]
    seen["RECOMPUTED"] = how.count(Preemption.RECOMPUTE) + how.count(Preemption.HOST_FULL)
    seen["HOST_FULL"] = how.count(Preemption.HOST_FULL)
    seen["RESTARTED"] = how.count(Preemption.RESTART)
    seen["WAITED"] = sum(row[-1] > 0 for row in log.step_rows())
    seen["OVERLAPPED"], seen["CHANGED_LANE"] = _overlapped(log), _changed_lane(log)
    return +seen


def _overlapped(log: EventLog) -> int:
    """Steps that began while another lane's was under way; the log has them in order of their ends."""
    rows = list(log.step_rows())
    return sum(b[0] < a[0] + a[1] and b[LANE] != a[LANE] for a, b in pairwise(rows))


def _changed_lane(log: EventLog) -> int:
    """Admissions to another lane than the one before."""
    where: dict[int, int] = {}
    changes = 0
    for _, event, ident, _, _, lane in log.event_rows():
        if event == Event.ADMITTED:
            changes += where.get(ident, lane) != lane
            where[ident] = lane
    return changes


def examples(number: int) -> settings:
    """Settings of every random test: repeatable, without a time limit on each of `number` examples."""
    phases = (Phase.explicit, Phase.generate, Phase.shrink)
    return settings(
        max_examples=number,
        phases=phases,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def on_worlds(
    check: Callable[[World], object], name: str, *, number: int, instant: bool = False, lanes: bool = False
) -> None:
    """Check random worlds of a system: others for each check and name, and the same each time."""

    @seed(crc32(f"{check.__module__}.{check.__qualname__} {name}".encode()))
    @examples(number)
    @given(worlds(name, instant=instant, lanes=lanes))
    def session(world: World) -> None:
        check(world)

    session()


def hold(law: Law, name: str, *, number: int = 60, instant: bool = False, lanes: bool = False) -> None:
    """Check a law on random worlds of a system; a session in which a rare event never happened fails too.

    With `lanes` the worlds have one to three of them, and all must have happened with several.
    """
    number += number // 2 * lanes  # some have one lane, and those do not count
    seen: Counter[str] = Counter()  # in worlds that count
    ever: Counter[str] = Counter()
    wanted = can_happen(name, several_lanes=lanes)

    @wraps(law)
    def counted(world: World) -> None:
        found = rare(law(world))
        ever.update(found)
        if world.lanes > 1 or not lanes:
            seen.update(found)

    on_worlds(counted, name, number=number, instant=instant, lanes=lanes)
    never = wanted - seen.keys()
    assert not never, f"{name}: {sorted(never)} never happened in {number} worlds: the test would pass on nothing"
    wrongly = must_not_happen(name) & ever.keys()
    assert not wrongly, f"{name}: {sorted(wrongly)} can never happen"
