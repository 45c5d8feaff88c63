"""The laws against random combinations of the decisions, and not only against those that are registered."""

from collections import Counter
from random import Random
from zlib import crc32

import pytest
from hypothesis import given, seed

from s3sim.core.events import EventLog
from s3sim.core.kv_cache import PagedKV
from tests.laws.test_conservation import ends_once, tokens_are_true
from tests.laws.test_determinism import same_twice
from tests.laws.test_progress import doubled_seldom, every_step_counts, work_conserving
from tests.laws.test_slots import count_fits, disjoint, integrity
from tests.laws.test_stretches import alike
from tests.laws.test_time import in_order, one_after_another
from tests.support.combinations import RULES, STARTS, combined_worlds, draw, why_not
from tests.support.session import Law, examples, rare
from tests.support.worlds import World
from tests.twin.test_twin import twins

MUST = {"REJECTED", "WAITED", "RECOMPUTED", "HOST_FULL", "SWAPPED_OUT", "SWAPPED_IN", "STALLED", "RESUMED"}
MUST |= {"GROWN", "COMPACTED"}
SEVERAL = {"OVERLAPPED", "CHANGED_LANE"}
KINDS = 36  # of accounts, decisions, orders and foresights


def slots_of_reservations(world: World) -> EventLog:
    """Reservations together never exceed the slots, nor do extents overlap; blocks are the audit's and the twin's."""
    if isinstance(world.kv(), PagedKV):
        return world.run()
    count_fits(world)
    return disjoint(world)


LAWS: dict[Law, int] = {  # law → worlds
    ends_once: 250,
    tokens_are_true: 250,
    integrity: 250,
    slots_of_reservations: 250,
    in_order: 250,
    one_after_another: 250,
    same_twice: 150,
    work_conserving: 250,
    every_step_counts: 250,
    doubled_seldom: 250,
    twins: 300,
    alike: 600,
}


def kinds(world: World) -> set[str]:
    """Names of the kinds that the world's combination is made of."""
    made = world.scheduler()
    inner = getattr(made.admission, "admission", made.admission)
    parts = [made.reservation, made.admission, inner, made.batching, made.supervisor, made.displacement, world.kv()]
    parts += [getattr(inner, name, None) for name in ("ranking", "foresight")]
    return {type(part).__name__ for part in parts if part is not None}


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_combinations_keep_the_law(law: Law) -> None:
    """Whatever decisions are put together that go together, the law holds, rare events and all."""
    several = law is not tokens_are_true
    seen: Counter[str] = Counter()

    @seed(crc32(law.__qualname__.encode()))
    @examples(LAWS[law])
    @given(combined_worlds(instant=several, lanes=several))
    def session(world: World) -> None:
        seen.update(rare(law(world)).keys() | kinds(world))

    session()
    never = MUST | (SEVERAL if several else set())
    assert not never - seen.keys(), f"{sorted(never - seen.keys())} never happened: the test would pass on nothing"
    assert len(seen.keys() - MUST - SEVERAL) == KINDS, sorted(seen)


def test_every_rule_refuses_something() -> None:
    """Each reason why parts make no sense together is met among random parts, so that none is idle."""
    random = Random(7)
    told = {why_not(draw(random, 200, 96, random.choice(STARTS))) for _ in range(20_000)}
    assert told == {*RULES, None}
