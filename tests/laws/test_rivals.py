"""Laws of the systems that S³ is compared with: what they reduce to, and what each of them promises."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ceil, floor
from typing import Any

import pytest

from s3sim.core.batch import Batch
from s3sim.core.events import Event, EventLog
from s3sim.core.lane import Lane
from s3sim.core.protocols import Preempt, View
from s3sim.core.replica import Replica
from s3sim.core.request import Sequence
from s3sim.policies.ranked import Outranked, RankedAdmission
from s3sim.policies.ranking import RemainingTime, remaining_tokens
from s3sim.policies.registry import S3, VLLM, Sarathi
from s3sim.policies.rivals import AMax, AMin, Trail
from tests.laws.test_reductions import AMPLE, agree, unforetold, with_choices
from tests.support.sequences import sequence
from tests.support.session import on_worlds
from tests.support.traits import NAMES, scheduler
from tests.support.worlds import World

PREEMPTIVE = tuple(name for name in NAMES if isinstance(scheduler(name).displacement, Outranked))
RANKED = tuple(name for name in NAMES if isinstance(scheduler(name).admission, RankedAdmission))


def told(world: World, tokens: Callable[[int], int]) -> World:
    """The same world with predictions made from the true lengths."""
    return world.but(rows=tuple(replace(row, predicted=tokens(row.output)) for row in world.rows))


def preempted(log: EventLog) -> int:
    """Preemptions of a run."""
    return sum(row[1] == Event.PREEMPTED for row in log.event_rows())


# ---------------------------------------------------------------------- reductions


def test_s3_with_equal_predictions_in_order_of_length_is_first_come_first_served() -> None:
    """Nothing tells the requests apart, so they are served as they came, also after an overrun."""
    overruns: Counter[str] = Counter()

    def equal(world: World) -> None:
        rows = tuple(replace(row, predicted=1) for row in world.rows)
        shortest = world.but(rows=rows, choices=S3(order="shortest_predicted"))
        log = shortest.run()
        overruns["preempted"] += preempted(log)
        assert unforetold(log) == unforetold(with_choices(shortest, order="first_come").run())

    agree("s3", equal)
    assert overruns["preempted"]


@pytest.mark.parametrize("name", ["ltr", "ssjf"])
def test_the_first_in_rank_with_equal_scores_and_ample_memory_are_first_come_first_served(name: str) -> None:
    """Where nothing tells requests apart and blocks are ample, top-ranked chunks are Sarathi's, byte for byte.

    SSJF forms its batch at ends alone, so that holds for it where everybody is there and runs at once.
    """

    def equal(world: World) -> None:
        rows = tuple(replace(row, predicted=1) for row in world.rows)
        if name == "ssjf":
            rows = tuple(replace(row, arrival=0) for row in rows)
        mine = with_choices(
            world.but(rows=rows, capacity=AMPLE),
            max_num_batched_tokens=1 << 20 if name == "ssjf" else 16,
            watermark=0.0,
        )
        mine = with_choices(mine, max_num_seqs=None) if name == "ssjf" else with_choices(mine, starvation_steps=None)
        choices: Any = mine.choices
        twin = Sarathi(
            max_num_seqs=choices.max_num_seqs,
            block_tokens=choices.block_tokens,
            token_budget=choices.max_num_batched_tokens,
            watermark=0.0,
        )
        log = mine.run()
        assert not preempted(log)
        assert unforetold(log) == unforetold(mine.but(name="sarathi", choices=twin).run())

    agree(name, equal)


@pytest.mark.parametrize("name", ["a_max", "a_min"])
def test_exact_bounds_preempt_nobody(name: str) -> None:
    """A peak foreseen from true lengths, token by token, is the peak that comes: nothing ever runs short."""
    held_back: Counter[str] = Counter()
    share = "upper" if name == "a_max" else "lower"

    def exact(world: World) -> None:
        log = with_choices(told(world, lambda output: output), block_tokens=1, **{share: 1.0}).run()
        held_back["waited"] += sum(row[-1] > 0 for row in log.step_rows())
        assert not preempted(log)

    agree(name, exact)
    assert held_back["waited"], "memory is short, or the test says nothing"


def test_a_max_with_upper_ends_that_hold_preempts_nobody() -> None:
    """An interval whose upper end no output passes is enough: reserved by its peak, nothing ever runs short."""

    def enough(world: World) -> None:
        assert not preempted(with_choices(told(world, lambda output: output + 3), block_tokens=1, upper=1.5).run())

    agree("a_max", enough)


def test_intervals_that_are_points_are_one() -> None:
    """With both ends at the true length A_max and A_min are one system."""

    def points(world: World) -> None:
        known = with_choices(told(world, lambda output: output), upper=1.0, block_tokens=1)
        assert isinstance(known.choices, AMax)
        twin = AMin(lower=1.0, block_tokens=1, max_num_seqs=known.choices.max_num_seqs)
        assert unforetold(known.run()) == unforetold(known.but(name="a_min", choices=twin).run())

    agree("a_max", points)


def test_past_future_with_ample_memory_is_vllm() -> None:
    """Where any peak fits, nothing is held back: LightLLM's order is vLLM's, in blocks of one token."""

    def ample(world: World) -> None:
        mine = with_choices(world.but(capacity=AMPLE), block_tokens=1)
        names = ("max_num_seqs", "block_tokens", "max_num_batched_tokens")
        twin = VLLM(watermark=0.0, **{name: getattr(mine.choices, name) for name in names})
        log = mine.run()
        assert not preempted(log)
        assert unforetold(log) == unforetold(mine.but(name="vllm", choices=twin).run())

    agree("past_future", ample)


# ---------------------------------------------------------------------- who gives way


@dataclass(frozen=True, slots=True)
class Watched:
    """A displacement that is looked at: who gives way to whom, and whether they had to."""

    inner: Outranked
    seen: Counter[str]
    due: list[Sequence]

    def displaced(self, view: View, waiting: Any, *, max_prefill_tokens: int) -> Preempt | None:
        """Check what the policy promises."""
        answer = self.inner.displaced(view, waiting, max_prefill_tokens=max_prefill_tokens)
        if answer is None:
            return None
        ranking = self.inner.ranking
        head = ranking.head(view, waiting)
        self.due.append(head)
        self.seen["displaced"] += len(answer.victims)
        assert head.demand > view.free - self.inner.headroom or view.full, "nobody had to"
        assert all(ranking.rank(view, victim) > ranking.rank(view, head) for victim in answer.victims)
        if isinstance(ranking, RemainingTime):
            for victim in answer.victims:
                assert victim.predicted is not None
                limit = min(max(1, victim.predicted), victim.request.max_new_tokens)
                assert victim.generated < floor(ranking.share * limit), "too old to be preempted"
        return answer


def watching(seen: Counter[str]) -> type[Replica]:
    """Replicas that look at each displacement, and at whether its cause is then admitted."""

    class Watching(Replica):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            assert isinstance(self.scheduler.displacement, Outranked)
            self.due: list[Sequence] = []
            watched = Watched(self.scheduler.displacement, seen, self.due)
            self.scheduler = replace(self.scheduler, displacement=watched)

        def plan(self, now: int, lane: int = 0) -> Batch | None:
            batch = super().plan(now, lane)
            admitted = [] if batch is None else [chunk.sequence for chunk in batch.chunks]
            assert set(self.due) <= set(admitted), "somebody gave way in vain"
            self.due.clear()
            return batch

    return Watching


@pytest.mark.parametrize("name", PREEMPTIVE)
def test_nobody_gives_way_in_vain(name: str) -> None:
    """Only the worse in rank give way, only where there is no room, and whom they give way to is then admitted."""
    seen: Counter[str] = Counter()
    on_worlds(lambda world: world.run_as(watching(seen)), name, number=60)
    assert seen["displaced"] > 20


def test_trail_with_a_share_of_zero_lets_nobody_give_way() -> None:
    """With c = 0 all are too old from the start: with memory for all, places alone never preempt anybody."""
    seen: Counter[str] = Counter()

    def never(world: World) -> None:
        never_young = with_choices(world, preemptible=0.0)
        never_young.run_as(watching(seen))
        seen["with ample memory"] += preempted(never_young.but(capacity=AMPLE).run())
        seen["at one time"] += preempted(with_choices(never_young, max_num_seqs=1, watermark=0.0).run())
        seen["short"] += preempted(never_young.run())

    on_worlds(never, "trail", number=60)
    assert seen["displaced"] == seen["with ample memory"] == seen["at one time"] == 0
    assert seen["short"], "shortage of blocks still preempts"


@pytest.mark.parametrize("name", RANKED)
def test_the_queue_is_in_order_of_rank(name: str) -> None:
    """Whoever is asked for next is the least in rank of all who wait, the first submitted of equals."""
    seen: Counter[str] = Counter()

    class Ordered(Replica):
        def plan(self, now: int, lane: int = 0) -> Batch | None:
            planner, waiting, admission = self._planners[lane], self.waiting, self.scheduler.admission
            if len(waiting) and isinstance(admission, RankedAdmission):
                ranking = admission.ranking
                head = ranking.head(planner, waiting)
                assert head is min(waiting, key=lambda s: (*ranking.rank(planner, s), s.order))
                seen["several"] += len(waiting) > 1
            return super().plan(now, lane)

    on_worlds(lambda world: world.run_as(Ordered), name, number=40)
    assert seen["several"] > 100


def test_a_min_preempts_the_least_bound_and_raises_it() -> None:
    """By bounds of its own, raised at each preemption: the victim has the least, the last submitted of equals."""
    seen: Counter[str] = Counter()

    class Bounding(Replica):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            self.proved: dict[Sequence, int] = {}

        def preempt(self, lane: Lane, answer: Preempt, now: int) -> None:
            (victim,) = answer.victims
            assert victim is min(lane.decoding, key=lambda s: (self.bound(s), -s.order))
            seen["raised"] += victim.generated > self.bound(victim)
            seen["again"] += victim in self.proved
            self.proved[victim] = victim.generated
            super().preempt(lane, answer, now)

        def bound(self, sequence: Sequence) -> int:
            share = self.scheduler.supervisor.foresight.share  # type: ignore[attr-defined]
            foreseen = min(sequence.predicted or 0, sequence.request.max_new_tokens)
            return max(1, ceil(share * foreseen), self.proved.get(sequence, 0))

    on_worlds(lambda world: world.run_as(Bounding), "a_min", number=60)
    assert seen["raised"] > 20
    assert seen["again"] > 20


def test_trail_refines_a_prediction_that_was_outlived() -> None:
    """What remains is the prediction less the age, and of its least sufficient doubling once it is reached."""
    one = sequence(0, predicted=3, max_new=20)
    left = []
    for _ in range(14):
        left.append(remaining_tokens(one))
        one.emit()
    assert left == [3, 2, 1, 3, 2, 1, 6, 5, 4, 3, 2, 1, 8, 7]
    assert Trail().preemptible == 0.8
