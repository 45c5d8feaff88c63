"""Devices whose figures are known: those of the paper and their successors, and the smaller ones."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from s3sim.hardware.device import DeviceSpec
from s3sim.hardware.preset_links import PCIE_4_X8, PCIE_4_X16, PCIE_5_X16
from s3sim.hardware.preset_smaller_devices import SMALLER_DEVICES

__all__ = ["DEVICES"]

_A100_80GB = DeviceSpec(
    name="a100-80gb",
    memory_bytes=85_093_777_408,  # bytes, CUDA's total (79.25 GiB); nvidia-smi shows 81,920 MiB
    memory_bandwidth=2039e9,  # bytes/s
    fp16_flops=312e12,
    fp32_flops=19.5e12,  # without TF32
    link=PCIE_4_X16,
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
    link=PCIE_5_X16,
    peer_bandwidth=450e9,  # bytes/s, NVLink 4, nominal per direction
    verified=True,
    source="NVIDIA H100 SXM datasheet figures, read in secondary tables; memory as PyTorch reports it",
)
_DEVICES = (
    _A100_80GB,
    replace(
        _A100_80GB,
        name="a100-80gb-s3",
        link=PCIE_4_X8,
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
    replace(
        _A100_80GB,
        name="a100-pcie-80gb",
        memory_bandwidth=1935e9,  # bytes/s
        peer_bandwidth=32e9,  # bytes/s, PCIe 4.0, nominal; 300e9 where an NVLink bridge joins two
        source="NVIDIA A100 PCIe 80 GB datasheet figures, read in secondary tables; memory assumed as SXM4's",
    ),
    replace(
        _H100_80GB,
        name="h100-pcie-80gb",
        memory_bandwidth=2000e9,  # bytes/s
        fp16_flops=756.5e12,
        fp32_flops=51e12,  # recalled
        fp8_flops=1513e12,  # recalled: twice the 16-bit peak
        peer_bandwidth=64e9,  # bytes/s, PCIe 5.0, nominal
        source="NVIDIA H100 PCIe datasheet figures, read in secondary tables; memory assumed as SXM's",
    ),
)

DEVICES: Final[Mapping[str, DeviceSpec]] = MappingProxyType({spec.name: spec for spec in (*_DEVICES, *SMALLER_DEVICES)})
