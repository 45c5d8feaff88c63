"""The shapes that can be replayed: GPT-J's and GPT-NeoX's architecture, at any size."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, Literal

from s3sim.core.errors import InputError, UnknownNameError
from s3sim.hardware.model import ModelSpec

__all__ = ["FAMILIES", "MAX_POSITIONS", "OWN_SIZE", "SIZES", "Family", "family_of", "sized"]

Family = Literal["gptj", "gpt_neox"]
FAMILIES: Final[tuple[Family, ...]] = ("gptj", "gpt_neox")  # transformers' names of the architectures
MAX_POSITIONS: Final = 2048  # of both models as published; GPT-NeoX would silently go on beyond
OWN_SIZE: Final = "own"  # the experiment's model as it is

SIZES: Final[Mapping[str, Mapping[str, int]]] = {  # for a processor, where the real ones are out of reach
    "tiny": {"layers": 2, "hidden": 64, "heads": 4, "head_dim": 16, "ffn": 256, "vocab": 128},
    "small": {"layers": 2, "hidden": 128, "heads": 4, "head_dim": 32, "ffn": 512, "vocab": 512},
    "medium": {"layers": 4, "hidden": 256, "heads": 8, "head_dim": 32, "ffn": 1024, "vocab": 1024},
    "large": {"layers": 8, "hidden": 512, "heads": 8, "head_dim": 64, "ffn": 2048, "vocab": 4096},
}


def sized(spec: ModelSpec, size: str) -> ModelSpec:
    """The model's architecture at another size; raises UnknownNameError for an unknown size."""
    if size == OWN_SIZE:
        return spec
    if size not in SIZES:
        raise UnknownNameError("model size", size, [OWN_SIZE, *SIZES], place="--model-size")
    shape = SIZES[size]
    changes: dict[str, Any] = {**shape, "kv_heads": shape["heads"], "name": f"{spec.name}-{size}"}
    return replace(spec, source=f"s3sim's size {size}", **changes)


def family_of(spec: ModelSpec) -> Family:
    """The architecture that a shape belongs to; raises InputError for one that is neither.

    GPT-J has one norm a block, GPT-NeoX two; both put attention and feed-forward side by side.
    """
    ours = spec.parallel_block and not spec.gated_ffn and not spec.learned_positions
    ours = ours and spec.kv_heads == spec.heads and spec.heads * spec.head_dim == spec.hidden
    if not ours or spec.norms_per_block not in (1, 2):
        raise InputError(
            f"model {spec.name!r}: neither GPT-J's architecture nor GPT-NeoX's, and no other can be replayed;"
            " choose gpt-j-6b or gpt-neox-20b, or a shape like theirs"
        )
    return "gptj" if spec.norms_per_block == 1 else "gpt_neox"
