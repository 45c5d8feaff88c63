"""Models, devices, links and engines by name."""

from collections.abc import Mapping
from typing import TypeVar

from s3sim.core.errors import UnknownNameError
from s3sim.hardware.device import DeviceSpec, LinkSpec
from s3sim.hardware.engine import EngineSpec
from s3sim.hardware.model import ModelSpec
from s3sim.hardware.preset_devices import DEVICES
from s3sim.hardware.preset_engines import DEFAULT_ENGINE, ENGINES
from s3sim.hardware.preset_links import LINKS
from s3sim.hardware.preset_models import MODELS

__all__ = [
    "DEFAULT_ENGINE",
    "DEVICES",
    "ENGINES",
    "LINKS",
    "MODELS",
    "device",
    "engine",
    "link",
    "model",
]

Spec = TypeVar("Spec")


def model(name: str) -> ModelSpec:
    """The model of that name. Raises UnknownNameError, which lists the known ones."""
    return _look_up("model", name, MODELS)


def device(name: str) -> DeviceSpec:
    """The device of that name. Raises UnknownNameError, which lists the known ones."""
    return _look_up("device", name, DEVICES)


def link(name: str) -> LinkSpec:
    """The host link of that name. Raises UnknownNameError, which lists the known ones."""
    return _look_up("link", name, LINKS)


def engine(name: str = DEFAULT_ENGINE) -> EngineSpec:
    """The engine of that name. Raises UnknownNameError, which lists the known ones."""
    return _look_up("engine", name, ENGINES)


def _look_up(kind: str, name: str, known: Mapping[str, Spec]) -> Spec:
    if name not in known:
        raise UnknownNameError(kind, name, known)
    return known[name]
