"""Models, devices and engines as arithmetic: memory plans and durations of batches, without a GPU."""

from s3sim.hardware.constant import Constant
from s3sim.hardware.device import DeviceSpec, LinkSpec
from s3sim.hardware.engine import EngineSpec
from s3sim.hardware.memory import MemoryPlan
from s3sim.hardware.model import ModelSpec
from s3sim.hardware.parallel import Parallel
from s3sim.hardware.presets import (
    DEFAULT_ENGINE,
    DEVICES,
    ENGINES,
    LINKS,
    MODELS,
)
from s3sim.hardware.profile import Profile
from s3sim.hardware.profile_table import ProfileRow
from s3sim.hardware.roofline import Roofline

__all__ = [
    "DEFAULT_ENGINE",
    "DEVICES",
    "ENGINES",
    "LINKS",
    "MODELS",
    "Constant",
    "DeviceSpec",
    "EngineSpec",
    "LinkSpec",
    "MemoryPlan",
    "ModelSpec",
    "Parallel",
    "Profile",
    "ProfileRow",
    "Roofline",
]
