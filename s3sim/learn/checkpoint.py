"""Where a training stands: one file, written at once, from which it goes on bit for bit."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from s3sim.core.errors import InputError
from s3sim.learn.settings import Settings
from s3sim.learn.tensors import read_tensors, write_tensors

__all__ = ["CHECKPOINT", "Checkpoint", "Progress", "load_checkpoint", "restore", "save_checkpoint"]

CHECKPOINT = "training.safetensors"
NETWORK, BEST, OPTIMIZER, RANDOM = "network.", "best.", "optimizer.", "random."


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Batches that are done, and how the validation rows were foreseen after each epoch."""

    epoch: int = 0  # the one that runs, or is next
    batch: int = 0  # done in it
    step: int = 0  # done in all
    validation_losses: tuple[float, ...] = ()
    best_epoch: int | None = None

    def stale(self, patience: int) -> bool:
        """Whether so many epochs passed without a lower loss."""
        return self.best_epoch is not None and len(self.validation_losses) - 1 - self.best_epoch >= patience


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Tensors of a network, of its best state so far, of its optimizer and of the random generators."""

    progress: Progress
    tensors: Mapping[str, Any]

    def part(self, prefix: str) -> dict[str, Any]:
        """The tensors whose names begin so, without it."""
        return {name.removeprefix(prefix): values for name, values in self.tensors.items() if name.startswith(prefix)}

    @property
    def best(self) -> dict[str, Any]:
        """The network's tensors after its best epoch; empty before the first."""
        return self.part(BEST)


def save_checkpoint(
    path: Path,
    *,
    settings: Settings,
    data: Mapping[str, str],
    progress: Progress,
    network: Any,
    optimizer: Any,
    best: Mapping[str, Any],
) -> None:
    """Write where the training stands."""
    states = optimizer.state_dict()["state"]
    tensors = {f"{NETWORK}{name}": values for name, values in network.state_dict().items()}
    tensors |= {f"{BEST}{name}": values for name, values in best.items()}
    tensors |= {f"{OPTIMIZER}{number}.{key}": value for number, state in states.items() for key, value in state.items()}
    tensors |= {f"{RANDOM}cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        tensors |= {f"{RANDOM}cuda": torch.cuda.get_rng_state()}
    about = {"settings": settings.to_json(), "data": dict(data), "progress": asdict(progress)}
    write_tensors(path, {name: values.clone() for name, values in tensors.items()}, about)


def load_checkpoint(path: Path, *, settings: Settings, data: Mapping[str, str]) -> Checkpoint:
    """Read where a training stood; raises InputError where it is damaged, or of other settings or data."""
    tensors, about = read_tensors(path)
    try:
        before = Settings.from_json(about["settings"], place=str(path))
        fields = {**about["progress"], "validation_losses": tuple(about["progress"]["validation_losses"])}
        found = Checkpoint(Progress(**fields), tensors)
    except (KeyError, TypeError) as error:
        raise InputError(f"{path}: is damaged ({error!r}); delete it and train again") from error
    if changed := settings.differences(before):
        raise InputError(f"{path}: is of another training: {'; '.join(changed)}; use its settings, or start over")
    if about["data"] != dict(data):
        raise InputError(
            f"{path}: was trained on other data ({', '.join(about['data'])}); give the same, or start over"
        )
    return found


def restore(checkpoint: Checkpoint, *, network: Any, optimizer: Any, path: Path) -> None:
    """Put network, optimizer and random generators where they stood; raises InputError where shapes do not fit."""
    states: dict[int, dict[str, Any]] = {}
    for name, value in checkpoint.part(OPTIMIZER).items():
        number, _, key = name.partition(".")
        states.setdefault(int(number), {})[key] = value
    try:
        network.load_state_dict(checkpoint.part(NETWORK))
        optimizer.load_state_dict({**optimizer.state_dict(), "state": states})
    except (RuntimeError, ValueError) as error:
        raise InputError(
            f"{path}: its tensors do not fit this network ({str(error).splitlines()[0]}); start over"
        ) from error
    torch.set_rng_state(checkpoint.tensors[f"{RANDOM}cpu"])
    if torch.cuda.is_available() and f"{RANDOM}cuda" in checkpoint.tensors:
        torch.cuda.set_rng_state(checkpoint.tensors[f"{RANDOM}cuda"])
