"""Models on a device: randomly initialised, or from safetensors; GPT-J and GPT-NeoX, ready for selective batching."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForCausalLM, PretrainedConfig

from gpu_validate.attention import Packing, selective_attention
from gpu_validate.configs import config_of
from gpu_validate.faults import memory_faults
from gpu_validate.plan import FORMATS
from gpu_validate.shapes import FAMILIES, MAX_POSITIONS, Family
from gpu_validate.surface import Device
from s3sim.core.errors import InputError, UnknownNameError
from s3sim.hardware.model import ModelSpec

__all__ = ["LoadedModel", "dtype_of", "load_model", "random_model"]

DTYPES = dict(zip(FORMATS, (torch.float32, torch.float16, torch.bfloat16), strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    """A model on its device: what is before the output head, the head, and the shape of its KV."""

    name: str
    weights: str  # where they are from
    family: Family
    body: nn.Module
    head: nn.Module
    layers: int
    heads: int
    head_dim: int
    vocab: int
    positions: int  # most tokens of a sequence
    dtype: torch.dtype
    device: Device

    @property
    def kv_bytes_per_token(self) -> int:
        """Bytes of one slot: a key and a value in each layer."""
        return 2 * self.layers * self.heads * self.head_dim * int(self.dtype.itemsize)

    @property
    def parameters(self) -> int:
        """Weights, all of them."""
        return sum(weight.numel() for part in (self.body, self.head) for weight in part.parameters())

    def hidden(
        self,
        tokens: Tensor,
        *,
        positions: Tensor,
        cache: object,
        mask: Tensor | None = None,
        packing: Packing | None = None,
    ) -> Tensor:
        """Hidden states of one forward pass, shape [rows, tokens, hidden].

        A packed step says by its `packing` what each token sees; any other by `mask`, booleans of shape
        [rows, 1, tokens, keys].
        """
        out = self.body(input_ids=tokens, position_ids=positions, attention_mask=mask, cache=cache, packing=packing)
        states: Tensor = out.last_hidden_state
        return states

    def logits(self, states: Tensor) -> Tensor:
        """Logits of hidden states, shape [.., vocab]."""
        answer: Tensor = self.head(states)
        return answer


def dtype_of(name: str) -> torch.dtype:
    """The number format of that name; raises UnknownNameError for one that torch does not compute in here."""
    if name not in DTYPES:
        raise UnknownNameError("number format", name, DTYPES, place="--dtype")
    return DTYPES[name]


def random_model(
    spec: ModelSpec, *, device: Device, dtype: torch.dtype, seed: int, spread: float = 0.02
) -> LoadedModel:
    """The shape with weights drawn on the device: time and memory do not depend on their values.

    Raises InputError for a shape of another architecture, or too large for the device.
    """
    config = config_of(spec, spread=spread)
    torch.manual_seed(seed)
    build: Any = AutoModelForCausalLM
    with memory_faults(f"the weights of {spec.name!r} ({dtype})"), device.where:
        module = build.from_config(config, dtype=dtype, attn_implementation=selective_attention())
    return _loaded(module, device, name=spec.name, weights=f"random, seed {seed}")


def load_model(source: str, *, device: Device, dtype: torch.dtype) -> LoadedModel:
    """A folder of safetensors, or a name on the hub; nothing is unpickled and no code of the model's is run.

    Raises InputError for weights that are absent, of another architecture, or too large for the device.
    """
    folder = Path(source)
    if folder.is_dir() and not any(folder.glob("*.safetensors")):
        raise InputError(f"{source}: holds no .safetensors file; weights of other formats are not read")
    with _load_faults(source):
        config = AutoConfig.from_pretrained(source, trust_remote_code=False, local_files_only=folder.is_dir())
    _demand_architecture(source, config)
    config.bos_token_id = config.eos_token_id = None
    build: Any = AutoModelForCausalLM
    with _load_faults(source), memory_faults(f"the weights of {source!r} ({dtype})"):
        module = build.from_pretrained(
            source,
            config=config,
            dtype=dtype,
            attn_implementation=selective_attention(),
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=folder.is_dir(),
        )
    return _loaded(module, device, name=folder.name, weights=source)


def _demand_architecture(source: str, config: PretrainedConfig) -> None:
    if config.model_type not in FAMILIES:
        raise InputError(f"{source}: architecture {config.model_type!r}; only {' and '.join(FAMILIES)} can be replayed")
    if config.max_position_embeddings > MAX_POSITIONS:
        raise InputError(f"{source}: {config.max_position_embeddings} positions; both models have {MAX_POSITIONS}")


@contextmanager
def _load_faults(source: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        reason = (str(error).splitlines() or ["no more was said"])[0]
        raise InputError(
            f"{source}: no weights were found there ({reason}); give a folder that holds config.json and"
            " *.safetensors, or a name on the hub"
        ) from None


def _loaded(module: Any, device: Device, *, name: str, weights: str) -> LoadedModel:
    config = module.config
    family: Family = config.model_type
    module.to(device.where).eval().requires_grad_(False)
    return LoadedModel(
        name=name,
        weights=weights,
        family=family,
        body=module.base_model,
        head=module.get_output_embeddings(),
        layers=config.num_hidden_layers,
        heads=config.num_attention_heads,
        head_dim=config.hidden_size // config.num_attention_heads,
        vocab=config.vocab_size,
        positions=config.max_position_embeddings,
        dtype=module.dtype,
        device=device,
    )
