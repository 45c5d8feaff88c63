"""What must never happen raises an InvariantError, with the numbers."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from s3sim.core.batch import Outcome
from s3sim.core.errors import InvariantError
from s3sim.core.events import EventLog
from s3sim.core.piecewise import PiecewiseKV
from s3sim.core.protocols import Grow, Preempt, View
from s3sim.core.replica import Replica
from s3sim.core.request import Request, Sequence
from s3sim.policies.registry import S3, VLLM
from s3sim.policies.reservation import Predicted
from tests.support.sequences import sequence
from tests.support.worlds import Row, World, world

ROWS = [Row(prompt=4, output=20, max_new=20)] * 2


class Generous:
    """A supervisor that grants more than there is."""

    def overrun(self, view: View, sequence: Sequence) -> Grow | Preempt:
        """One block too many."""
        return Grow(view.free + 16)


def crowded() -> World:
    """Two sequences whose growth two blocks cannot hold."""
    return world("vllm", ROWS, capacity=32, choices=VLLM())


def running() -> Replica:
    """A replica in whose lane one sequence is about to be prefilled."""
    one = world("s3", [Row(prompt=4, output=9, max_new=9, predicted=9)], capacity=32, choices=S3(max_num_seqs=1))
    replica = one.replica(EventLog())
    one.inbox().deliver(replica, 0)
    assert replica.plan(0) is not None
    replica.check_integrity()
    return replica


def lose_a_slot(replica: Replica) -> None:
    """Somebody forgot to return one."""
    replica.kv.free -= 1


def miscount(replica: Replica) -> None:
    """The lane's total drifted from its sequences."""
    replica.lanes[0].context += 1


def overfill(replica: Replica) -> None:
    """A sequence was admitted beyond max_num_seqs."""
    replica.lanes[0].swapping_in += 1


def overwrite(replica: Replica) -> None:
    """A sequence has written more than it holds."""
    replica.lanes[0].prefilling[0].prefilled(14)


def stray(replica: Replica) -> None:
    """A sequence that only waits stands among those that prefill."""
    replica.lanes[0].prefilling.append(sequence(1))


FAULTS: dict[Callable[[Replica], None], str] = {
    lose_a_slot: "free 18 \\+ held 13 != capacity 32",
    miscount: "0 slots cached, 1 counted",
    overfill: "2 sequences admitted, max_num_seqs is 1",
    overwrite: "wrote beyond its 13 slots",
    stray: "in a state they should not be in",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_an_audit_names_the_fault(fault: Callable[[Replica], None]) -> None:
    """Each total that is kept and not summed is compared with its sum when the replica is audited."""
    replica = running()
    fault(replica)
    with pytest.raises(InvariantError, match=FAULTS[fault]):
        replica.check_integrity()


def test_nobody_is_granted_slots_that_are_not_free() -> None:
    """A supervisor that grants more than is free is stopped."""
    one = crowded()
    scheduler = replace(one.scheduler(), supervisor=Generous())
    replica = Replica(scheduler, one.choices.kv(32), log=EventLog(), host_tokens=0)
    for ident in (1, 2):
        replica.submit(Request(ident, 0, 16, 1))
    with pytest.raises(InvariantError, match="was granted 16 slots, 0 are free"):
        _run_two_steps(replica)


def test_a_padded_row_never_grows_alone() -> None:
    """Rows of one tensor grow together: there is no room behind one, and to give it some is a bug."""
    kv = PiecewiseKV(32, granule=4, tensors=2)
    assert kv.room_behind(sequence(0)) == 0
    with pytest.raises(InvariantError, match="was to grow alone by 4 slots"):
        kv.grow(sequence(0), 4)


def _run_two_steps(replica: Replica) -> None:
    for now in (0, 10):
        batch = replica.plan(now)
        assert batch is not None
        replica.commit(batch, Outcome(1, 10, 0, []), now + 10)


def test_a_system_that_needs_predictions_says_so() -> None:
    """A reservation by prediction where nobody predicted is a bug, and names the sequence."""
    with pytest.raises(InvariantError, match=r"<Sequence 100 .* has no prediction"):
        Predicted().tokens(sequence(0))


def test_a_reservation_covers_at_least_one_output_token() -> None:
    """A prediction of nothing reserves room for one token: an output part of 0 would be doubled for ever (law 7)."""
    assert Predicted().tokens(sequence(0, prompt=4, predicted=0)) == 5
