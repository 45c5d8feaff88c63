"""What the roofline says of the steps, written down before any is measured."""

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from gpu_validate.steps.cases import BATCHES, MIXED, OWN_READS, Case
from s3sim.core.batch import Batch, Chunk
from s3sim.core.errors import InvariantError
from s3sim.core.request import Request, Sequence
from s3sim.hardware import DEFAULT_ENGINE, DeviceSpec, EngineSpec, ModelSpec, Roofline, presets

__all__ = ["IDEAL", "NEEDED_RATIO", "PAPER_DEVICE", "PAPER_GAIN", "Ratio", "case_seconds", "preset_of", "ratios"]

PICOSECONDS = 10**12  # per second
PAPER_DEVICE = "a100-80gb"  # S³ (arXiv 2306.06000) ran on A100s of 80 GB
PAPER_GAIN = 6.49  # S³'s largest throughput over ORCA's, by its abstract
# Tokens per second gain by the ratio of the batches over that of the steps: 150 / 17 over the gain.
NEEDED_RATIO = BATCHES[1] / BATCHES[0] / PAPER_GAIN
# All peaks reached, no overheads, a sharp bend between memory and arithmetic.
IDEAL = EngineSpec(
    name="ideal",
    weight_bandwidth_fraction=1.0,
    kv_bandwidth_fraction=1.0,
    gemm_flops_fraction=1.0,
    prefill_attention_flops_fraction=1.0,
    seconds_per_layer=0.0,
    seconds_per_sequence=0.0,
    smooth_exponent=64.0,
    source="the device's nominal peaks",
)
# How CUDA calls the devices whose presets are sure, recalled; partitions (MIG) and others match nothing.
NAMES = {
    r"A100-SXM4?-80GB": "a100-80gb",
    r"A100 80GB PCIe": "a100-pcie-80gb",
    r"A100-(?:SXM4?|PCIE)-40GB": "a100-40gb",
    r"H100 80GB HBM3": "h100-80gb",
    r"H100 PCIe": "h100-pcie-80gb",
    r"H200": "h200-141gb",
    r"L40S": "l40s",
    r"L4": "l4",
    r"RTX A6000": "a6000",
    r"A40": "a40",
    r"A30": "a30",
    r"A10": "a10",
    r"T4": "t4",
    r"V100-SXM2-16GB": "v100-16gb",
    r"V100-SXM2-32GB": "v100-32gb",
}
Reads = Literal["own", "padded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """A model's decode step of the larger batch over that of the smaller, at contexts 60 to 100, on one device.

    `reads` says whose KV attention reads: each row's own, as FasterTransformer does, or all rows as far as the widest.
    """

    device: str
    model: str
    engine: str
    reads: Reads
    small_s: float
    large_s: float

    @property
    def ratio(self) -> float:
        """Large over small."""
        return self.large_s / self.small_s

    def to_json(self) -> dict[str, Any]:
        """With the ratio."""
        return asdict(self) | {"ratio": self.ratio}


def preset_of(name: str) -> str | None:
    """The preset of a device that CUDA calls so; None for one that is not known for sure."""
    bare = re.sub(r"^(?:NVIDIA|Tesla)[ -]", "", name.strip())
    return next((preset for pattern, preset in NAMES.items() if re.fullmatch(pattern, bare)), None)


def ratios(model: ModelSpec, device: str) -> Iterator[Ratio]:
    """By the default engine and by an ideal one, for both kinds of reads."""
    for engine in (presets.engine(), IDEAL):
        roofline = Roofline(model=model, device=presets.device(device), engine=engine)
        kinds: tuple[tuple[Reads, tuple[int, int]], ...] = (("own", OWN_READS), ("padded", MIXED))
        for reads, span in kinds:
            cases = (Case(kind="decode", launch="graph", rows=rows, span=span) for rows in BATCHES)
            small, large = (_seconds(roofline, case) for case in cases)
            yield Ratio(device=device, model=model.name, engine=engine.name, reads=reads, small_s=small, large_s=large)


def case_seconds(case: Case, model: ModelSpec | None, device: DeviceSpec) -> float | None:
    """Seconds by the default engine, or by the device's published link; None for what no formula tells."""
    if model is None:
        ways = {"to_host": device.link.to_host_bandwidth, "to_device": device.link.to_device_bandwidth}
        return device.link.latency + case.size / ways[case.kind]
    if case.kind == "relocation":
        return None
    return _seconds(Roofline(model=model, device=device, engine=presets.engine(DEFAULT_ENGINE)), case)


def _seconds(roofline: Roofline, case: Case) -> float:
    if case.kind == "decode":
        batch = Batch(0, [], [], [], [], case.rows, case.read_slots)
    elif case.kind == "prefill":
        pairs = case.size * (case.size + 1) // 2
        chunk = Chunk(Sequence(Request(0, 0, case.size, 1), None, 0), case.size, 0, last=True)
        batch = Batch(0, [chunk], [], [], [], 0, 0, prefill_tokens=case.size, prefill_attended=pairs)
    else:
        raise InvariantError(f"{case}: no step")
    return roofline.affine(batch).first / PICOSECONDS
