"""The arena: one preallocated KV cache per layer, of which every sequence holds some slots."""

from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from gpu_validate.faults import memory_faults
from gpu_validate.model import LoadedModel

__all__ = ["Arena", "Slots"]

Slots: TypeAlias = slice | Tensor  # neighbours, or any; a tensor of 64-bit indices
GB = 1e9


@dataclass(frozen=True, slots=True)
class Arena:
    """Keys and values of every layer, shape [layers, 2, slots + 1, heads, head_dim].

    The last slot is nobody's: padding is written there and read from there, and it is always finite.
    In strict mode every slot that is not written holds NaN, so that reading it shows in the logits.
    """

    kv: Tensor
    slots: int
    strict: bool

    @classmethod
    def of(cls, model: LoadedModel, slots: int, *, strict: bool = False) -> "Arena":
        """An arena of so many slots on the model's device; raises InputError where memory does not suffice."""
        shape = (model.layers, 2, slots + 1, model.heads, model.head_dim)
        size = (slots + 1) * model.kv_bytes_per_token
        with memory_faults(f"a KV cache of {slots} slots ({size / GB:.2f} GB)"):
            kv = torch.zeros(shape, dtype=model.dtype, device=model.device.where)
        arena = cls(kv, slots, strict)
        arena.poison(slice(0, slots))
        return arena

    @property
    def padding(self) -> int:
        """The slot that is nobody's."""
        return self.slots

    def keys(self, layer: int) -> Tensor:
        """One layer's keys, shape [slots + 1, heads, head_dim]."""
        return self.kv[layer, 0]

    def values(self, layer: int) -> Tensor:
        """One layer's values, shape [slots + 1, heads, head_dim]."""
        return self.kv[layer, 1]

    def poison(self, slots: Slots) -> None:
        """Make slots unreadable, in strict mode."""
        if self.strict:
            self.kv[:, :, slots] = torch.nan

    def relocate(self, source: int, target: int, tokens: int) -> None:
        """Move written slots down to neighbours that may overlap them."""
        moved = self.kv[:, :, source : source + tokens]
        if source - target < tokens:
            moved = moved.clone()
        self.kv[:, :, target : target + tokens] = moved
        self.poison(slice(max(source, target + tokens), source + tokens))

    def written(self) -> int:
        """Slots that hold numbers in every layer, counted in the tensor; of use in strict mode alone."""
        finite = torch.isfinite(self.kv[:, :, : self.slots]).flatten(3).all(-1)
        return int(finite.all(0).all(0).sum())
