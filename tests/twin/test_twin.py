"""Law 8: two drivers write the same log when given the same durations, arrivals, moves and predictions."""

import pytest

from s3sim.core.events import Event, EventLog, canonical
from tests.support.session import hold, rare
from tests.support.traits import NAMES
from tests.support.worlds import World
from tests.twin.replay import Replay


def twins(world: World) -> EventLog:
    """The simulator and the plain loop agree, and the strict device saw the same rare events as the log shows."""
    replay = Replay(world).run()
    assert canonical(replay.log) == canonical(world.run())
    seen = rare(replay.log)
    for event in ("RECOMPUTED", "RESTARTED", "SWAPPED_OUT", "SWAPPED_IN", "GROWN"):
        assert replay.device.seen[event] == seen[event]
    moved = sum(row[4] for row in replay.log.event_rows() if row[1] == Event.COMPACTED)
    assert replay.device.seen["COMPACTED"] == moved
    return replay.log


@pytest.mark.parametrize("name", NAMES)
def test_the_simulator_and_a_plain_loop_write_the_same_log(name: str) -> None:
    """A driver without SimPy, and a device that trusts nobody, come to the same canonical log (law 8)."""
    hold(twins, name, number=120, instant=True, lanes=True)
