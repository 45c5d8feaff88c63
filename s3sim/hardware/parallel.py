"""How one replica's model is spread over several devices."""

from dataclasses import dataclass

from s3sim.core.errors import InputError
from s3sim.hardware.checks import require_not_negative, require_number, require_whole
from s3sim.hardware.device import DeviceSpec
from s3sim.hardware.model import DTYPE_BYTES, ModelSpec

__all__ = ["Parallel"]

# All-reduces of FasterTransformer 5.3 on NVLink A100s: 107 rows of GPT-20B on 2, 4 and 8 devices and of GPT-89B and
# GPT-175B on 8 (gpt_guide.md), fitted together with the engines' constants by `s3sim calibrate` (docs/fidelity.md).
COLLECTIVE_SECONDS = 24.4e-6  # s per collective or stage hand-over: launch and synchronisation
HOP_SECONDS = 1.66e-6  # s per hop of a ring; an all-reduce over t devices has 2·(t − 1)
PEER_BANDWIDTH_FRACTION = 0.293  # of the nominal bandwidth between devices


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
    hop_seconds: float = HOP_SECONDS
    peer_bandwidth_fraction: float = PEER_BANDWIDTH_FRACTION

    def __post_init__(self) -> None:
        require_whole("parallel: tensor", self.tensor)
        require_whole("parallel: pipeline", self.pipeline)
        require_not_negative("parallel: collective_seconds", self.collective_seconds)
        require_not_negative("parallel: hop_seconds", self.hop_seconds)
        require_number("parallel: peer_bandwidth_fraction", self.peer_bandwidth_fraction, most=1.0)

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

        A ring all-reduce moves 2·(t−1)/t of the activations in 2·(t−1) hops (Patarasuk & Yuan 2009), twice a
        layer; a hand-over to the next stage moves them once.
        """
        bandwidth = device.peer_bandwidth * self.peer_bandwidth_fraction
        activation = model.hidden * 2 / bandwidth  # s per token, 16-bit activations
        reduces = 2 * model.layers if self.tensor > 1 else 0
        hand_overs = self.pipeline - 1
        hops = 2 * (self.tensor - 1)
        fixed = (reduces + hand_overs) * self.collective_seconds + reduces * hops * self.hop_seconds
        return fixed, (reduces * hops / self.tensor + hand_overs) * activation
