"""Names that publications use for models, devices, engines and number formats, and what they stand for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from s3sim.hardware import DEVICES, MODELS, DeviceSpec, ModelSpec

__all__ = ["FAMILIES", "Family", "find_device", "find_family", "find_model", "in_formats"]

# Aliases, in lower case and without their organisation; the first pattern that matches the beginning decides.
_MODELS: Final = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (r"gpt-?j\b", "gpt-j-6b"),
        (r"gpt-?neox-?20b", "gpt-neox-20b"),
        (r"gpt-?3-?175b", "gpt3-175b"),
        (r"llama-?(v)?3(\.1)?-?8b", "llama-3-8b"),
        (r"llama-?(v)?3(\.1)?-?70b", "llama-3-70b"),
        (r"llama-?(v)?2-?7b", "llama-2-7b"),
        (r"llama-?(v)?2-?13b", "llama-2-13b"),
        (r"llama-?(v)?2-?70b", "llama-2-70b"),
        (r"llama-?(v1)?-?7b|vicuna-?7b", "llama-7b"),
        (r"llama-?(v1)?-?13b|vicuna-?13b", "llama-13b"),
        (r"llama-?(v1)?-?3[03]b|vicuna-?33b", "llama-30b"),
        (r"llama-?(v1)?-?65b", "llama-65b"),
        (r"llama-?(v1)?-?70b", "llama-2-70b"),  # there is no first LLaMA of that size
        (r"mistral-?7b", "mistral-7b"),
        (r"internlm-?7b", "internlm-7b"),
        (r"internlm-?20b", "internlm-20b"),
        (r"qwen-?7b", "qwen-7b"),
        (r"qwen-?14b", "qwen-14b"),
        (r"opt-?(1\.3|2\.7|6\.7|13|30|66)b", r"opt-\1b"),
        (r"bloom-?7\.?1?b", "bloom-7b1"),
        (r"bloom(-?176b)?$", "bloom-176b"),
        (r"falcon-?(7|40|180)b", r"falcon-\1b"),
    )
)
_SHAPE = re.compile(r"\((\d+)L,\s*(\d+)x(\d+),\s*h(\d+)\)")  # layers, heads x head width, hidden
_VOCAB = re.compile(r"vocab (\d+)")
_MEGATRON: Final = (
    replace(  # FasterTransformer's GPT models, gpt_guide.md: GPT-3's block with a vocabulary of their own
        MODELS["gpt3-175b"],
        vocab=51200,
        source="shape in the model's name; GPT-3's block (FasterTransformer gpt_guide.md)",
    )
)
_DEVICES: Final = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (r"a100.*\b40", "a100-40gb"),
        (r"a100.*pcie", "a100-pcie-80gb"),
        (r"a100", "a100-80gb"),
        (r"h100.*pcie", "h100-pcie-80gb"),
        (r"h100", "h100-80gb"),
        (r"h200", "h200-141gb"),
        (r"v100.*32", "v100-32gb"),
        (r"v100", "v100-16gb"),
        (r"(l40s|l4|a30|a40|a10|t4)\b", r"\1"),
        (r"(rtx[- ])?a6000", "a6000"),
    )
)
_PRECISIONS: Final[Mapping[str, tuple[str, str]]] = {  # precision -> number formats of weights and KV
    "fp32": ("fp32", "fp32"),
    "fp16": ("fp16", "fp16"),
    "bf16": ("bf16", "bf16"),
    "fp8": ("fp8", "fp8"),  # TensorRT-LLM's fp8 recipe quantises the KV cache too
    "int8": ("int8", "fp16"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """An engine's versions: which preset prices them, and how their figures are to be read."""

    name: str
    engine: str  # the preset of s3sim.hardware
    pattern: str  # beginning of the column `version`, in lower case
    decodes_first_token: bool = False  # prefill computes all but the prompt's last token, and emits nothing
    static_memory: bool = False  # allocates as s3sim.hardware.static_memory says


FAMILIES: Final = (
    Family(
        name="FasterTransformer",
        engine="fastertransformer",
        pattern=r"ft\b|fastertransformer",
        static_memory=True,
    ),
    Family(name="TensorRT-LLM", engine="tensorrt-llm", pattern=r"tensorrt-?llm|trt-?llm"),
    # TurboMind: one token of prompt takes as long as one of output, and 128 take a prefill and a decode step.
    Family(name="LMDeploy", engine="lmdeploy", pattern=r"lmdeploy|turbomind", decodes_first_token=True),
    Family(name="Transformers", engine="huggingface-eager", pattern=r"hf |hugging ?face|transformers"),
    # Fused kernels launched by PyTorch: priced as FasterTransformer, fitted to nothing.
    Family(name="DeepSpeed", engine="fastertransformer", pattern=r"deepspeed"),
    Family(name="vLLM", engine="vllm-early", pattern=r"vllm (v)?0\.[12]\b"),
)


def find_model(text: str, *, note: str = "") -> ModelSpec | None:
    """The model of a row, by the shape in its name or by an alias; None for an unknown one."""
    return _shaped(text, note) or _named(text)


def in_formats(model: ModelSpec, precision: str) -> ModelSpec | None:
    """The model with weights and KV in a row's precision; None for an unknown one."""
    formats = _PRECISIONS.get(precision.lower())
    return None if formats is None else replace(model, weight_dtype=formats[0], kv_dtype=formats[1])


def _shaped(text: str, note: str) -> ModelSpec | None:
    shape = _SHAPE.search(text)
    if shape is None:
        return None
    layers, heads, head_dim, hidden = map(int, shape.groups())
    vocab = _VOCAB.search(note)
    return replace(
        _MEGATRON,
        name=text[: shape.start()].strip().lower(),
        layers=layers,
        hidden=hidden,
        heads=heads,
        kv_heads=heads,
        head_dim=head_dim,
        ffn=4 * hidden,
        vocab=int(vocab.group(1)) if vocab else _MEGATRON.vocab,
    )


def _named(text: str) -> ModelSpec | None:
    plain = re.sub(r"[\s_-]+", "-", text.lower().rsplit("/", maxsplit=1)[-1]).strip("-")
    return MODELS.get(plain) or MODELS.get(_alias(plain, _MODELS))


def _alias(text: str, table: tuple[tuple[re.Pattern[str], str], ...]) -> str:
    for pattern, name in table:
        if found := pattern.match(text):
            return found.expand(name)
    return ""


def find_device(text: str) -> DeviceSpec | None:
    """The device of a row, or None."""
    plain = text.lower().strip()
    return DEVICES.get(plain) or DEVICES.get(_alias(plain.removeprefix("nvidia "), _DEVICES))


def find_family(version: str) -> Family | None:
    """The engine's family, by the beginning of the version; None where no family has it."""
    return next((family for family in FAMILIES if re.match(family.pattern, version.lower())), None)
