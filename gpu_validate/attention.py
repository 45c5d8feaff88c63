"""ORCA's selective batching: dense layers on all tokens of a step at once, attention for each sequence alone.

It is an attention function that transformers calls by name. A packed step gives the model its `Packing`, which the
model hands on to that function; without one, attention is transformers' own `sdpa`.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward

__all__ = ["Packing", "Span", "attend", "selective_attention"]

NAME = "s3sim_selective"  # unknown to transformers' mask registry, so no mask is made where none is given


@dataclass(frozen=True, slots=True)
class Span:
    """One sequence's share of a packed step: its queries, where its keys lie, and what may not be seen."""

    start: int  # first query among the step's tokens
    stop: int
    slots: slice | Tensor  # of its keys and values, those of this step included
    context: int  # keys before the first query's own

    @property
    def is_whole_prompt(self) -> bool:
        """Whether causality is the plain triangle."""
        return self.context == 0 and self.stop - self.start > 1

    def mask(self, device: torch.device) -> Tensor | None:
        """What each query of a later chunk sees, shape [queries, keys]; None where it follows from the shape."""
        queries = self.stop - self.start
        if queries == 1 or self.context == 0:
            return None
        seen = torch.ones(queries, self.context + queries, dtype=torch.bool, device=device)
        return seen.tril(self.context)


@dataclass(frozen=True, slots=True)
class Packing:
    """Who reads where in a packed step: the same in every layer, with each span's mask."""

    spans: list[Span]
    masks: list[Tensor | None]

    @classmethod
    def of(cls, spans: list[Span], device: torch.device) -> "Packing":
        """The spans, with their masks made once for all layers."""
        return cls(spans, [span.mask(device) for span in spans])


def attend(query: Tensor, key: Tensor, value: Tensor, packing: Packing, scale: float) -> Tensor:
    """Attention of a packed step.

    `query` and the answer have shape [1, heads, tokens, head_dim], `key` and `value` [1, heads, slots, head_dim].
    """
    answer = torch.empty_like(query)
    stores = key[0].transpose(0, 1), value[0].transpose(0, 1)  # as they lie in memory: a slot's heads side by side
    for span, mask in zip(packing.spans, packing.masks, strict=True):
        keys, values = (store[span.slots].transpose(0, 1).unsqueeze(0) for store in stores)
        answer[:, :, span.start : span.stop] = scaled_dot_product_attention(
            query[:, :, span.start : span.stop],
            keys,
            values,
            attn_mask=mask,
            is_causal=span.is_whole_prompt,
            scale=scale,
        )
    return answer


def selective_attention() -> str:
    """Register this attention with transformers; the answer is what models take as `attn_implementation`."""
    AttentionInterface.register(NAME, _selective)
    return NAME


def _selective(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    *,
    scaling: float,
    packing: Packing | None = None,
    **rest: Any,
) -> tuple[Tensor, None]:
    if packing is not None:
        return attend(query, key, value, packing, scaling).transpose(1, 2), None
    answer: tuple[Tensor, None] = sdpa_attention_forward(module, query, key, value, mask, scaling=scaling, **rest)
    return answer
