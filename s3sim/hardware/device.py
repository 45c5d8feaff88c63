"""What one accelerator offers: memory, bandwidth, peak arithmetic, and its link to the host."""

from dataclasses import dataclass

from s3sim.core.errors import InputError
from s3sim.hardware.checks import (
    require_flag,
    require_name,
    require_not_negative,
    require_number,
    require_text,
    require_whole,
)
from s3sim.hardware.model import DTYPE_BYTES

__all__ = ["DeviceSpec", "LinkSpec"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSpec:
    """A link between device and host memory: what large pinned copies reach, and what each copy costs.

    Bandwidths are effective bytes per second in one direction; `latency` is in seconds per copy.
    Raises InputError for a field that cannot be used.
    """

    name: str
    to_host_bandwidth: float
    to_device_bandwidth: float
    latency: float = 10e-6  # s: launching one asynchronous copy; rule of thumb, not measured here
    source: str = "unstated"

    def __post_init__(self) -> None:
        require_text("link: name", self.name)
        for field in ("to_host_bandwidth", "to_device_bandwidth"):
            require_number(f"link {self.name!r}: {field}", getattr(self, field))
        require_not_negative(f"link {self.name!r}: latency", self.latency)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSpec:
    """One accelerator: nominal peaks, from which an EngineSpec takes its fractions.

    `memory_bytes` is what the driver reports as total. Peaks are dense (no sparsity), per second.
    `verified` says whether the figures were read in the named source or recalled. Raises
    InputError for a field that cannot be used.
    """

    name: str
    memory_bytes: int
    memory_bandwidth: float  # bytes/s, nominal
    fp16_flops: float  # also used for bf16, and for 8-bit weights that are multiplied in 16 bits
    link: LinkSpec
    peer_bandwidth: float = 32e9  # bytes/s per direction to another device of the replica; PCIe 4.0 unless NVLink
    fp32_flops: float | None = None
    fp8_flops: float | None = None
    verified: bool = False
    source: str = "unstated"

    def __post_init__(self) -> None:
        require_text("device: name", self.name)
        require_whole(self._place("memory_bytes"), self.memory_bytes)
        for field in ("memory_bandwidth", "fp16_flops", "peer_bandwidth"):
            require_number(self._place(field), getattr(self, field))
        for field in ("fp32_flops", "fp8_flops"):
            if getattr(self, field) is not None:
                require_number(self._place(field), getattr(self, field))
        require_flag(self._place("verified"), self.verified)

    def _place(self, field: str) -> str:
        return f"device {self.name!r}: {field}"

    def peak_flops(self, dtype: str) -> float:
        """Peak operations per second of matrix products with weights of `dtype`.

        8-bit weights fall back to the 16-bit peak where the device has no 8-bit figure. Raises
        InputError for fp32 on a device that states no fp32 peak.
        """
        require_name(self._place("peak_flops"), dtype, DTYPE_BYTES, kind="number format")
        if dtype == "fp8" and self.fp8_flops is not None:
            return self.fp8_flops
        if dtype != "fp32":
            return self.fp16_flops
        if self.fp32_flops is None:
            raise InputError(
                f"{self._place('fp32_flops')}: missing, yet a model with fp32 weights needs it; "
                "give the peak in operations per second, or use fp16 or bf16 weights"
            )
        return self.fp32_flops
