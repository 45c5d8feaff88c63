"""Laws of the presets: every name resolves, every unknown one is explained, and all of them work."""

from collections.abc import Callable
from dataclasses import fields, replace

import pytest
from hardware_batches import decode

import s3sim.hardware
from s3sim.core.errors import InputError, UnknownNameError
from s3sim.hardware import DEFAULT_ENGINE, DEVICES, ENGINES, LINKS, MODELS, Roofline, presets


def test_every_public_name_exists() -> None:
    """All that __all__ promises can be imported."""
    assert [name for name in s3sim.hardware.__all__ if not hasattr(s3sim.hardware, name)] == []


def test_names_resolve_to_their_specs() -> None:
    """Each preset is found under its own name, and states its source."""
    for look_up, known in (
        (presets.model, MODELS),
        (presets.device, DEVICES),
        (presets.engine, ENGINES),
        (presets.link, LINKS),
    ):
        for name in known:
            spec = look_up(name)
            assert spec.name == name
            assert spec.source != "unstated"
    assert presets.engine().name == DEFAULT_ENGINE


@pytest.mark.parametrize(
    ("look_up", "name", "hint"),
    [
        (presets.model, "gptj-6b", "unknown model 'gptj-6b'; did you mean 'gpt-j-6b'"),
        (presets.device, "a100", "unknown device 'a100'.*a100-40gb, a100-80gb"),
        (presets.engine, "fastertransformers", "did you mean 'fastertransformer'"),
        (presets.link, "pcie-4.0-x6", "unknown link"),
    ],
)
def test_unknown_names(look_up: Callable[[str], object], name: str, hint: str) -> None:
    """An unknown name lists the known ones and the closest."""
    with pytest.raises(UnknownNameError, match=hint):
        look_up(name)


def test_a_better_device_is_faster() -> None:
    """GPT-J decodes faster on each device with more bandwidth."""
    order = ["a100-40gb", "a100-80gb", "h100-80gb", "h200-141gb"]
    durations = [
        Roofline(model=MODELS["gpt-j-6b"], device=DEVICES[name], engine=presets.engine()).affine(decode(8, 800))
        for name in order
    ]
    assert [piece.first for piece in durations] == sorted((p.first for p in durations), reverse=True)


def test_the_paper_device_has_the_slow_link() -> None:
    """The S³ machine differs from the common A100 by its name, link and source alone."""
    paper, common = DEVICES["a100-80gb-s3"], DEVICES["a100-80gb"]
    differing = {field.name for field in fields(paper) if getattr(paper, field.name) != getattr(common, field.name)}
    assert differing == {"name", "link", "source"}
    assert 205 * 458_752 / paper.link.to_host_bandwidth == pytest.approx(8e-3, rel=0.05)


@pytest.mark.parametrize("name", ["fp16", "bf16", "int8", "fp8"])
def test_narrow_weights_multiply_in_sixteen_bits(name: str) -> None:
    """On a device without an 8-bit peak every narrow format reaches the 16-bit one."""
    assert DEVICES["a100-80gb"].peak_flops(name) == 312e12


def test_an_eight_bit_peak_is_used() -> None:
    """fp8 weights reach the 8-bit peak where the device states one, int8 weights never."""
    h100 = DEVICES["h100-80gb"]
    assert h100.peak_flops("fp8") == 2 * h100.peak_flops("int8") + 1e12  # 1979 against 989


@pytest.mark.parametrize(
    ("spec", "field", "value"),
    [
        (DEVICES["a100-80gb"], "memory_bytes", 80e9),
        (DEVICES["a100-80gb"], "memory_bandwidth", 0),
        (DEVICES["a100-80gb"], "fp8_flops", float("inf")),
        (DEVICES["a100-80gb"], "verified", "yes"),
        (LINKS["pcie-4.0-x8"], "to_host_bandwidth", -1.0),
        (LINKS["pcie-4.0-x8"], "latency", -1e-6),
        (ENGINES["fastertransformer"], "gemm_flops_fraction", 1.2),
        (ENGINES["fastertransformer"], "kv_bandwidth_fraction", "0.9"),
        (ENGINES["fastertransformer"], "seconds_per_layer", -1e-6),
        (ENGINES["fastertransformer"], "smooth_exponent", 1.0),
    ],
)
def test_refuses_impossible_fields(spec: object, field: str, value: object) -> None:
    """A field outside its range raises InputError that names the spec, the field and the value."""
    with pytest.raises(InputError, match=f"'{spec.name}': {field}: {value!r} is not usable; give"):  # type: ignore[attr-defined]
        replace(spec, **{field: value})  # type: ignore[type-var]
