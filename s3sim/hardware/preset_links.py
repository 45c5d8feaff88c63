"""Host links whose copy rates are known."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from s3sim.hardware.device import LinkSpec

__all__ = ["LINKS", "PCIE_3_X16", "PCIE_4_X8", "PCIE_4_X16", "PCIE_5_X16"]

# Bytes/s of one large pinned copy, the other direction idle. Nominal after 128b/130b coding, per
# direction: 15.8 GB/s (3.0 x16, 4.0 x8), 31.5 (4.0 x16), 63.0 (5.0 x16); copies reach 76-88% of it.
PCIE_3_X16 = LinkSpec(
    name="pcie-3.0-x16",
    to_host_bandwidth=12.4e9,  # assumed equal to the other direction
    to_device_bandwidth=12.4e9,  # 12.36 GB/s
    source="nvbandwidth README, host_to_device_memcpy_ce; link width inferred from the figure",
)
PCIE_4_X8 = LinkSpec(
    name="pcie-4.0-x8",
    to_host_bandwidth=12.0e9,
    to_device_bandwidth=12.0e9,
    source="about half of the 4.0 x16 figure, 76% of nominal; not measured",
)
PCIE_4_X16 = LinkSpec(
    name="pcie-4.0-x16",
    to_host_bandwidth=25.0e9,  # "~25 GB/s" in both directions
    to_device_bandwidth=24.8e9,
    source="nvbandwidth 0.8 on 8x A100-SXM4-80GB, forums.developer.nvidia.com topic 352186",
)
PCIE_5_X16 = LinkSpec(
    name="pcie-5.0-x16",
    to_host_bandwidth=55.6e9,  # assumed equal to the other direction
    to_device_bandwidth=55.6e9,  # 55.63 GB/s
    source="NVIDIA developer blog on nvbandwidth, host_to_device_memcpy_ce; link inferred from the figure",
)

LINKS: Final[Mapping[str, LinkSpec]] = MappingProxyType(
    {spec.name: spec for spec in (PCIE_3_X16, PCIE_4_X8, PCIE_4_X16, PCIE_5_X16)}
)
