"""How one replica's model is spread over several devices."""

from dataclasses import dataclass

from s3sim.core.errors import InputError
from s3sim.hardware.checks import require_not_negative, require_whole
from s3sim.hardware.device import DeviceSpec
from s3sim.hardware.model import DTYPE_BYTES, ModelSpec

__all__ = ["Parallel"]

# s per collective or stage hand-over: launch and synchronisation. NCCL's small-message all-reduce on
# NVLink A100s takes 10-20 µs; a rule of thumb, not measured here.
COLLECTIVE_SECONDS = 15e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Parallel:
    """Degrees of tensor and pipeline parallelism: tensor × pipeline devices in all.

    Tensor parallelism splits every layer's heads and feed-forward columns, with two all-reduces a layer.
    Pipeline parallelism gives each stage ceil(layers / pipeline) layers or one fewer, and keeps as many
    micro-batches in flight as there are stages.
    """

    tensor: int = 1
    pipeline: int = 1
    collective_seconds: float = COLLECTIVE_SECONDS

    def __post_init__(self) -> None:
        require_whole("parallel: tensor", self.tensor)
        require_whole("parallel: pipeline", self.pipeline)
        require_not_negative("parallel: collective_seconds", self.collective_seconds)

    @property
    def devices(self) -> int:
        """Devices of one replica."""
        return self.tensor * self.pipeline

    def check(self, model: ModelSpec) -> None:
        """Raise InputError where the model cannot be split so."""
        if model.heads % self.tensor or (model.kv_heads % self.tensor and self.tensor % model.kv_heads):
            raise InputError(
                f"parallel: tensor {self.tensor} does not divide the {model.heads} heads"
                f" ({model.kv_heads} KV heads) of {model.name!r}; choose a divisor"
            )
        if self.pipeline > model.layers:
            raise InputError(
                f"parallel: pipeline {self.pipeline} exceeds the {model.layers} layers of {model.name!r};"
                " a stage needs at least one"
            )

    def stage_layers(self, model: ModelSpec) -> int:
        """Layers of the largest stage."""
        return -(-model.layers // self.pipeline)

    def kv_shards(self, model: ModelSpec) -> int:
        """Devices of a stage over which KV is split; beyond the KV heads it is replicated."""
        return min(self.tensor, model.kv_heads)

    def weight_bytes(self, model: ModelSpec) -> int:
        """Weights on the fullest device: its share of a largest stage, and one of the two vocabulary tables."""
        if self.pipeline == 1:
            return -(-model.weight_bytes // self.tensor)
        table = model.vocab * model.hidden * DTYPE_BYTES[model.weight_dtype]
        layers = model.weight_bytes - (1 if model.tied_embeddings else 2) * table
        return -(-(layers * self.stage_layers(model) // model.layers + table) // self.tensor)

    def transfer_seconds(self, *, model: ModelSpec, device: DeviceSpec) -> tuple[float, float]:
        """Seconds of communication in one forward pass: fixed, and per new token.

        A ring all-reduce moves 2·(t−1)/t of the activations (Patarasuk & Yuan 2009), twice a layer; a
        hand-over to the next stage moves them once.
        """
        activation = model.hidden * 2 / device.peer_bandwidth  # s per token, 16-bit activations
        reduces = 2 * model.layers if self.tensor > 1 else 0
        hand_overs = self.pipeline - 1
        ring = 2 * (self.tensor - 1) / self.tensor
        return (reduces + hand_overs) * self.collective_seconds, (reduces * ring + hand_overs) * activation
