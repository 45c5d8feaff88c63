"""The network of `gpu-validate steps`: what it computes is transformers' own, so what it costs is the model's."""

from copy import deepcopy
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import torch

from gpu_validate.device import Cpu
from gpu_validate.shapes import FAMILIES, Family
from gpu_validate.steps.network import Affine, Block, Decode, Network, Prefill, draw_network
from s3sim.hardware import presets
from tests.gpu.models import plain_model, spec_of

CONTEXTS = (3, 9, 5)
WIDTH = 16


def _of(module: Any) -> Affine:
    return Affine(module.weight, module.bias)


def _joined(*modules: Any) -> Affine:
    return Affine(torch.cat([module.weight for module in modules]), None)


def _unwoven(module: Any, heads: int) -> Affine:
    """GPT-NeoX has the queries, keys and values of a head side by side."""
    weight, bias = (part.unflatten(0, (heads, 3, -1)).transpose(0, 1).flatten(0, 2) for part in _of(module))
    return Affine(weight, bias)


def _block(layer: Any, family: Family, heads: int) -> Block:
    if family == "gptj":
        attention, mlp = layer.attn, layer.mlp
        qkv = _joined(attention.q_proj, attention.k_proj, attention.v_proj)
        parts = (_of(layer.ln_1), None, qkv, _of(attention.out_proj), _of(mlp.fc_in), _of(mlp.fc_out))
    else:
        attention, mlp = layer.attention, layer.mlp
        norms = _of(layer.input_layernorm), _of(layer.post_attention_layernorm)
        qkv = _unwoven(attention.query_key_value, heads)
        parts = (*norms, qkv, _of(attention.dense), _of(mlp.dense_h_to_4h), _of(mlp.dense_4h_to_h))
    return Block(**dict(zip(("norm", "ffn_norm", "qkv", "out", "up", "down"), parts, strict=True)))


@cache
def _pair(family: Family) -> tuple[Network, Any]:
    """Ours and transformers' plain model with the same weights; biases are not left at zero."""
    model, spec = deepcopy(plain_model(family)), spec_of(family)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith("bias"):
                weight.normal_(std=0.1, generator=torch.Generator().manual_seed(len(name)))
    drawn, body = draw_network(spec, device=Cpu(), dtype=torch.float32), model.base_model
    layers, norm = (body.h, body.ln_f) if family == "gptj" else (body.layers, body.final_layer_norm)
    network = replace(
        drawn,
        embedding=model.get_input_embeddings().weight,
        blocks=tuple(_block(layer, family, spec.heads) for layer in layers),
        norm=_of(norm),
        head=_of(model.get_output_embeddings()),
    )
    return network, model


@pytest.mark.parametrize("family", FAMILIES)
def test_a_prefill_says_what_transformers_says(family: Family) -> None:
    """Logits of the last token of a prompt."""
    network, model = _pair(family)
    with torch.inference_mode():
        step = Prefill(network, 11)
        (told,) = model(step.tokens[None]).logits
        torch.testing.assert_close(step.logits(), told[-1:])


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("contexts", [CONTEXTS, (7, 7)], ids=["padded", "even"])
def test_a_decode_step_says_what_transformers_says(family: Family, contexts: tuple[int, ...]) -> None:
    """Each row goes on from its own context; what lies beyond in the cache is noise that nobody sees."""
    network, model = _pair(family)
    even = len(set(contexts)) == 1
    with torch.inference_mode():
        step = Decode(network, contexts, contexts[0] + 1 if even else WIDTH)
        for row, context in enumerate(contexts):
            prompt = Prefill(network, context)
            prompt.tokens.add_(row + 1)
            prompt()
            step.kv[:, :, row, :, :context] = prompt.kv[:, :, 0]
            whole = torch.cat((prompt.tokens, step.tokens[row : row + 1]))[None]
            (told,) = model(whole).logits
            for _ in range(2):  # the same again: it writes the same slots
                torch.testing.assert_close(step.logits()[row], told[-1], msg=f"row {row}")


@pytest.mark.parametrize("name", ["gpt-j-6b", "gpt-neox-20b"])
def test_the_weights_are_as_many_as_the_models(name: str) -> None:
    """Counted on shapes without storage."""
    spec = presets.model(name)

    class Nowhere(Cpu):
        where = torch.device("meta")

    network = draw_network(spec, device=Nowhere(), dtype=torch.float16)
    assert sum(tensor.numel() for tensor in network.tensors) == spec.parameters
    assert network.kv_bytes_per_token == spec.kv_bytes_per_token


def test_a_step_waits_for_nothing_and_makes_no_tensor_from_the_host() -> None:
    """What a CUDA graph cannot hold does not occur in a step: reading a value, copying from the host, boolean index."""
    network = draw_network(spec_of("gpt_neox"), device=Cpu(), dtype=torch.float32)
    with torch.inference_mode():
        for step in (Decode(network, CONTEXTS, WIDTH), Prefill(network, 8)):
            step()
            with torch.profiler.profile() as profile:
                step()
            named = {event.name for event in profile.events()}
            assert not named & {"aten::item", "aten::_local_scalar_dense", "aten::nonzero", "aten::lift_fresh"}
            assert "aten::_scaled_dot_product_flash_attention_for_cpu" in named or "aten::bmm" in named
