"""Padded steps: a row for each sequence, as long as the longest, through the model's own attention."""

from typing import Any

import torch
from torch import Tensor
from transformers import Cache

from gpu_validate.arena import Arena
from gpu_validate.growing import GrowingMemory
from gpu_validate.memory import SlotMemory
from gpu_validate.model import LoadedModel
from gpu_validate.pieces import Piece

__all__ = ["Growing", "Padded"]


class Padded:
    """Forward passes of input shape [rows, longest]; each row's KV is gathered from the arena, padded on the right.

    Decodes and chunks run one after the other: together, a decode would be padded to a prompt's length.
    """

    def __init__(self, model: LoadedModel, memory: SlotMemory) -> None:
        self._model = model
        self._memory = memory

    def logits(self, decodes: list[Piece], chunks: list[Piece], width: int | None) -> Tensor:
        """Logits of the tokens that are emitted, shape [emitted, vocab], decodes first.

        Attention of decodes reads `width` slots of every row, or what the longest has.
        """
        parts = [self._pass(pieces, least) for pieces, least in ((decodes, width or 0), (chunks, 0)) if pieces]
        return torch.cat(parts)

    def reads(self, decodes: list[Piece], width: int | None) -> int:
        """As much for every row as for the longest."""
        return len(decodes) * max(width or 0, *(piece.context for piece in decodes)) if decodes else 0

    def _pass(self, pieces: list[Piece], least: int) -> Tensor:
        queries = max(piece.new for piece in pieces)
        width = max(least, *(piece.stop for piece in pieces))
        starts = self._index([piece.context for piece in pieces])
        positions = (starts[:, None] + torch.arange(queries, device=starts.device)).clamp_(max=width - 1)
        seen = torch.arange(width, device=starts.device) <= positions[:, :, None]
        reads = self._reads(pieces, width)  # takes the blocks that are written to
        hidden = self._model.hidden(
            self._index([piece.tokens + [0] * (queries - piece.new) for piece in pieces]),
            positions=positions,
            mask=seen[:, None],
            cache=_GatherCache(self._memory.arena, self._writes(pieces, queries), reads),
        )
        rows = [row for row, piece in enumerate(pieces) if piece.emits]
        last = [pieces[row].new - 1 for row in rows]
        return self._model.logits(hidden[self._index(rows), self._index(last)])

    def _writes(self, pieces: list[Piece], queries: int) -> Tensor:
        """Slots that each row's new keys go to, shape [rows, queries]; padding and ended rows write to nobody's."""
        nobody = self._memory.arena.padding
        table = []
        for piece in pieces:
            places = range(piece.context, piece.stop)
            own = [nobody if piece.ended else self._memory.slot(piece.sequence, place) for place in places]
            table.append(own + [nobody] * (queries - piece.new))
        return self._index(table)

    def _reads(self, pieces: list[Piece], width: int) -> Tensor:
        """Slots that each row's attention reads, shape [rows, width]; nobody's where a row has no more."""
        table = torch.full((len(pieces), width), self._memory.arena.padding, device=self._model.device.where)
        for row, piece in enumerate(pieces):
            stop = piece.context if piece.ended else piece.stop
            slots = self._memory.slots(piece.sequence, stop)
            if isinstance(slots, slice):
                slots = torch.arange(slots.start, slots.stop, device=table.device)
            table[row, :stop] = slots
        return table

    def _index(self, numbers: list[Any]) -> Tensor:
        return torch.tensor(numbers, dtype=torch.int64, device=self._model.device.where)


class _GatherCache(Cache):  # type: ignore[misc, unused-ignore]  # Any where transformers is absent
    """A transformers Cache that stores a step's keys and values, and gathers those that each row reads."""

    def __init__(self, arena: Arena, writes: Tensor, reads: Tensor) -> None:
        super().__init__(layers=[])
        self._arena, self._writes, self._reads = arena, writes, reads

    def update(self, key_states: Tensor, value_states: Tensor, layer_idx: int, *_: Any, **__: Any) -> Any:
        """Write shape [rows, heads, queries, head_dim]; answers [rows, heads, width, head_dim]."""
        stores = (self._arena.keys(layer_idx), self._arena.values(layer_idx))
        for store, states in zip(stores, (key_states, value_states), strict=True):
            store[self._writes] = states.transpose(1, 2)
        return tuple(store[self._reads].transpose(1, 2) for store in stores)


class Growing:
    """Forward passes of a static batch over tensors that grow with every step, padded on the left."""

    def __init__(self, model: LoadedModel, memory: GrowingMemory) -> None:
        self._model = model
        self._memory = memory

    def logits(self, decodes: list[Piece], chunks: list[Piece], width: int | None) -> Tensor:
        """Logits of the tokens that are emitted, shape [emitted, vocab]; a static batch never mixes."""
        pieces = decodes or chunks
        by_sequence = {piece.sequence: number for number, piece in enumerate(pieces)}
        order = [by_sequence[sequence] for sequence in self._memory.rows]
        rows = [pieces[number] for number in order]
        if chunks:
            self._memory.begin([piece.new for piece in rows])
        states = self._pass(rows)
        back = sorted(range(len(order)), key=order.__getitem__)
        emitting = [row for row, piece in zip(back, pieces, strict=True) if piece.emits]
        return self._model.logits(states[self._index(emitting)])

    def reads(self, decodes: list[Piece], width: int | None) -> int:
        """Every row's columns."""
        return len(decodes) * (self._memory.length - 1) if decodes else 0

    def _pass(self, rows: list[Piece]) -> Tensor:
        """Hidden states of each row's last token, shape [rows, hidden]."""
        memory, before = self._memory, self._memory.length
        queries = max(piece.new for piece in rows)
        padding = self._index(memory.padding)[:, None]
        columns = before + torch.arange(queries, device=padding.device)
        keys = torch.arange(before + queries, device=padding.device)
        own = keys == columns[:, None]  # so that padding sees something, and stays finite
        seen = (keys <= columns[:, None]) & (keys >= padding[:, :, None]) | own
        hidden = self._model.hidden(
            self._index([[0] * (queries - piece.new) + piece.tokens for piece in rows]),
            positions=(columns - padding).clamp_(min=0, max=self._model.positions - 1),
            mask=seen[:, None],
            cache=memory.cache,
        )
        return hidden[:, -1]

    def _index(self, numbers: list[Any]) -> Tensor:
        return torch.tensor(numbers, dtype=torch.int64, device=self._model.device.where)
