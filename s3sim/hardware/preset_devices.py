"""Devices and host links whose figures are known."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from s3sim.hardware.device import DeviceSpec, LinkSpec

__all__ = ["DEVICES", "LINKS"]

# Bytes/s of one large pinned copy, the other direction idle. Nominal after 128b/130b coding, per
# direction: 15.8 GB/s (3.0 x16, 4.0 x8), 31.5 (4.0 x16), 63.0 (5.0 x16); copies reach 76-88% of it.
_PCIE_3_X16 = LinkSpec(
    name="pcie-3.0-x16",
    to_host_bandwidth=12.4e9,  # assumed equal to the other direction
    to_device_bandwidth=12.4e9,  # 12.36 GB/s
    source="nvbandwidth README, host_to_device_memcpy_ce; link width inferred from the figure",
)
_PCIE_4_X8 = LinkSpec(
    name="pcie-4.0-x8",
    to_host_bandwidth=12.0e9,
    to_device_bandwidth=12.0e9,
    source="about half of the 4.0 x16 figure, 76% of nominal; not measured",
)
_PCIE_4_X16 = LinkSpec(
    name="pcie-4.0-x16",
    to_host_bandwidth=25.0e9,  # "~25 GB/s" in both directions
    to_device_bandwidth=24.8e9,
    source="nvbandwidth 0.8 on 8x A100-SXM4-80GB, forums.developer.nvidia.com topic 352186",
)
_PCIE_5_X16 = LinkSpec(
    name="pcie-5.0-x16",
    to_host_bandwidth=55.6e9,  # assumed equal to the other direction
    to_device_bandwidth=55.6e9,  # 55.63 GB/s
    source="NVIDIA developer blog on nvbandwidth, host_to_device_memcpy_ce; link inferred from the figure",
)

_A100_80GB = DeviceSpec(
    name="a100-80gb",
    memory_bytes=85_093_777_408,  # bytes, CUDA's total (79.25 GiB); nvidia-smi shows 81,920 MiB
    memory_bandwidth=2039e9,  # bytes/s
    fp16_flops=312e12,
    fp32_flops=19.5e12,  # without TF32
    link=_PCIE_4_X16,
    peer_bandwidth=300e9,  # bytes/s, NVLink 3, nominal per direction
    verified=True,
    source="NVIDIA A100 SXM4 datasheet figures, read in secondary tables; memory as CUDA reports it",
)
_H100_80GB = DeviceSpec(
    name="h100-80gb",
    memory_bytes=81_090 * 2**20,  # bytes; PyTorch reports total_memory=81090MB
    memory_bandwidth=3350e9,  # bytes/s
    fp16_flops=989e12,
    fp32_flops=67e12,  # recalled
    fp8_flops=1979e12,  # recalled: twice the 16-bit peak
    link=_PCIE_5_X16,
    peer_bandwidth=450e9,  # bytes/s, NVLink 4, nominal per direction
    verified=True,
    source="NVIDIA H100 SXM datasheet figures, read in secondary tables; memory as PyTorch reports it",
)
_DEVICES = (
    _A100_80GB,
    replace(
        _A100_80GB,
        name="a100-80gb-s3",
        link=_PCIE_4_X8,
        source="S3 (arXiv 2306.06000): A100 80 GB, host over PCIe 4.0 x8, Lenovo SD650-N V2",
    ),
    replace(
        _A100_80GB,
        name="a100-40gb",
        memory_bytes=42_405_855_232,  # bytes, deviceQuery (PC2 wiki)
        memory_bandwidth=1555e9,  # bytes/s
        source="NVIDIA A100 SXM4 40 GB datasheet figures; memory from deviceQuery (PC2 wiki)",
    ),
    _H100_80GB,
    replace(
        _H100_80GB,
        name="h200-141gb",
        memory_bytes=143_156 * 2**20,  # bytes; PyTorch reports total_memory=143156MB (139.80 GiB)
        memory_bandwidth=4800e9,  # bytes/s
        source="NVIDIA H200 SXM datasheet figures, read in secondary tables; memory as PyTorch reports it",
    ),
)

LINKS: Final[Mapping[str, LinkSpec]] = MappingProxyType(
    {spec.name: spec for spec in (_PCIE_3_X16, _PCIE_4_X8, _PCIE_4_X16, _PCIE_5_X16)}
)
DEVICES: Final[Mapping[str, DeviceSpec]] = MappingProxyType({spec.name: spec for spec in _DEVICES})
