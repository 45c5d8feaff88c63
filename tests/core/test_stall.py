"""A stall: a sequence sits steps out, and loses nothing by it but time."""

from s3sim.core.kv_cache import PagedKV
from s3sim.core.lane import Lane
from s3sim.core.request import State
from tests.support.sequences import sequence


def test_who_stalls_keeps_its_place_its_slots_and_its_tokens() -> None:
    """It takes a place under max_num_seqs and holds its blocks, while the lane's steps go by without it."""
    kv = PagedKV(16, block_tokens=4)
    lane, one = Lane(0, kv), sequence(0, prompt=6)
    one.demand = kv.demand(6)
    kv.place(one)
    one.prefilled(6)
    one.emit()
    lane.join(one)
    lane.advance(2)
    lane.stall(one)
    lane.advance(3)
    assert (one.state, one.cached, one.generated, kv.held_by(one)) == (State.STALLED, 8, 3, 8)
    assert (lane.admitted, lane.context, list(lane.decoding), lane.joined) == (1, 0, [], [])
    lane.check_integrity()
    assert lane.retry() == [one]
    assert (one.state, one.cached, one.generated, kv.held_by(one)) == (State.DECODING, 8, 3, 8)
    assert (lane.admitted, lane.context, lane.joined, lane.stalled) == (1, 8, [one], [])
