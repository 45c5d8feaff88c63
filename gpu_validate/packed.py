"""Packed steps: all tokens of a step in one row, attention for each sequence alone."""

from typing import Any

import torch
from torch import Tensor
from transformers import Cache

from gpu_validate.arena import Arena
from gpu_validate.attention import Packing, Span
from gpu_validate.memory import SlotMemory
from gpu_validate.model import LoadedModel
from gpu_validate.pieces import Piece

__all__ = ["Packed"]


class Packed:
    """A forward pass of input shape [1, tokens]: prefill and decode mix as ORCA has them."""

    def __init__(self, model: LoadedModel, memory: SlotMemory) -> None:
        self._model = model
        self._memory = memory

    def logits(self, decodes: list[Piece], chunks: list[Piece], width: int | None) -> Tensor:
        """Logits of the tokens that are emitted, shape [emitted, vocab], decodes first; `width` is for padding."""
        pieces = [*decodes, *chunks]
        spans = self._spans(pieces)
        index = self._index
        hidden = self._model.hidden(
            index([token for piece in pieces for token in piece.tokens])[None],
            positions=index([position for piece in pieces for position in range(piece.context, piece.stop)])[None],
            cache=_PackedCache(self._memory.arena, index(self._writes(pieces))),
            packing=Packing.of(spans, self._model.device.where),
        )
        last = [span.stop - 1 for span, piece in zip(spans, pieces, strict=True) if piece.emits]
        return self._model.logits(hidden[0, index(last)])

    def reads(self, decodes: list[Piece], width: int | None) -> int:
        """What each has cached."""
        return sum(piece.context for piece in decodes)

    def _spans(self, pieces: list[Piece]) -> list[Span]:
        spans, start = [], 0
        for piece in pieces:
            slots = self._memory.slots(piece.sequence, piece.stop)
            spans.append(Span(start, start + piece.new, slots, piece.context))
            start += piece.new
        return spans

    def _writes(self, pieces: list[Piece]) -> list[int]:
        slot = self._memory.slot
        return [slot(piece.sequence, place) for piece in pieces for place in range(piece.context, piece.stop)]

    def _index(self, numbers: list[int]) -> Tensor:
        return torch.tensor(numbers, dtype=torch.int64, device=self._model.device.where)


class _PackedCache(Cache):  # type: ignore[misc, unused-ignore]  # Any where transformers is absent
    """A transformers Cache that stores a step's keys and values, and answers all that the arena has of a layer."""

    def __init__(self, arena: Arena, writes: Tensor) -> None:
        super().__init__(layers=[])
        self._arena, self._writes = arena, writes

    def update(self, key_states: Tensor, value_states: Tensor, layer_idx: int, *_: Any, **__: Any) -> Any:
        """Write shape [1, heads, tokens, head_dim]; answers views of shape [1, heads, slots + 1, head_dim]."""
        stores = (self._arena.keys(layer_idx), self._arena.values(layer_idx))
        for store, states in zip(stores, (key_states, value_states), strict=True):
            store[self._writes] = states[0].transpose(0, 1)
        return tuple(store.transpose(0, 1).unsqueeze(0) for store in stores)
