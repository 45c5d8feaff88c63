"""GPT-J and GPT-NeoX in plain torch, with as few kernels as it permits, for steps that a CUDA graph can hold.

Every operation is on tensors that stay where they are, and none waits for the host: no sizes are read, no masks are
made, no booleans index. Queries, keys and values come from one matrix, as in FasterTransformer; weights are drawn on
the device. What the layers compute is transformers' own, which tests hold.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from gpu_validate.configs import ROTARY_SHARE
from gpu_validate.shapes import Family, family_of
from gpu_validate.surface import Device
from s3sim.hardware.model import ModelSpec

__all__ = ["Affine", "Block", "Decode", "Network", "Prefill", "draw_network"]

SPREAD = 0.02  # standard deviation of the weights, transformers' initializer_range for both models
EPSILON = 1e-5  # of the norms, both models' config.json
THETA = 10_000.0  # rotary base, both models' config.json
Attend = Callable[[int, Tensor], Tensor]  # layer and qkv, shape [tokens, 3, heads, head_dim] -> [tokens, hidden]


class Affine(NamedTuple):
    """A matrix, shape [out, in], or a norm's scale, shape [in]; and what is added, shape [out]."""

    weight: Tensor
    bias: Tensor | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One layer: attention and feed-forward side by side."""

    norm: Affine
    ffn_norm: Affine | None  # GPT-NeoX's second norm; GPT-J has one for both
    qkv: Affine  # shape [3 · heads · head_dim, hidden]: all queries, all keys, all values
    out: Affine
    up: Affine
    down: Affine


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The weights of a shape on its device."""

    spec: ModelSpec
    family: Family
    embedding: Tensor  # shape [vocab, hidden]
    blocks: tuple[Block, ...]
    norm: Affine
    head: Affine
    cosines: Tensor  # shape [positions, 1, 1, rotary width], as `turned` takes them
    sines: Tensor

    @property
    def tensors(self) -> Iterator[Tensor]:
        """All weights."""
        yield self.embedding
        affines = [self.norm, self.head]
        for block in self.blocks:
            affines += [block.norm, *([block.ffn_norm] if block.ffn_norm else [])]
            affines += [block.qkv, block.out, block.up, block.down]
        yield from (tensor for affine in affines for tensor in affine if tensor is not None)

    @property
    def kv_bytes_per_token(self) -> int:
        """Bytes of one slot in the format in which the weights are."""
        spec = self.spec
        return 2 * spec.layers * spec.heads * spec.head_dim * int(self.embedding.element_size())

    def arena(self, rows: int, slots: int) -> Tensor:
        """Random keys and values, shape [layers, 2, rows, heads, slots, head_dim]: zeros would cost less power."""
        spec = self.spec
        shape = (spec.layers, 2, rows, spec.heads, slots, spec.head_dim)
        return torch.empty(shape, dtype=self.embedding.dtype, device=self.embedding.device).normal_()

    def logits(self, tokens: Tensor, positions: Tensor, attend: Attend, *, last: bool = False) -> Tensor:
        """Logits of tokens, shape [tokens] of 64-bit integers, at positions, shape [tokens]; or of the last alone."""
        cosines, sines = self.cosines[positions], self.sines[positions]
        states = functional.embedding(tokens, self.embedding)
        for number, block in enumerate(self.blocks):
            states = self._layer(number, block, states, cosines, sines, attend)
        states = states[-1:] if last else states
        return functional.linear(_normed(states, self.norm), *self.head)

    def _layer(
        self, number: int, block: Block, states: Tensor, cosines: Tensor, sines: Tensor, attend: Attend
    ) -> Tensor:
        spec = self.spec
        normed = _normed(states, block.norm)
        qkv = functional.linear(normed, *block.qkv).view(-1, 3, spec.heads, spec.head_dim)
        self._turn(qkv, cosines, sines)
        attended = functional.linear(attend(number, qkv), *block.out)
        wide = functional.linear(_normed(states, block.ffn_norm) if block.ffn_norm else normed, *block.up)
        wide = functional.gelu(wide, approximate="tanh" if self.family == "gptj" else "none")
        return functional.linear(wide, *block.down) + attended + states

    def _turn(self, qkv: Tensor, cosines: Tensor, sines: Tensor) -> None:
        """Rotary positions of queries and keys, in place: x · cos + (its other half, signed) · sin."""
        part = qkv[:, :2, :, : cosines.shape[-1]]
        if self.family == "gptj":  # neighbours are a pair
            other = part.unflatten(-1, (-1, 2)).flip(-1).flatten(-2)
        else:  # the first half and the second
            other = part.roll(part.shape[-1] // 2, -1)
        torch.addcmul(part * cosines, other, sines, out=part)


class Decode:
    """One decode step of a batch over a padded KV cache that is allocated beforehand.

    `contexts` are the cached tokens of each row. Dense layers take all rows at once; each row's new keys and values
    are written at its own position; attention is one scaled_dot_product_attention a layer over `width` slots of every
    row, with an additive mask where rows differ (a graph holds it; a loop over rows would be launches, not bytes).
    Engines like FasterTransformer read each row's own slots alone: `reads` says how many are read here, and rows of
    one context in a cache of just that width show what padding costs. Tokens are chosen greedily. The step may be run
    again and again: it writes the same slots anew.
    """

    def __init__(self, network: Network, contexts: tuple[int, ...], width: int) -> None:
        where = network.embedding.device
        self._network = network
        self.kv = network.arena(len(contexts), width)
        self.positions = torch.tensor(contexts, device=where)
        self.tokens = torch.arange(len(contexts), device=where) % network.spec.vocab
        self._rows = torch.arange(len(contexts), device=where)
        self._mask = self._mask_for(width) if width > min(contexts) + 1 else None

    def __call__(self) -> None:
        """Run it; the tokens that it emits are those that it begins with the next time."""
        self.tokens.copy_(self.logits().argmax(-1))

    def logits(self) -> Tensor:
        """Shape [rows, vocab]."""
        return self._network.logits(self.tokens, self.positions, self._attend)

    def _attend(self, layer: int, qkv: Tensor) -> Tensor:
        kv = self.kv[layer]
        kv[:, self._rows, :, self.positions] = qkv[:, 1:]
        query = qkv[:, 0].unsqueeze(2)
        answer = functional.scaled_dot_product_attention(query, kv[0], kv[1], attn_mask=self._mask)
        return answer.reshape(len(qkv), -1)

    def _mask_for(self, width: int) -> Tensor:
        """What each row may not see, shape [rows, 1, 1, width]."""
        slots = torch.arange(width, device=self.kv.device)
        hidden = slots > self.positions[:, None, None, None]
        return torch.zeros(hidden.shape, dtype=self.kv.dtype, device=self.kv.device).masked_fill_(hidden, -torch.inf)


class Prefill:
    """The forward pass of one prompt: causal attention without a mask, KV written, logits of the last token alone."""

    def __init__(self, network: Network, tokens: int) -> None:
        where = network.embedding.device
        self._network = network
        self.kv = network.arena(1, tokens)
        self.positions = torch.arange(tokens, device=where)
        self.tokens = self.positions % network.spec.vocab
        self.emitted = torch.zeros(1, dtype=torch.int64, device=where)

    def __call__(self) -> None:
        """Run it."""
        self.emitted.copy_(self.logits().argmax(-1))

    def logits(self) -> Tensor:
        """Shape [1, vocab]."""
        return self._network.logits(self.tokens, self.positions, self._attend, last=True)

    def _attend(self, layer: int, qkv: Tensor) -> Tensor:
        kv = self.kv[layer, :, 0]
        kv.copy_(qkv[:, 1:].permute(1, 2, 0, 3))
        query = qkv[:, 0].transpose(0, 1)[None]
        answer = functional.scaled_dot_product_attention(query, kv[0][None], kv[1][None], is_causal=True)
        return answer[0].transpose(0, 1).reshape(len(qkv), -1)


def draw_network(spec: ModelSpec, *, device: Device, dtype: torch.dtype, seed: int = 0) -> Network:
    """The shape with weights drawn on the device; biases are 0 and norms 1, as in an untrained model.

    Raises InputError for a shape of another architecture.
    """
    family = family_of(spec)
    torch.manual_seed(seed)

    def matrix(out: int, wide: int, bias: bool) -> Affine:
        weight = torch.empty(out, wide, dtype=dtype, device=device.where).normal_(std=SPREAD)
        return Affine(weight, torch.zeros(out, dtype=dtype, device=device.where) if bias else None)

    def norm() -> Affine:
        one = torch.ones(spec.hidden, dtype=dtype, device=device.where)
        return Affine(one, torch.zeros_like(one))

    blocks = tuple(
        Block(
            norm=norm(),
            ffn_norm=norm() if family == "gpt_neox" else None,
            qkv=matrix(3 * spec.hidden, spec.hidden, spec.qkv_bias),
            out=matrix(spec.hidden, spec.hidden, spec.output_bias),
            up=matrix(spec.ffn, spec.hidden, spec.ffn_bias),
            down=matrix(spec.hidden, spec.ffn, spec.ffn_bias),
        )
        for _ in range(spec.layers)
    )
    cosines, sines = _angles(spec, family, device, dtype)
    return Network(
        spec=spec,
        family=family,
        embedding=matrix(spec.vocab, spec.hidden, bias=False).weight,
        blocks=blocks,
        norm=norm(),
        head=matrix(spec.vocab, spec.hidden, spec.head_bias),
        cosines=cosines,
        sines=sines,
    )


def _angles(spec: ModelSpec, family: Family, device: Device, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Cosines and signed sines of all positions; pairs lie as the family has them."""
    wide = spec.head_dim // ROTARY_SHARE // 2 * 2
    pace = THETA ** -(torch.arange(0, wide, 2, device=device.where) / wide)
    angle = torch.arange(spec.max_positions, device=device.where)[:, None] * pace
    cosine, sine = angle.cos(), angle.sin()
    if family == "gptj":
        both = torch.stack((cosine, cosine), -1).flatten(-2), torch.stack((-sine, sine), -1).flatten(-2)
    else:
        both = torch.cat((cosine, cosine), -1), torch.cat((-sine, sine), -1)
    cosines, sines = (table[:, None, None].to(dtype) for table in both)
    return cosines, sines


def _normed(states: Tensor, norm: Affine) -> Tensor:
    return functional.layer_norm(states, states.shape[-1:], norm.weight, norm.bias, EPSILON)
