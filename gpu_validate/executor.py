"""The executor on a real device: runs each batch through the model, and ends sequences at their true lengths.

It keeps its own record of every sequence, and compares it with what the batch says.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from gpu_validate.account import FollowedKV
from gpu_validate.pieces import Piece, Row
from gpu_validate.surface import Device, Elapsed
from gpu_validate.texts import Texts
from s3sim.core.batch import Batch, Chunk
from s3sim.core.errors import InvariantError
from s3sim.core.request import Sequence
from s3sim.sim.executor import Outputs

__all__ = ["Forward", "Options", "Step", "TorchExecutor"]


class Forward(Protocol):
    """A way to run one step: packed, padded, or over growing tensors."""

    def logits(self, decodes: list[Piece], chunks: list[Piece], width: int | None) -> Tensor:
        """Logits of the tokens that are emitted, shape [emitted, vocab], decodes first."""
        ...

    def reads(self, decodes: list[Piece], width: int | None) -> int:
        """Slots that attention of these decodes reads, beyond the one that each of them writes."""
        ...


class Step(NamedTuple):
    """A step that has run: how long it took, of which relocations, and who emitted a token."""

    elapsed: Elapsed
    relocating: Elapsed
    emitted: list[Row]
    read_slots: int  # by attention of the decodes, padding included


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How an executor behaves beyond its batches."""

    static: bool = False  # finished rows stay in their batch, and compute until its end
    strict: bool = False  # raise where a poisoned slot was read
    keep_logits: bool = False


class TorchExecutor:
    """Runs batches of one lane; `outputs[request id]` is the true number of output tokens."""

    def __init__(
        self,
        forward: Forward,
        account: FollowedKV,
        device: Device,
        *,
        texts: Texts,
        outputs: Outputs,
        options: Options,
    ) -> None:
        self._forward, self._account, self._device = forward, account, device
        self._texts, self._outputs, self._options = texts, outputs, options
        self.rows: dict[int, Row] = {}  # by request id
        self._decoding: dict[Sequence, Row] = {}
        self._ended: list[Row] = []  # finished rows of a static batch

    def start(self, batch: Batch) -> Step:
        """Run a batch's one step to its end."""
        mark = self._device.mark()
        decodes, chunks = self._decodes(batch), [self._chunk(chunk) for chunk in batch.chunks]
        width = _width(batch)
        with torch.inference_mode():
            logits = self._forward.logits(decodes, chunks, width)
        tokens: list[int] = logits.argmax(-1).tolist()  # waits for the device
        elapsed, relocating = self._device.since(mark), self._account.take_moving_time()
        pieces = [*decodes, *chunks]
        if self._options.strict and bool(logits.isnan().any()):
            raise InvariantError(f"a slot was read that nobody has written, by one of {[p.sequence for p in pieces]}")
        read = self._forward.reads(decodes, width)
        return Step(elapsed.plus(relocating), relocating, self._write(pieces, tokens, logits), read)

    def finish(self, step: Step) -> list[Sequence]:
        """Who has emitted the last token in a step; by rank, as every executor has it."""
        done = [row for row in step.emitted if len(row.output) == self._outputs[row.sequence.request.id]]
        for row in done:
            self._decoding.pop(row.sequence, None)
            if self._options.static:
                self._ended.append(row)
        return sorted((row.sequence for row in done), key=lambda sequence: sequence.order)

    def _decodes(self, batch: Batch) -> list[Piece]:
        for sequence in batch.left:
            self._decoding.pop(sequence, None)  # absent if it came back since and ended with its prefill
        for sequence in batch.joined:
            self._decoding[sequence] = self.rows[sequence.request.id]
        if batch.chunks and self._options.static:
            self._ended = []  # a static batch is formed when the one before is gone
        if not batch.decode_sequences:
            return []
        pieces = [Piece(row, 1, emits=True) for row in self._decoding.values()]
        self._compare(batch, pieces)
        return pieces + [Piece(row, 1, emits=False, ended=True) for row in self._ended]

    def _compare(self, batch: Batch, pieces: list[Piece]) -> None:
        context = sum(piece.context for piece in pieces)
        mine = (len(pieces), context, len(self._ended))
        if mine != (batch.decode_sequences, batch.decode_context, batch.padding_rows):
            raise InvariantError(f"the device decodes {mine} (rows, slots read, ended rows), the batch says {batch}")

    def _chunk(self, chunk: Chunk) -> Piece:
        sequence, count, context, last = chunk
        request = sequence.request
        row = self.rows.get(request.id)
        if row is None:
            tokens = self._texts.prompt(request.id, request.prompt_tokens)
            row = self.rows[request.id] = Row(sequence, tokens, request.prompt_tokens)
        elif context == 0:
            row.rewind(sequence.generated)
        if context != row.cached or last != (context + count == len(row.tokens)):
            raise InvariantError(f"{chunk} does not continue the {row.cached} of {len(row.tokens)} tokens cached")
        return Piece(row, count, emits=last)

    def _write(self, pieces: list[Piece], tokens: list[int], logits: Tensor) -> list[Row]:
        emitted, kept = [], iter(logits.unbind() if self._options.keep_logits else [])
        greedy = iter(tokens)
        for piece in pieces:
            row = piece.row
            if not piece.ended:
                row.cached += piece.new
            if piece.emits:
                token = self._texts.next_token(row.sequence.request.id, len(row.output), next(greedy))
                row.tokens.append(token)
                row.logits += [taken for taken in (next(kept, None),) if taken is not None]
                emitted.append(row)
        return emitted


def _width(batch: Batch) -> int | None:
    """Slots that attention of each decoding row reads, padding included; None where rows are not padded."""
    if not batch.padding_slots:
        return None
    return (batch.decode_context + batch.padding_slots) // batch.rows
