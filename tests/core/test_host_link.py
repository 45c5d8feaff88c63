"""The host link: in each direction one move after another, and the directions do not wait for each other."""

import simpy
from hypothesis import given
from hypothesis import strategies as st

from s3sim.core.replica import Move
from s3sim.sim.link import HostLink, LinkSpeed
from tests.support.sequences import sequence
from tests.support.session import examples

SENDS = st.lists(st.tuples(st.integers(0, 30), st.booleans(), st.integers(0, 9)), min_size=1, max_size=15)
SPEEDS = st.builds(
    LinkSpeed,
    to_host_ps_per_token=st.integers(0, 3),
    to_device_ps_per_token=st.integers(0, 3),
    latency_ps=st.integers(0, 4),
)


def ends(speed: LinkSpeed, sends: list[tuple[int, bool, int]]) -> list[int]:
    """When each move ends: it begins when it is sent, or when the one before it on its way has ended."""
    free, found = {True: 0, False: 0}, []
    for at, to_host, tokens in sends:
        rate = speed.to_host_ps_per_token if to_host else speed.to_device_ps_per_token
        free[to_host] = max(at, free[to_host]) + speed.latency_ps + tokens * rate
        found.append(free[to_host])
    return found


@examples(150)
@given(speed=SPEEDS, sends=SENDS)
def test_moves_go_one_after_another_in_each_direction(speed: LinkSpeed, sends: list[tuple[int, bool, int]]) -> None:
    """Every move arrives once, at the end that a first-in first-out queue per direction gives it, in order of time."""
    sends.sort(key=lambda send: send[0])
    expected = ends(speed, sends)
    env = simpy.Environment(initial_time=0)
    link = HostLink(env, speed)
    moves = [Move(sequence(rank), to_host, tokens) for rank, (_, to_host, tokens) in enumerate(sends)]
    for rank, (at, _, _) in enumerate(sends):
        if at > env.now:
            env.run(until=at)
        link.send(moves[rank])
        ahead = [end for end in expected[: rank + 1] if end > at or (end == at and link.next_end() == at)]
        assert link.next_end() == min(ahead, default=None)
    env.run()
    assert link.next_end() is None
    found = [(end, move.order) for end, move in link.arrived]
    assert sorted(found) == sorted((end, rank) for rank, end in enumerate(expected))
    assert [end for end, _ in found] == sorted(expected)
