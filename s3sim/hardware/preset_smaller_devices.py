"""Devices with up to 48 GB: Volta, Turing, Ampere and Ada.

Bandwidths and peaks are nominal, dense. `verified` says that bandwidth and 16-bit peak were read in the
named source; 32-bit and 8-bit peaks are recalled throughout. Of the memories only the T4's was read as
software reports it; the others are the nominal size less a recalled reserve.
"""

from typing import Final

from s3sim.hardware.device import DeviceSpec
from s3sim.hardware.preset_links import PCIE_3_X16, PCIE_4_X16

__all__ = ["SMALLER_DEVICES"]

_GIB = 2**30
# Share of the nominal size that CUDA reports, recalled: HBM, and GDDR6 with ECC off, lose 1-2% to the driver;
# GDDR6 with ECC on, the data-centre cards' default, keeps a sixteenth for the codes besides.
_WHOLE = 0.985
_ECC = 0.925


def _memory(gib: int, share: float) -> int:
    return round(gib * _GIB * share)


SMALLER_DEVICES: Final = (
    DeviceSpec(
        name="l40s",
        memory_bytes=_memory(48, _ECC),
        memory_bandwidth=864e9,  # bytes/s
        fp16_flops=362.05e12,
        fp32_flops=91.6e12,  # recalled
        fp8_flops=724.1e12,  # recalled: twice the 16-bit peak
        link=PCIE_4_X16,
        verified=True,
        source="aiconfigurator l40s.yaml; memory recalled",
    ),
    DeviceSpec(
        name="l4",
        memory_bytes=_memory(24, _ECC),
        memory_bandwidth=300e9,  # bytes/s
        fp16_flops=121e12,
        fp32_flops=30.3e12,
        fp8_flops=242e12,  # twice the 16-bit peak
        link=PCIE_4_X16,
        source="NVIDIA L4 datasheet, recalled",
    ),
    DeviceSpec(
        name="a6000",
        memory_bytes=_memory(48, _WHOLE),  # ECC is off by default
        memory_bandwidth=768e9,  # bytes/s
        fp16_flops=154.8e12,
        fp32_flops=38.7e12,
        link=PCIE_4_X16,
        peer_bandwidth=56e9,  # bytes/s, NVLink bridge, nominal per direction
        source="NVIDIA RTX A6000 datasheet, recalled",
    ),
    DeviceSpec(
        name="a40",
        memory_bytes=_memory(48, _ECC),
        memory_bandwidth=696e9,  # bytes/s
        fp16_flops=149.7e12,
        fp32_flops=37.4e12,
        link=PCIE_4_X16,
        peer_bandwidth=56e9,  # bytes/s, NVLink bridge, nominal per direction
        source="NVIDIA A40 datasheet, recalled",
    ),
    DeviceSpec(
        name="a30",
        memory_bytes=_memory(24, _WHOLE),
        memory_bandwidth=933e9,  # bytes/s
        fp16_flops=165e12,
        fp32_flops=10.3e12,  # recalled
        link=PCIE_4_X16,
        peer_bandwidth=100e9,  # bytes/s, NVLink bridge, nominal per direction
        verified=True,
        source="aiconfigurator a30.yaml; memory recalled",
    ),
    DeviceSpec(
        name="a10",
        memory_bytes=_memory(24, _ECC),
        memory_bandwidth=600e9,  # bytes/s
        fp16_flops=125e12,
        fp32_flops=31.2e12,
        link=PCIE_4_X16,
        source="NVIDIA A10 datasheet, recalled",
    ),
    DeviceSpec(
        name="t4",
        memory_bytes=round(14.56 * _GIB),  # bytes; PyTorch reports 14.56 GiB in all
        memory_bandwidth=320e9,  # bytes/s
        fp16_flops=65.13e12,
        fp32_flops=8.1e12,  # recalled
        link=PCIE_3_X16,
        verified=True,
        source="T4 page of sysrqmts; memory as PyTorch reports it",
    ),
    *(
        DeviceSpec(
            name=f"v100-{gib}gb",
            memory_bytes=_memory(gib, _WHOLE),
            memory_bandwidth=900e9,  # bytes/s; read as 897 and 900
            fp16_flops=125e12,
            fp32_flops=15.7e12,
            link=PCIE_3_X16,
            peer_bandwidth=150e9,  # bytes/s, NVLink 2, nominal per direction
            source="V100 SXM2: bandwidth from the V100 page of sysrqmts, the rest of its datasheet, recalled",
        )
        for gib in (16, 32)
    ),
)
