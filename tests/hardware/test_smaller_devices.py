"""Laws of the smaller devices: figures of their sources, memory below nominal, links of their generation."""

import pytest

from s3sim.hardware import DEVICES, ENGINES, LINKS, MODELS, MemoryPlan, Roofline
from s3sim.hardware.preset_smaller_devices import SMALLER_DEVICES

GIB = 2**30
FIGURES = {  # nominal GiB, GB/s, dense fp16 TFLOPS, PCIe generation, NVLink GB/s per direction, figures read
    "l40s": (48, 864, 362.05, 4, None, True),
    "l4": (24, 300, 121, 4, None, False),
    "a6000": (48, 768, 154.8, 4, 56, False),
    "a40": (48, 696, 149.7, 4, 56, False),
    "a30": (24, 933, 165, 4, 100, True),
    "a10": (24, 600, 125, 4, None, False),
    "t4": (16, 320, 65.13, 3, None, True),
    "v100-16gb": (16, 900, 125, 3, 150, False),
    "v100-32gb": (32, 900, 125, 3, 150, False),
}


@pytest.mark.parametrize("name", FIGURES)
def test_figures(name: str) -> None:
    """Every figure is that of the table, and says whether it was read or recalled."""
    device = DEVICES[name]
    gib, bandwidth, peak, generation, nvlink, verified = FIGURES[name]
    assert 0.9 * gib * GIB < device.memory_bytes < gib * GIB
    assert device.memory_bandwidth == bandwidth * 1e9
    assert device.fp16_flops == pytest.approx(peak * 1e12)
    assert device.link == LINKS[f"pcie-{generation}.0-x16"]
    assert device.peer_bandwidth == (nvlink * 1e9 if nvlink else 32e9)
    assert device.verified == verified
    assert ("recalled" in device.source) or verified


def test_all_are_listed() -> None:
    """The table above knows them all."""
    assert {device.name for device in SMALLER_DEVICES} == set(FIGURES)
    assert len(DEVICES) == len(FIGURES) + 7


def test_the_t4_has_what_software_reports() -> None:
    """16 nominal GiB are 14.56 to PyTorch, and hold GPT-J in 16 bits with room for some slots."""
    assert DEVICES["t4"].memory_bytes / GIB == pytest.approx(14.56)
    plan = MemoryPlan(model=MODELS["gpt-j-6b"], device=DEVICES["t4"])
    assert 1000 < plan.kv_capacity_tokens < 4000


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("dtype", ["fp16", "fp32", "fp8", "int8"])
def test_every_format_has_a_peak(name: str, dtype: str) -> None:
    """Each of them prices a model in every number format."""
    device = DEVICES[name]
    assert device.peak_flops("fp32") < device.peak_flops("fp16") <= device.peak_flops(dtype) or dtype == "fp32"
    assert "fastertransformer" in repr(
        Roofline(model=MODELS["gpt-j-6b"], device=device, engine=ENGINES["fastertransformer"])
    )
