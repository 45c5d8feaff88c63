"""How a predictor is trained: every choice, with its default and reason."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self

from s3sim.core.errors import InputError

__all__ = ["DEFAULT_BACKBONE", "ClassWeights", "HeadName", "Settings"]

DEFAULT_BACKBONE = "distilbert-base-uncased"  # S³ (arXiv 2306.06000) fine-tunes DistilBERT
HeadName = Literal["classification", "ordinal", "regression"]
ClassWeights = Literal["none", "balanced"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The choices of one training; two with equal settings, data and device give equal weights.

    Raises InputError for a value out of range.
    """

    backbone: str = DEFAULT_BACKBONE
    head: HeadName = "classification"
    buckets: int = 10  # S³
    max_tokens: int = 2048  # the last bucket's upper edge: the served model's maximum
    edges: str = "equal"  # equal | quantile (of the training rows) | upper edges such as 32,64,512
    epochs: int = 5
    batch_size: int = 32
    learning_rate: float = 1e-4  # for a pretrained encoder; falls to 0 after a rise over `warmup`
    warmup: float = 0.1  # share of the steps
    weight_decay: float = 0.01  # AdamW's default, Loshchilov and Hutter 2019
    max_prompt_tokens: int = 128  # of the encoder, its special ones included; longer prompts are cut and counted
    patience: int = 2  # epochs without a lower validation loss, after which training stops
    class_weights: ClassWeights = "none"
    seed: int = 0  # of the new weights, the order and dropout
    split_seed: int = 0  # of the split alone, so that seeds may be compared on the same rows
    held_out: float = 0.1  # share of the rows that training never sees
    validation: float = 0.1  # share of the others that choose the epoch

    def __post_init__(self) -> None:
        wholes = ("buckets", "max_tokens", "epochs", "batch_size", "patience", "max_prompt_tokens")
        for name in wholes:
            least = 3 if name == "max_prompt_tokens" else 1
            _demand(name, getattr(self, name), getattr(self, name) >= least, f"at least {least}")
        for name in ("seed", "split_seed"):
            _demand(name, getattr(self, name), 0 <= getattr(self, name) < 2**63, "a whole number from 0")
        _demand("learning_rate", self.learning_rate, 0 < self.learning_rate < 1, "between 0 and 1")
        _demand("weight_decay", self.weight_decay, 0 <= self.weight_decay < 1, "from 0, below 1")
        for name in ("warmup", "held_out"):
            _demand(name, getattr(self, name), 0 <= getattr(self, name) <= 0.5, "from 0 to 0.5")
        _demand("validation", self.validation, 0 < self.validation <= 0.5, "above 0, at most 0.5")

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, plain: Mapping[str, Any], *, place: str) -> Self:
        """From a JSON object; raises InputError for unknown or missing keys."""
        names = {entry.name for entry in fields(cls)}
        if wrong := sorted(names ^ set(plain)):
            raise InputError(f"{place}: settings are missing or unknown: {', '.join(wrong)}")
        return cls(**plain)

    def differences(self, other: "Settings") -> list[str]:
        """What differs, in words: `buckets is 10, was 5`."""
        mine, theirs = self.to_json(), other.to_json()
        return [f"{name} is {mine[name]}, was {theirs[name]}" for name in mine if mine[name] != theirs[name]]


def _demand(name: str, value: object, right: bool, wanted: str) -> None:
    if not right:
        raise InputError(f"{name} is {value}: {wanted} is needed")
