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
_AMOUNTS = (
    "seconds_per_layer",
    "seconds_per_sequence",
    "activation_passes",
    "score_bytes_per_pair",
    "cpu_floor_seconds_per_layer",
    "seconds_per_allocated_byte",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSpec:
    """The constants with which a Roofline prices one engine's forward passes.

    Fractions are of the device's peaks, in (0, 1]; durations are in seconds. An activation pass reads or
    writes one 16-bit number per unit of the model's width at nominal bandwidth: norms, biases, transposes,
    and what matrix products lose on narrow models. `source` says how the constants were found. Raises
    InputError for a field that cannot be used.
    """

    name: str
    weight_bandwidth_fraction: float  # reading weights
    kv_bandwidth_fraction: float  # reading the KV cache in decode attention
    gemm_flops_fraction: float  # dense layers and output head
    prefill_attention_flops_fraction: float  # scores and values of the prompt's query-key pairs
    seconds_per_layer: float  # launches, norms and other small kernels, per layer and forward pass
    seconds_per_sequence: float  # sampling and bookkeeping, per sequence and forward pass
    activation_passes: float = 0.0  # memory passes over the activations of each new token, per layer
    score_bytes_per_pair: float = 0.0  # attention scores moved per query-key pair and head in prefill; 0 if fused
    cpu_floor_seconds_per_layer: float = 0.0  # host time per layer of eager engines; 0 if compiled
    seconds_per_allocated_byte: float = 0.0  # stall where KV tensors are allocated anew in a step; 0 if never
    smooth_exponent: float = 3.0  # sharpness of the bend from memory-bound to compute-bound GEMMs
    source: str = "unstated"

    def __post_init__(self) -> None:
        require_text("engine: name", self.name)
        for field in _FRACTIONS:
            require_number(f"engine {self.name!r}: {field}", getattr(self, field), most=1.0)
        for field in _AMOUNTS:
            require_not_negative(f"engine {self.name!r}: {field}", getattr(self, field))
        require_number(f"engine {self.name!r}: smooth_exponent", self.smooth_exponent, above=1.0, most=64.0)
