"""Gaps between tokens in worlds where a move over the host link may take no time at all."""

from itertools import pairwise
from random import Random

import numpy as np
import pytest

from s3sim.core.batch import Batch, Outcome
from s3sim.core.events import Event, EventLog, Reason
from s3sim.core.replica import Replica
from s3sim.report.gaps import token_gaps
from s3sim.report.tables import event_frame, step_frame
from s3sim.sim.link import LinkSpeed
from tests.support.strategies import random_world
from tests.support.traits import SWAPPING
from tests.support.worlds import World

WORLDS = 50  # random ones of each system
AT_ONCE = LinkSpeed(to_host_ps_per_token=0, to_device_ps_per_token=0)


class Clients(Replica):
    """A replica that notes when each request got each new token: told by its sequences, not by its log."""

    def commit(self, batch: Batch, outcome: Outcome, now: int) -> None:
        """Commit, and note the tokens that came by it; those that a restart lost came before."""
        here = [*self.lanes[batch.lane].decoding, *(chunk.sequence for chunk in batch.chunks)]
        super().commit(batch, outcome, now)
        times = self.__dict__.setdefault("times", {})
        for sequence in here:
            told = times.setdefault(sequence.request.id, [])
            told.extend([now] * (sequence.generated - len(told)))


def reference(one: World) -> list[int]:
    """The gaps of all who did not fail, sorted, from a run in single steps."""
    clients = one.run_as(Clients, single_steps=True)
    failed = {row[2] for row in clients.log.event_rows() if row[1] == Event.REJECTED and row[4] == Reason.OUT_OF_MEMORY}
    told = clients.__dict__.get("times", {})
    return sorted(b - a for ident, times in told.items() if ident not in failed for a, b in pairwise(times))


def pooled(log: EventLog) -> list[int]:
    """The gaps that the report tells, each as often as it occurs, sorted."""
    gaps, weights = token_gaps(event_frame(log), step_frame(log))
    return sorted(np.repeat(gaps, weights).tolist())


def instant_worlds(name: str) -> list[World]:
    """Worlds of one lane and of three; every other moves at once."""
    drawn = [random_world(name, Random(seed), rows=16, instant=True, lanes=(1, 1, 3)) for seed in range(WORLDS)]
    return [one.but(link=AT_ONCE) if seed % 2 else one for seed, one in enumerate(drawn)]


@pytest.mark.parametrize("name", SWAPPING)
def test_gaps_are_those_that_the_clients_saw(name: str) -> None:
    """Of stretches and of single steps, whatever time a move takes: the gaps between tokens, one by one."""
    for one in instant_worlds(name):
        expected = reference(one)
        assert pooled(one.run()) == expected
        assert pooled(one.run(single_steps=True)) == expected


@pytest.mark.parametrize("name", ["s3", "vllm"])
def test_those_worlds_swap_in_at_once(name: str) -> None:
    """The law is about something: who comes back at once misses the step that began with it, or is there for it."""
    missed, there = 0, 0
    for one in instant_worlds(name):
        begun: dict[int, int] = {}  # since when somebody comes back while the device runs a step
        for time, kind, ident, *_ in one.run().event_rows():
            if kind == Event.ADMITTED:
                begun[ident] = time
            elif kind == Event.IDLE:
                begun = {}
            elif kind == Event.SWAPPED_IN:
                missed, there = missed + (begun.get(ident) == time), there + (one.lanes == 1 and ident not in begun)
    assert missed > 3
    assert there > 1
