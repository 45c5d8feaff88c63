"""How close one serving engine comes to its device's peaks."""

from dataclasses import dataclass

from s3sim.hardware.checks import require_not_negative, require_number, require_text

__all__ = ["EngineSpec"]

_FRACTIONS = (
    "weight_bandwidth_fraction",
    "kv_bandwidth_fraction",
    "gemm_flops_fraction",
    "prefill_attention_flops_fraction",
)
_DURATIONS = ("seconds_per_layer", "seconds_per_sequence", "cpu_floor_seconds_per_layer", "seconds_per_allocated_byte")


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSpec:
    """The constants with which a Roofline prices one engine's forward passes.

    Fractions are of the device's nominal peaks, in (0, 1]; durations are in seconds. `source` says
    how they were found. Raises InputError for a field that cannot be used.
    """

    name: str
    weight_bandwidth_fraction: float  # reading weights
    kv_bandwidth_fraction: float  # reading the KV cache in decode attention
    gemm_flops_fraction: float  # dense layers
    prefill_attention_flops_fraction: float  # scores and values of the prompt's query-key pairs
    seconds_per_layer: float  # launches, norms and other small kernels, per layer and forward pass
    seconds_per_sequence: float  # sampling and bookkeeping, per sequence and forward pass
    cpu_floor_seconds_per_layer: float = 0.0  # host time per layer of eager engines; 0 if compiled
    seconds_per_allocated_byte: float = 0.0  # stall where KV tensors are allocated anew in a step; 0 if never
    smooth_exponent: float = 3.0  # sharpness of the bend from memory-bound to compute-bound GEMMs
    source: str = "unstated"

    def __post_init__(self) -> None:
        require_text("engine: name", self.name)
        for field in _FRACTIONS:
            require_number(f"engine {self.name!r}: {field}", getattr(self, field), most=1.0)
        for field in _DURATIONS:
            require_not_negative(f"engine {self.name!r}: {field}", getattr(self, field))
        require_number(f"engine {self.name!r}: smooth_exponent", self.smooth_exponent, above=1.0, most=64.0)
