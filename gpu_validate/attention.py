"""ORCA's selective batching: dense layers on all tokens of a step at once, attention for each sequence alone.

A packed step has one row of all its tokens. Its cache hands attention a `PackedLayer` in place of keys;
tensors, from any other cache, go to the model's own attention, unchanged.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from gpu_validate.shapes import Family

__all__ = ["PackedLayer", "Span", "attend", "install"]

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
class PackedLayer:
    """One layer's keys and values, shape [slots, heads, head_dim], and who reads where; masks belong to the spans."""

    keys: Tensor
    values: Tensor
    spans: list[Span]
    masks: list[Tensor | None]


def attend(query: Tensor, layer: PackedLayer, scale: float) -> Tensor:
    """Attention of a packed step; query and answer have shape [1, heads, tokens, head_dim]."""
    answer = torch.empty_like(query)
    for span, mask in zip(layer.spans, layer.masks, strict=True):
        keys = layer.keys[span.slots].transpose(0, 1).unsqueeze(0)
        values = layer.values[span.slots].transpose(0, 1).unsqueeze(0)
        answer[:, :, span.start : span.stop] = scaled_dot_product_attention(
            query[:, :, span.start : span.stop],
            keys,
            values,
            attn_mask=mask,
            is_causal=span.is_whole_prompt,
            scale=scale,
        )
    return answer


def install(model: Any, family: Family) -> None:
    """Teach a model selective batching: GPT-NeoX by its attention interface, GPT-J, which has none, on each layer."""
    if family == "gpt_neox":
        AttentionInterface.register(NAME, _neox)
        model.config._attn_implementation = NAME
        return
    for block in model.transformer.h:
        attention = block.attn
        attention._attn = partial(_gptj, attention._attn, attention.scale_attn)


def _neox(
    module: nn.Module,
    query: Tensor,
    key: Any,
    value: Any,
    mask: Tensor | None,
    *,
    scaling: float,
    **rest: Any,
) -> tuple[Tensor, None]:
    if isinstance(key, PackedLayer):
        return attend(query, key, scaling).transpose(1, 2), None
    answer: tuple[Tensor, None] = sdpa_attention_forward(module, query, key, value, mask, scaling=scaling, **rest)
    return answer


def _gptj(own: Callable[..., Any], divisor: float, query: Tensor, key: Any, value: Any, *masks: Tensor | None) -> Any:
    if isinstance(key, PackedLayer):
        return attend(query, key, 1.0 / divisor), None
    return own(query, key, value, *masks)
