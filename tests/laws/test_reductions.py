"""Reductions: settings under which one system must do exactly what another does."""

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any

import pytest

from s3sim.core.events import Event, EventLog, canonical
from s3sim.policies.batching import IterationLevel, PrefillFirst
from s3sim.policies.ranked import PreemptivePrefillFirst
from s3sim.policies.registry import S3, SYSTEMS, Orca
from tests.support.session import on_worlds
from tests.support.traits import NAMES, PAGED
from tests.support.worlds import World

S3_NAMES = tuple(name for name in NAMES if SYSTEMS[name].choices is S3)
WHOLE_PROMPTS = tuple(
    name
    for name in NAMES
    if isinstance(
        SYSTEMS[name].choices().scheduler(name=name, capacity=64, max_length=64).batching,
        IterationLevel | PrefillFirst | PreemptivePrefillFirst,
    )
)
PAPERS: dict[str, Any] = {
    "placement": "slide_all",
    "order": "decreasing_first_fit",
    "prefill": "mixed",
    "counts_prompt": True,
}
AMPLE = 1 << 20  # slots
LIFE = (Event.ARRIVED, Event.REJECTED, Event.PREFILLED, Event.FINISHED)


def agree(name: str, check: Callable[[World], object]) -> None:
    """Check random worlds of a system whose predictions, where there are any, take no time."""

    @wraps(check)
    def at_once(world: World) -> None:
        check(world.but(predictor_ps=0))

    on_worlds(at_once, name, number=40)


def full_length(world: World) -> World:
    """The same with max_new_tokens = max_length − prompt, all of it predicted: every reservation is the maximum."""
    limits = [world.max_length - row.prompt for row in world.rows]
    told = zip(world.rows, limits, strict=True)
    return world.but(rows=tuple(replace(row, max_new=limit, predicted=limit) for row, limit in told))


def with_choices(world: World, **changes: Any) -> World:
    """The same with other choices."""
    return world.but(choices=replace(world.choices, **changes))


def as_orca(world: World) -> World:
    """The same requests, of which nothing is foretold, served by ORCA."""
    limit = getattr(world.choices, "max_num_seqs", None)
    rows = tuple(replace(row, predicted=None) for row in world.rows)
    return world.but(name="orca", choices=Orca(max_num_seqs=limit), rows=rows)


def unforetold(log: EventLog) -> list[tuple[int, ...]]:
    """The canonical log without predictions, which change nothing by themselves."""
    return [row for row in canonical(log) if row[1] != Event.PREDICTED]


def lives(log: EventLog) -> list[tuple[int, ...]]:
    """Steps, and when requests came, emitted their first token and ended: all but reservations and addresses."""
    return [row for row in canonical(log) if row[1] == -1 or row[1] in LIFE]


@pytest.mark.parametrize("name", S3_NAMES)
def test_s3_with_one_bucket_is_orca(name: str) -> None:
    """Where the maximum is predicted for all and all maxima are equal, the largest that fits is the first come."""

    def one_bucket(world: World) -> None:
        same = with_choices(full_length(world), **PAPERS)
        assert unforetold(same.run()) == unforetold(as_orca(same).run())

    agree(name, one_bucket)


@pytest.mark.parametrize("name", S3_NAMES)
def test_an_exact_oracle_is_orca_when_every_output_is_the_longest(name: str) -> None:
    """Where every output is as long as its client allows, knowing it exactly is reserving the maximum."""

    def longest(world: World) -> None:
        full = full_length(world)
        full = full.but(rows=tuple(replace(row, output=row.max_new) for row in full.rows))
        same = with_choices(full, **PAPERS)
        assert unforetold(same.run()) == unforetold(as_orca(same).run())

    agree(name, longest)


@pytest.mark.parametrize("name", S3_NAMES)
def test_s3_that_lets_nobody_be_overtaken_is_orca(name: str) -> None:
    """With an ageing time of zero, distinct arrivals and the maximum predicted, sizes do not matter any more."""

    def no_overtaking(world: World) -> None:
        rows = (replace(row, arrival=row.arrival + n, predicted=row.max_new) for n, row in enumerate(world.rows))
        same = with_choices(world.but(rows=tuple(rows)), ageing_s=0.0, **PAPERS)
        assert unforetold(same.run()) == unforetold(as_orca(same).run())

    agree(name, no_overtaking)


@pytest.mark.parametrize("name", S3_NAMES)
def test_what_happens_on_overruns_is_idle_where_there_are_none(name: str) -> None:
    """With predictions that are never short, the choices about overruns change no byte of the log."""

    def never_short(world: World) -> None:
        told = world.but(rows=tuple(replace(row, predicted=max(row.output, row.predicted or 0)) for row in world.rows))
        told = with_choices(told, counts_prompt=True)
        swap = with_choices(
            told, on_overrun="swap", doubled="reservation", growth="preempt", returns_with="double"
        ).run()
        recompute = with_choices(
            told, on_overrun="recompute", doubled="output", growth="in_place", returns_with="maximum"
        ).run()
        assert swap.events == recompute.events
        assert swap.steps == recompute.steps

    agree(name, never_short)


@pytest.mark.parametrize("name", PAGED)
def test_ample_memory_never_preempts(name: str) -> None:
    """A paged system that never runs short of blocks or places preempts nobody, and its block size does not matter."""

    def never_preempts(world: World) -> None:
        ample = world.but(capacity=AMPLE)
        if ample.scheduler().displacement is not None:
            ample = with_choices(ample, max_num_seqs=None)
        log = ample.run()
        assert not [row for row in log.event_rows() if row[1] in (Event.PREEMPTED, Event.GROWN)]
        assert lives(log) == lives(with_choices(ample, block_tokens=64).run())

    agree(name, never_preempts)


@pytest.mark.parametrize("name", WHOLE_PROMPTS)
def test_with_ample_memory_and_everybody_there_all_systems_are_one(name: str) -> None:
    """Where memory suffices for all, who all came at the start, there is nothing to decide: every system is ORCA."""

    def nothing_to_decide(world: World) -> None:
        rows = tuple(
            replace(row, arrival=0, predicted=None if row.predicted is None else row.max_new) for row in world.rows
        )
        ample = world.but(rows=rows, capacity=AMPLE, choices=SYSTEMS[name].choices())
        assert lives(ample.run()) == lives(as_orca(ample).run())

    agree(name, nothing_to_decide)
