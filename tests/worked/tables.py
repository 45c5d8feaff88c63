"""Tables of a schedule: those that were worked out by hand, and those that a run gives.

A hand-made table has one line a step or event; what stands behind # is the working. Request A is
the first row of the trace, B the second; `-` stands for nobody.
"""

from s3sim.core.batch import Batch, Outcome
from s3sim.core.events import STEP_COLUMNS, Event
from s3sim.core.replica import Replica
from tests.support.worlds import World

__all__ = ["Table", "chunks", "columns", "events", "steps", "table"]

Table = list[str]


class RecordingReplica(Replica):
    """A replica that notes who is in each step."""

    lines: Table
    sizes: Table
    planned: tuple[int, int, list[int]]  # time, slots held, who decodes

    def plan(self, now: int, lane: int = 0) -> Batch | None:
        """Plan, and note what is held and who decodes."""
        batch = super().plan(now, lane)
        decoding = [s.request.id for s in self.lanes[lane].decoding] if batch and batch.decode_sequences else []
        self.planned = (now, self.kv.capacity - self.kv.free, decoding)
        return batch

    def commit(self, batch: Batch, outcome: Outcome, now: int) -> None:
        """Note the step before it is accounted for: start, end, slots held, who prefills, who decodes."""
        start, held, decoding = self.planned
        prefilling = [chunk.sequence.request.id for chunk in batch.chunks]
        if not hasattr(self, "lines"):
            self.lines, self.sizes = [], []
        self.lines.append(f"{start} {now} {held} {_names(prefilling)} {_names(decoding)}")
        self.sizes.append(" ".join(f"{_names([c.sequence.request.id])}{c.tokens}" for c in batch.chunks) or "-")
        super().commit(batch, outcome, now)


def table(text: str) -> Table:
    """A hand-made table without its workings and blank lines."""
    lines = [" ".join(line.split("#")[0].split()) for line in text.splitlines()]
    return [line for line in lines if line]


def steps(world: World) -> Table:
    """`start end held prefill decode` of every step of a run; times in ps, held in slots."""
    return _recorded(world).lines


def chunks(world: World) -> Table:
    """Who has how many prompt tokens computed in every step of a run."""
    return _recorded(world).sizes


def columns(world: World, *names: str) -> Table:
    """Those columns of the log of every step of a run."""
    places = [STEP_COLUMNS.index(name) for name in names]
    return [" ".join(str(row[place]) for place in places) for row in world.run(single_steps=True).step_rows()]


def events(world: World) -> Table:
    """`time EVENT who tokens detail` of every event, in order of time and of what happens at one instant."""
    rows = sorted(world.run().event_rows())
    return [f"{time} {Event(event).name} {_who(event, ident)} {a} {b}" for time, event, ident, a, b, _ in rows]


def _recorded(world: World) -> RecordingReplica:
    replica = world.run_as(RecordingReplica, single_steps=True)
    assert isinstance(replica, RecordingReplica)
    return replica


def _who(event: int, ident: int) -> str:
    return "-" if event == Event.IDLE else _names([ident])


def _names(idents: list[int]) -> str:
    return "".join(sorted(chr(ord("A") + ident // 3) for ident in idents)) or "-"
