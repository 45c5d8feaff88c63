"""A trained predictor: its encoder, and what is known of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import torch
import transformers
from safetensors import SafetensorError

from s3sim.core.errors import InputError, SystemFaultError
from s3sim.learn.backbone import quiet
from s3sim.learn.encoding import TextCounts, batches, encode, padded
from s3sim.learn.foreseen import FloatArray, Foreseen
from s3sim.learn.heads import LogScale, head_of
from s3sim.learn.settings import Settings
from s3sim.learn.tensors import file_sha256, replace_file
from s3sim.predictors.buckets import Buckets

__all__ = ["ABOUT", "WEIGHTS", "About", "Answer", "LengthModel", "forward", "load_model", "outputs_of", "save_model"]

ABOUT = "s3sim_predictor.json"  # written last: a folder with it is whole
WEIGHTS = "model.safetensors"
FORMAT = 1  # of a model folder


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What is known of a trained predictor besides its weights; JSON."""

    settings: Settings
    edges: list[int]  # upper edges of the buckets, tokens
    scale: LogScale
    source: dict[str, Any]  # a Source
    data: dict[str, Any]  # DataFacts
    split: dict[str, int]  # rows by part
    training: dict[str, Any]  # bucket counts and median of the training rows, epochs, losses
    scores: dict[str, Any]  # of validation and held-out rows
    weights_sha256: str = ""
    format_version: int = FORMAT

    @property
    def buckets(self) -> Buckets:
        """The classes that it chooses among."""
        return Buckets.of_edges(self.edges)

    @classmethod
    def from_json(cls, plain: Mapping[str, Any], *, place: str) -> Self:
        """From a JSON object; raises InputError for another version, and for unknown or missing keys."""
        version = plain.get("format_version")
        if version != FORMAT:
            raise InputError(f"{place}: format_version is {version!r}; this s3sim reads {FORMAT}")
        if wrong := sorted({entry.name for entry in fields(cls)} ^ set(plain)):
            raise InputError(f"{place}: keys missing or unknown: {', '.join(wrong)}")
        settings = Settings.from_json(plain["settings"], place=place)
        return cls(**{**plain, "settings": settings, "scale": LogScale(**plain["scale"])})


class Answer(NamedTuple):
    """What a predictor foresees of some prompts, and how they fitted it."""

    foreseen: Foreseen
    counts: TextCounts


@dataclass(frozen=True, slots=True, eq=False)
class LengthModel:
    """Foresees output lengths from prompts; `network` is a transformers model for sequence classification."""

    network: Any
    tokenizer: Any
    about: About

    def foresee(self, prompts: Sequence[str]) -> Answer:
        """Distributions over buckets, in the order of the prompts; an empty prompt is its special tokens alone."""
        outputs, counts = outputs_of(self, prompts)
        chances = head_of(self.about.settings.head).chances(outputs, self.about.buckets, self.about.scale)
        return Answer(Foreseen.of_chances(chances, self.about.buckets), counts)


def outputs_of(model: LengthModel, prompts: Sequence[str]) -> tuple[FloatArray, TextCounts]:
    """What the head puts out for each prompt, of shape (prompts, outputs), and how the prompts fitted."""
    settings = model.about.settings
    encoded = encode(model.tokenizer, prompts, limit=settings.max_prompt_tokens)
    pad = model.tokenizer.pad_token_id or 0
    outputs = np.zeros((len(prompts), head_of(settings.head).outputs(model.about.buckets)))
    model.network.eval()
    with torch.inference_mode():
        for rows in batches(encoded.lengths, settings.batch_size):
            some = [encoded.tokens[row] for row in rows.tolist()]
            outputs[rows] = forward(model.network, some, pad=pad).double().cpu().numpy()
    return outputs, encoded.counts


def forward(network: Any, tokens: Sequence[list[int]], *, pad: int) -> Any:
    """The head's outputs, of shape (rows, outputs)."""
    batch = padded(tokens, pad=pad, device=network.device)
    return network(input_ids=batch.tokens, attention_mask=batch.mask).logits


def save_model(model: LengthModel, folder: Path, *, card: str) -> LengthModel:
    """Write weights, tokenizer, card and, last, what is known of them; returns the model with its digest."""
    quiet()
    try:
        (folder / ABOUT).unlink(missing_ok=True)
        model.network.save_pretrained(folder, safe_serialization=True)
        model.tokenizer.save_pretrained(folder)
    except OSError as error:
        raise SystemFaultError(f"{folder}: cannot be written: {error.strerror or error}") from error
    about = replace(model.about, weights_sha256=file_sha256(folder / WEIGHTS))
    replace_file(folder / "README.md", card.encode())
    replace_file(folder / ABOUT, (json.dumps(asdict(about), indent=1) + "\n").encode())
    return LengthModel(model.network, model.tokenizer, about)


def load_model(folder: Path) -> LengthModel:
    """The predictor in a folder; raises InputError where it is not whole, altered, or for other buckets."""
    about = _about(folder)
    if file_sha256(folder / WEIGHTS) != about.weights_sha256:
        raise InputError(f"{folder / WEIGHTS}: is not the file that was trained (its digest differs); train again")
    quiet()
    try:
        network = transformers.AutoModelForSequenceClassification.from_pretrained(
            folder, use_safetensors=True, local_files_only=True, dtype=torch.float32
        )
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise InputError(f"{folder}: cannot be loaded: {str(error).strip().splitlines()[0]}") from error
    _demand_outputs(folder, network.config.num_labels, about)
    return LengthModel(network.to(_device()), tokenizer, about)


def _device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def _about(folder: Path) -> About:
    path = folder / ABOUT
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}): the folder holds no trained predictor; s3sim predictor train"
        ) from error
    except ValueError as error:
        raise InputError(f"{path}: is no JSON: {error}") from error
    return About.from_json(plain, place=str(path))


def _demand_outputs(folder: Path, outputs: int, about: About) -> None:
    wanted = head_of(about.settings.head).outputs(about.buckets)
    if outputs != wanted:
        raise InputError(
            f"{folder}: the network has {outputs} outputs, but {about.buckets.count} buckets with head"
            f" {about.settings.head} need {wanted}: weights and {ABOUT} do not belong together"
        )
