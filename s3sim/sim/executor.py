"""The simulated device: it knows the true lengths, and foretells durations from a latency model."""

from heapq import heappop, heappush
from typing import NamedTuple, Protocol

from s3sim.core.batch import Affine, Batch, Outcome
from s3sim.core.protocols import LatencyModel
from s3sim.core.request import Sequence

__all__ = ["Outputs", "Run", "SimulatedExecutor"]


class Outputs(Protocol):
    """True numbers of output tokens by request id: a mapping, or an array where ids are row numbers."""

    def __getitem__(self, ident: int, /) -> int: ...


class Run(NamedTuple):
    """A batch on its way: it ends by itself after `steps` steps, or is cut at an earlier step's end."""

    batch: Batch
    affine: Affine
    steps: int


class _LaneClock:
    """The steps at which one lane's decoding sequences finish, as a heap of step numbers."""

    __slots__ = ("ends", "finishes", "steps")

    def __init__(self) -> None:
        self.steps = 0
        self.finishes: list[tuple[int, int, Sequence]] = []
        self.ends: dict[Sequence, int] = {}  # live entries of the heap


class SimulatedExecutor:
    """Runs batches in simulated time; `outputs[request id]` is the true number of output tokens."""

    def __init__(self, model: LatencyModel, outputs: Outputs, *, lanes: int = 1) -> None:
        self._model = model
        self._outputs = outputs
        self._lanes = [_LaneClock() for _ in range(lanes)]

    def start(self, batch: Batch) -> Run:
        """Set a batch going; the run lasts until somebody finishes, or the replica or the model must be asked."""
        clock = self._lanes[batch.lane]
        for sequence in batch.left:
            del clock.ends[sequence]
        for sequence in batch.joined:
            end = clock.steps + self._outputs[sequence.request.id] - sequence.generated
            clock.ends[sequence] = end
            heappush(clock.finishes, (end, sequence.order, sequence))
        affine = self._model.affine(batch)
        steps = min(batch.max_steps, affine.steps)
        if batch.decode_sequences:
            steps = min(steps, self._next_finish(clock) - clock.steps)
        return Run(batch, affine, steps)

    def finish(self, run: Run, steps: int) -> Outcome:
        """End a run after `steps` of its steps."""
        batch, affine, _ = run
        clock = self._lanes[batch.lane]
        finished: list[Sequence] = []
        if batch.decode_sequences:
            clock.steps += steps
            while clock.ends and self._next_finish(clock) == clock.steps:
                sequence = heappop(clock.finishes)[2]
                del clock.ends[sequence]
                finished.append(sequence)
        for chunk in batch.chunks:
            sequence = chunk.sequence
            if chunk.last and self._outputs[sequence.request.id] == sequence.generated + 1:
                finished.append(sequence)
        return Outcome(steps, affine.first, affine.increment, finished)

    def _next_finish(self, clock: _LaneClock) -> int:
        heap = clock.finishes
        while clock.ends.get(heap[0][2]) != heap[0][0]:
            heappop(heap)  # preempted since; it is pushed anew when it joins again
        return heap[0][0]
