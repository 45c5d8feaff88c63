"""transformers' configurations of the shapes that can be replayed."""

from typing import Final

from transformers import GPTJConfig, GPTNeoXConfig, PretrainedConfig

from gpu_validate.shapes import MAX_POSITIONS, family_of
from s3sim.core.errors import InputError
from s3sim.hardware.model import ModelSpec

__all__ = ["config_of"]

ROTARY_SHARE: Final = 4  # a quarter of each head turns: 64 of GPT-J's 256, rotary_pct 0.25 of GPT-NeoX


def config_of(spec: ModelSpec, *, spread: float = 0.02) -> PretrainedConfig:
    """transformers' configuration of a shape; weights are drawn with a standard deviation of `spread`.

    No token ends a sequence: lengths are forced. Raises InputError for another architecture, and for
    more positions than either model has.
    """
    if spec.max_positions > MAX_POSITIONS:
        raise InputError(f"model {spec.name!r}: {spec.max_positions} positions; both models have {MAX_POSITIONS}")
    if family_of(spec) == "gptj":
        return _gptj(spec, spread)
    return GPTNeoXConfig(
        vocab_size=spec.vocab,
        hidden_size=spec.hidden,
        num_hidden_layers=spec.layers,
        num_attention_heads=spec.heads,
        intermediate_size=spec.ffn,
        max_position_embeddings=spec.max_positions,
        initializer_range=spread,
        bos_token_id=None,
        eos_token_id=None,
    )


def _gptj(spec: ModelSpec, spread: float) -> PretrainedConfig:
    return GPTJConfig(
        vocab_size=spec.vocab,
        n_embd=spec.hidden,
        n_layer=spec.layers,
        n_head=spec.heads,
        n_inner=spec.ffn,
        n_positions=spec.max_positions,
        rotary_dim=spec.head_dim // ROTARY_SHARE // 2 * 2,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        initializer_range=spread,
        bos_token_id=None,
        eos_token_id=None,
        tie_word_embeddings=False,
    )
