"""Batches without a replica, and two ways to add up their steps."""

from s3sim.core.batch import Batch, Chunk
from s3sim.core.protocols import LatencyModel
from s3sim.core.request import Request, Sequence

SEQUENCE = Sequence(Request(0, 0, 1, 1), None, 0)


def decode(rows: int, context: int) -> Batch:
    """A batch that only decodes."""
    return Batch(0, [], [], [], [], rows, context)


def prefill(sequences: int, tokens: int, *, rows: int = 0, context: int = 0) -> Batch:
    """A batch that prefills `sequences` prompts of `tokens` tokens each, beside `rows` that decode."""
    chunks = [Chunk(SEQUENCE, tokens, 0, True)] * sequences
    pairs = sequences * tokens * (tokens + 1) // 2
    return Batch(0, chunks, [], [], [], rows, context, sequences * tokens, pairs)


def single_steps(latency: LatencyModel, *, rows: int, context: int, steps: int) -> list[int]:
    """End of each step in ps, the model asked anew before every one."""
    ends, now = [], 0
    for step in range(steps):
        now += latency.affine(decode(rows, context + step * rows)).first
        ends.append(now)
    return ends


def stretches(latency: LatencyModel, *, rows: int, context: int, steps: int) -> list[int]:
    """End of each step in ps, the model asked only where its last promise ended."""
    ends: list[int] = []
    while len(ends) < steps:
        begin = ends[-1] if ends else 0
        piece = latency.affine(decode(rows, context + len(ends) * rows))
        assert piece.steps >= 1
        taken = min(piece.steps, steps - len(ends))
        ends += [begin + piece.elapsed(step) for step in range(1, taken + 1)]
    return ends
