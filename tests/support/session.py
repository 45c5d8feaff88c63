"""A session: one law, on many random worlds of one system, in which the rare events must have happened."""

from collections import Counter
from collections.abc import Callable
from functools import wraps
from zlib import crc32

from hypothesis import HealthCheck, Phase, given, seed, settings

from s3sim.core.events import Event, EventLog, Preemption
from tests.support.strategies import worlds
from tests.support.traits import can_happen, must_not_happen
from tests.support.worlds import World

__all__ = ["Law", "examples", "hold", "on_worlds", "rare"]

Law = Callable[[World], EventLog]  # checks one world, and returns a log of it for the count of rare events
COUNTED = (Event.SWAPPED_OUT, Event.SWAPPED_IN, Event.REJECTED, Event.GROWN, Event.COMPACTED)


def rare(log: EventLog) -> Counter[str]:
    """How often each rare event happened in a run."""
    seen = Counter(event.name for row in log.event_rows() if (event := Event(row[1])) in COUNTED)
    how = [row[4] for row in log.event_rows() if row[1] == Event.PREEMPTED]
    seen["RECOMPUTED"] = how.count(Preemption.RECOMPUTE) + how.count(Preemption.HOST_FULL)
    seen["RESTARTED"] = how.count(Preemption.RESTART)
    seen["WAITED"] = sum(row[-1] > 0 for row in log.step_rows())
    return +seen


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


def on_worlds(check: Callable[[World], object], name: str, *, number: int, instant: bool = False) -> None:
    """Check random worlds of a system: others for each check and name, and the same each time."""

    @seed(crc32(f"{check.__module__}.{check.__qualname__} {name}".encode()))
    @examples(number)
    @given(worlds(name, instant=instant))
    def session(world: World) -> None:
        check(world)

    session()


def hold(law: Law, name: str, *, number: int = 60, instant: bool = False) -> None:
    """Check a law on random worlds of a system; a session in which a rare event never happened fails too."""
    seen: Counter[str] = Counter()

    @wraps(law)
    def counted(world: World) -> None:
        seen.update(rare(law(world)))

    on_worlds(counted, name, number=number, instant=instant)
    never = can_happen(name) - seen.keys()
    assert not never, f"{name}: {sorted(never)} never happened in {number} worlds: the test would pass on nothing"
    wrongly = must_not_happen(name) & seen.keys()
    assert not wrongly, f"{name}: {sorted(wrongly)} can never happen"
