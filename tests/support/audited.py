"""A replica that audits itself after everything that is done to it."""

from s3sim.core.batch import Batch, Outcome
from s3sim.core.replica import Replica
from s3sim.core.request import Sequence

__all__ = ["AuditedReplica"]


class AuditedReplica(Replica):
    """Checks its integrity after every plan, commit and move, and that it is idle only where it must be."""

    def plan(self, now: int, lane: int = 0) -> Batch | None:
        """Plan, then audit; a replica with nothing to compute and nothing moving has nobody waiting."""
        batch = super().plan(now, lane)
        self.check_integrity()
        if batch is None and not self.moving:
            assert not len(self.waiting), f"idle at {now} while {list(self.waiting)} wait, each of whom would fit alone"
        return batch

    def commit(self, batch: Batch, outcome: Outcome, now: int) -> None:
        """Commit, then audit."""
        super().commit(batch, outcome, now)
        self.check_integrity()

    def moved(self, sequence: Sequence, now: int) -> None:
        """Move, then audit."""
        super().moved(sequence, now)
        self.check_integrity()
