"""The inbox: requests become visible in order, when their predictions are ready."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from s3sim.core.events import Event, EventLog
from s3sim.core.replica import Replica
from s3sim.sim.inbox import ready_times
from tests.support.session import examples
from tests.support.worlds import Row, World, world

SETTINGS = examples(100)
GAPS = st.lists(st.integers(0, 12), min_size=1, max_size=20)


def column(values: list[int]) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """A column of a trace."""
    return np.array(values, dtype=np.int64)


def naive_ready(arrivals: list[int], seconds_ps: int, servers: int | None) -> list[int]:
    """Each prediction starts when it arrives, or when the first of the servers is free."""
    if servers is None:
        return [at + seconds_ps for at in arrivals]
    free, ready = [0] * servers, []
    for at in arrivals:
        first = free.index(min(free))
        free[first] = max(at, free[first]) + seconds_ps
        ready.append(free[first])
    return ready


@SETTINGS
@given(gaps=GAPS, seconds_ps=st.integers(0, 20), servers=st.sampled_from([None, 1, 2, 3]))
def test_predictions_queue_for_their_servers(gaps: list[int], seconds_ps: int, servers: int | None) -> None:
    """Ready times are those of a first come first served queue with that many servers, and never fall."""
    arrivals = np.cumsum(gaps).tolist()
    found = ready_times(column(arrivals), seconds_ps=seconds_ps, concurrency=servers).tolist()
    assert found == naive_ready(arrivals, seconds_ps, servers)
    assert found == sorted(found)


def crowd(gaps: list[int], excluded: list[bool], predictor_ps: int) -> World:
    """Requests that the world's own rules partly exclude."""
    told = zip(np.cumsum(gaps).tolist(), excluded, strict=False)
    rows = [Row(arrival=at, prompt=1, output=1, max_new=1, predicted=1, excluded=out) for at, out in told]
    return world("s3", rows, capacity=64, predictor_ps=predictor_ps)


@SETTINGS
@given(
    gaps=GAPS,
    excluded=st.lists(st.booleans(), min_size=20, max_size=20),
    predictor_ps=st.integers(0, 9),
    polls=st.lists(st.integers(0, 15), max_size=20),
)
def test_a_poll_delivers_what_is_ready_and_no_more(
    gaps: list[int], excluded: list[bool], predictor_ps: int, polls: list[int]
) -> None:
    """After a poll at `now` those ready by then have come, in order and once; `next_time` names the next."""
    one = crowd(gaps, excluded, predictor_ps)
    inbox, log = one.inbox(), EventLog()
    replica = one.replica(log, kind=Replica)
    for now in np.cumsum([0, *polls]).tolist():
        inbox.deliver(replica, now)
        due = [ident for ident, ready in zip(one.ids, one.ready, strict=True) if ready <= now]
        assert [row[2] for row in log.event_rows() if row[1] == Event.ARRIVED] == due
        assert inbox.next_time() == next((ready for ready in one.ready if ready > now), None)
    turned_away = {row[2] for row in log.event_rows() if row[1] == Event.REJECTED}
    assert turned_away == {ident for ident in due if one.by_id[ident].excluded}
    predicted = {row[2]: row[0] for row in log.event_rows() if row[1] == Event.PREDICTED}
    ready_by_id = dict(zip(one.ids, one.ready, strict=True))
    assert predicted == {ident: ready_by_id[ident] for ident in due if ident not in turned_away}
