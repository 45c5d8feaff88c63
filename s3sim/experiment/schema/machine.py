"""What an experiment YAML may say of memory and of the duration of steps."""

from typing import Annotated, Literal

from pydantic import Field

from s3sim.experiment.schema.parts import DAY, Bytes, Mapping, Seconds
from s3sim.hardware.memory import CONTEXT_BYTES, WORKSPACE_BYTES

__all__ = ["Latency", "Memory", "Parallelism", "RooflineLatency"]


class Memory(Mapping):
    """How device and host memory are divided."""

    gpu_memory_utilization: float = Field(
        default=1.0, gt=0, le=1, description="Share of the device's memory that the engine may take."
    )
    context_bytes: Bytes = Field(default=CONTEXT_BYTES, description="What the driver holds.")
    workspace_bytes: Bytes = Field(default=WORKSPACE_BYTES, description="What the engine holds beside weights and KV.")
    kv_capacity_tokens: int | None = Field(
        default=None,
        ge=1,
        le=10**12,
        description="Slots for KV; null: what the memory plan leaves. A measured figure is better.",
    )
    host_bytes: Bytes = Field(
        default=64_000_000_000, description="Pinned host memory for swapped KV: a quarter of a 256 GB node."
    )


class Parallelism(Mapping):
    """Devices of one replica: tensor × pipeline."""

    tensor: int = Field(default=1, ge=1, le=1024, description="Devices over which each layer is split.")
    pipeline: int = Field(default=1, ge=1, le=1024, description="Stages of layers, with a micro-batch in flight each.")


class RooflineLatency(Mapping):
    """Memory and compute limits with an engine's fitted constants."""

    kind: Literal["roofline"] = "roofline"


class ProfileLatency(Mapping):
    """A measured table, interpolated linearly."""

    kind: Literal["profile"]
    path: str = Field(description="CSV of s3sim.hardware.profile_table's format, beside the YAML.")


class ConstantLatency(Mapping):
    """Fixed prices in seconds."""

    kind: Literal["constant"]
    step_seconds: Annotated[float, Field(gt=0, le=DAY)]
    prefill_seconds_per_token: Seconds = 0.0
    decode_seconds_per_context_token: Seconds = 0.0
    seconds_per_sequence: Seconds = 0.0
    relocation_seconds_per_token: Seconds = 0.0


Latency = Annotated[RooflineLatency | ProfileLatency | ConstantLatency, Field(discriminator="kind")]
