"""Laws of a closed loop: nobody has two requests, and users × time is spent thinking or waiting."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from s3sim.core.batch import Affine, Batch
from s3sim.core.errors import InvariantError
from s3sim.core.events import Event, EventLog, canonical
from s3sim.policies.registry import SYSTEMS
from s3sim.sim.closed_loop import ClosedLoopInbox
from s3sim.sim.inbox import Inbox, Rows
from s3sim.sim.link import LinkSpeed
from s3sim.sim.world import Device, run_world
from s3sim.workload.closed_loop import ClosedLoop

CAPACITY = 400  # slots
MAX_LENGTH = 96
LINK = LinkSpeed(to_host_ps_per_token=3, to_device_ps_per_token=4)
NAMES = tuple(SYSTEMS)
SECOND = 10**12  # ps
TICK = SECOND // 100  # ps, about a step


class Linear:
    """10 ms a step, and 0.1 ms for each row that decodes."""

    def affine(self, batch: Batch) -> Affine:
        """The same for every step."""
        return Affine(TICK + TICK // 100 * batch.decode_sequences, 0, 1 << 40)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """A small world under a closed loop."""

    name: str = "vllm"
    users: int = 12
    think_s: float = 0.3
    kind: str = "exponential"
    requests: int = 150
    prediction_ps: int = 0
    concurrency: int | None = None
    excluded: bool = True  # whether some rows are rejected at once, and some never fit

    def rows(self) -> tuple[Rows, dict[int, int]]:
        """Rows, of which some are rejected, and the true outputs by id."""
        random = np.random.default_rng(7)
        prompt = random.integers(1, 32, self.requests)
        output = np.clip(random.geometric(1 / 24, self.requests), 1, MAX_LENGTH - prompt)
        mask = (np.arange(self.requests) % 10 == 5) & self.excluded
        if self.excluded:
            prompt[::17] = CAPACITY  # never fit
        ids = np.arange(self.requests) * 3 + 1
        needs = SYSTEMS[self.name].needs
        rows = Rows(
            ids=ids,
            prompt_tokens=prompt,
            max_new_tokens=np.maximum(1, MAX_LENGTH - prompt),
            predicted=None if needs == "nothing" else output,
            excluded=mask,
        )
        return rows, dict(zip(ids.tolist(), output.tolist(), strict=True))

    def run(self, *, single_steps: bool = False, seed: int = 1) -> EventLog:
        """The log of a run."""
        rows, outputs = self.rows()
        loop = ClosedLoop(self.users, self.think_s, self.kind)  # type: ignore[arg-type]
        inbox = ClosedLoopInbox(
            rows,
            thinking=[loop.thinking(user, seed=seed) for user in range(self.users)],
            prediction_ps=self.prediction_ps,
            concurrency=self.concurrency,
        )
        device = Device(
            model=Linear(),
            capacity=CAPACITY,
            host_tokens=1000,
            link=LINK,
            max_length=MAX_LENGTH,
        )
        return run_world(
            name=self.name,
            choices=SYSTEMS[self.name].choices(),
            device=device,
            inbox=inbox,
            output_tokens=outputs,
            single_steps=single_steps,
        )


def times(log: EventLog, *events: Event) -> dict[int, int]:
    """When the last of some events happened, by request id."""
    return {row[2]: row[0] for row in log.event_rows() if row[1] in events}


def most(log: EventLog) -> int:
    """The largest number of requests in the system at any time; who leaves makes room at the same instant."""
    changes = sorted([(at, 1) for at in times(log, Event.ARRIVED).values()]
                     + [(at, -1) for at in times(log, Event.FINISHED, Event.REJECTED).values()])  # fmt: skip
    return int(np.max(np.cumsum([change for _, change in changes])))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("users", [1, 5, 40])
def test_nobody_has_two_requests_and_none_is_lost(name: str, users: int) -> None:
    """Never more requests in the system than users; every row is asked once and ends once, rejected ones too."""
    log = Loop(name=name, users=users).run()
    came, ended = times(log, Event.ARRIVED), times(log, Event.FINISHED, Event.REJECTED)
    assert most(log) <= users
    assert came.keys() == ended.keys()
    assert len(came) == 150
    counts = [sum(row[1] == event for row in log.event_rows()) for event in (Event.ARRIVED, Event.REJECTED)]
    assert counts == [150, len(times(log, Event.REJECTED))]
    assert counts[1] > 10
    if users > 1:
        assert most(log) > 1


@pytest.mark.parametrize("name", NAMES)
def test_rows_are_asked_in_file_order(name: str) -> None:
    """The next row goes to the next user who asks: arrivals by id never go back in time."""
    came = sorted(times(Loop(name=name).run(), Event.ARRIVED).items())
    assert (np.diff([at for _, at in came]) >= 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_users_are_throughput_times_response_and_think_time(name: str) -> None:
    """N = X·(R + Z): users, throughput, mean time in the system and mean think time (Little's law of a closed loop)."""
    loop = Loop(name=name, users=8, think_s=0.5, requests=1500, excluded=False)
    log = loop.run()
    came, ended = times(log, Event.ARRIVED), times(log, Event.FINISHED)
    response = np.mean([ended[ident] - came[ident] for ident in came]) / SECOND
    throughput = len(ended) / (max(ended.values()) / SECOND)
    assert throughput * (response + loop.think_s) == pytest.approx(loop.users, rel=0.05)


def test_a_single_user_alternates_exactly() -> None:
    """One user with constant think time asks exactly that long after each end, rejections included."""
    log = Loop(users=1, think_s=0.25, kind="constant", requests=40).run()
    came, ended = times(log, Event.ARRIVED), times(log, Event.FINISHED, Event.REJECTED)
    expected = [0, *ended.values()][:-1]
    assert list(came.values()) == [at + SECOND // 4 for at in expected]


def test_without_think_time_the_system_is_always_full() -> None:
    """With no think time as many requests as users are in the system until the rows run out."""
    loop = Loop(users=6, think_s=0.0, requests=60, excluded=False)
    log = loop.run()
    came, ended = times(log, Event.ARRIVED), times(log, Event.FINISHED)
    assert [at for at in came.values() if at == 0] == [0] * 6
    assert sorted(list(came.values())[6:]) == sorted(ended.values())[:54]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("prediction", [(0, None), (3 * TICK, None), (3 * TICK, 1)])
def test_stretches_equal_single_steps_in_a_closed_loop(name: str, prediction: tuple[int, int | None]) -> None:
    """Law 9 holds where answers make arrivals: the canonical log does not depend on how steps are gathered."""
    loop = Loop(name=name, users=9, prediction_ps=prediction[0], concurrency=prediction[1])
    assert canonical(loop.run()) == canonical(loop.run(single_steps=True))


def test_a_run_is_repeatable_and_seeds_differ() -> None:
    """The same users make the same log; others another."""
    assert Loop().run().events == Loop().run().events
    assert Loop().run(seed=2).events != Loop().run().events


def test_predictions_queue_for_their_server() -> None:
    """With one server predictions are ready one by one, in order of arrival, each after its own time."""
    loop = Loop(name="s3", users=12, think_s=0.0, requests=60, prediction_ps=7 * TICK, concurrency=1, excluded=False)
    log = loop.run()
    came, ready = times(log, Event.ARRIVED), times(log, Event.PREDICTED)
    free = 0
    for ident, at in came.items():
        free = max(at, free) + 7 * TICK
        assert ready[ident] == free


def test_an_answer_that_nobody_waits_for_is_a_bug() -> None:
    """A request that ends twice, or was never asked, breaks the loop's account."""

    def thinking() -> Iterator[int]:
        yield 0

    inbox = ClosedLoopInbox(Loop().rows()[0], thinking=[thinking()])
    with pytest.raises(InvariantError, match="request 5 ended at 9 ps, and no user waits"):
        inbox.finished(5, 9)


def test_an_open_inbox_does_not_care() -> None:
    """Requests of a trace come whatever becomes of others."""
    one = np.ones(1, dtype=np.int64)
    inbox = Inbox(ids=one, arrival=one, prompt_tokens=one, max_new_tokens=one)
    log = EventLog()
    log.event(1, Event.FINISHED, 99, 1, 0)
    inbox.observe(log)
    assert inbox.next_time() == 1
