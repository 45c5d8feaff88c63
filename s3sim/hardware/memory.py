"""How a device's memory divides into weights, runtime and KV cache."""

from dataclasses import dataclass, field

from s3sim.core.errors import InputError
from s3sim.hardware.checks import require_number, require_whole
from s3sim.hardware.device import DeviceSpec
from s3sim.hardware.model import ModelSpec
from s3sim.hardware.parallel import Parallel

__all__ = ["CONTEXT_BYTES", "WORKSPACE_BYTES", "MemoryPlan"]

CONTEXT_BYTES = 400_000_000  # CUDA context with lazy loading (CUDA >= 11.7): about 0.4 GB
# FasterTransformer 5.3 holds 2.94 GB beside weights and growing buffers (three GPT models on A100, memory_used of
# gpt_guide.md at several batches, docs/oom.md); less the context that leaves 2.54 GB.
WORKSPACE_BYTES = 2_540_000_000

_GB = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPlan:
    """The division of each device's memory: weights + workspace + context + KV cache = usable.

    Usable is `gpu_memory_utilization` of the device's total, vLLM's option of that name. Raises
    InputError if a field cannot be used or if not even one token's KV fits beside the model.
    """

    model: ModelSpec
    device: DeviceSpec
    gpu_memory_utilization: float = 1.0  # fraction of the device's memory that the engine may take
    context_bytes: int = CONTEXT_BYTES
    workspace_bytes: int = WORKSPACE_BYTES
    parallel: Parallel = field(default_factory=Parallel)

    def __post_init__(self) -> None:
        require_number("memory: gpu_memory_utilization", self.gpu_memory_utilization, most=1.0)
        require_whole("memory: context_bytes", self.context_bytes, least=0)
        require_whole("memory: workspace_bytes", self.workspace_bytes, least=0)
        self.parallel.check(self.model)
        if self.kv_capacity_tokens < 1:
            raise InputError(self._too_large())

    @property
    def usable_bytes(self) -> int:
        """Bytes that the engine may take in all."""
        return int(self.device.memory_bytes * self.gpu_memory_utilization)

    @property
    def weight_bytes(self) -> int:
        """Weights on the device that holds most of them."""
        return self.parallel.weight_bytes(self.model)

    @property
    def kv_bytes(self) -> int:
        """Bytes that remain for the KV cache on that device."""
        return self.usable_bytes - self.weight_bytes - self.workspace_bytes - self.context_bytes

    @property
    def kv_capacity_tokens(self) -> int:
        """Whole slots, of one token each, of the replica: what its tightest device holds of every token."""
        parallel, model = self.parallel, self.model
        share = parallel.kv_shards(model) * model.layers
        return self.kv_bytes * share // (model.kv_bytes_per_token * parallel.stage_layers(model))

    def _too_large(self) -> str:
        return (
            f"memory: model {self.model.name!r} does not fit on device {self.device.name!r}: "
            f"weights {self.weight_bytes / _GB:.2f} GB + workspace {self.workspace_bytes / _GB:.2f} GB"
            f" + context {self.context_bytes / _GB:.2f} GB leave no room for one token of KV cache"
            f" ({self.model.kv_bytes_per_token} bytes) in {self.usable_bytes / _GB:.2f} GB"
            f" (gpu_memory_utilization {self.gpu_memory_utilization:g} of"
            f" {self.device.memory_bytes / _GB:.2f} GB); choose a larger device, a smaller model, an 8-bit"
            " weight_dtype, a higher gpu_memory_utilization, or more devices (parallel)"
        )
