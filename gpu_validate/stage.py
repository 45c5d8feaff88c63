"""The stage of a replay: the device, and the models on it, as the command line asked for them."""

import torch

from gpu_validate.canary import Canary
from gpu_validate.clock import Measured
from gpu_validate.configs import config_of
from gpu_validate.device import find_device
from gpu_validate.faults import memory_faults
from gpu_validate.model import LoadedModel, dtype_of, load_model, random_model
from gpu_validate.plan import Plan
from gpu_validate.point import load_of, world_of
from gpu_validate.points import Experiment
from gpu_validate.replay import Replayed
from gpu_validate.shapes import SIZES, sized
from gpu_validate.surface import Device
from gpu_validate.world import Settings, World, assemble
from s3sim.core.errors import InputError
from s3sim.experiment.resolved import Point
from s3sim.hardware.model import ModelSpec

__all__ = ["Stage"]


class Stage:
    """The device and the models on it, each made when it is first needed."""

    def __init__(self, plan: Plan, canary: Canary | None = None) -> None:
        if plan.threads != 1 and plan.clock != "wall":
            raise InputError(f"--threads {plan.threads}: only --clock wall sees more than one thread")
        torch.set_num_threads(plan.threads)
        self.plan = plan
        self.device: Device = find_device(plan.device)
        self.canary = canary
        if canary is None and plan.device == "cpu":
            self.canary = Canary(self.device, like=SIZES.get(plan.model_size, SIZES["small"]))
        if plan.clock == "canary" and self.canary is None:
            raise InputError("--clock canary: is for the CPU, whose neighbours disturb it; use --clock device")
        self._models: dict[str, LoadedModel] = {}

    def check(self, experiment: Experiment) -> None:
        """Build all that needs no device memory; raises InputError before anything is written."""
        for point in experiment.points:
            world_of(point, load_of(point)).scheduler()
            if self.plan.weights is None:
                config_of(sized(ModelSpec(**point.model), self.plan.model_size))
        if self.plan.weights is not None:
            self.model(experiment.points[0])

    def model(self, point: Point) -> LoadedModel:
        """The point's model at the plan's size; the one before it makes room."""
        return self.model_of(ModelSpec(**point.model))

    def model_of(self, spec: ModelSpec) -> LoadedModel:
        """A model of that shape at the plan's size; the one before it makes room."""
        name = self.plan.weights or repr(spec)
        if name not in self._models:
            self._models.clear()
            self._models[name] = self._load(spec)
        return self._models[name]

    def run(self, world: World, model: LoadedModel) -> Replayed:
        """Replay a world."""
        plan = self.plan
        clock = Measured(plan.clock, self.canary)
        settings = Settings(
            clock=clock,
            mode=plan.mode,
            seed=plan.seed,
            strict=plan.strict,
            timeout_s=plan.timeout_s,
        )
        with memory_faults(f"serving {world.name!r}"):
            return assemble(world, model, settings).run()

    def _load(self, spec: ModelSpec) -> LoadedModel:
        plan, dtype = self.plan, dtype_of(self.plan.dtype)
        if plan.weights is not None:
            return load_model(plan.weights, device=self.device, dtype=dtype)
        return random_model(sized(spec, plan.model_size), device=self.device, dtype=dtype, seed=plan.seed)
