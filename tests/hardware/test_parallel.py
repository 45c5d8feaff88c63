"""Laws of parallel replicas: what each device holds, what communication costs, and what cannot be split.

docs/fidelity.md holds them against the published latencies of GPT-20B on 2, 4 and 8 A100s, GPT-89B and GPT-175B on 8.
"""

from dataclasses import replace

import pytest
from hardware_batches import decode, prefill
from hypothesis import given
from hypothesis import strategies as st

from s3sim.core.errors import InputError
from s3sim.hardware import DEVICES, ENGINES, LINKS, MODELS, MemoryPlan, ModelSpec, Parallel, Roofline
from s3sim.hardware.parallel import COLLECTIVE_SECONDS, PEER_BANDWIDTH_FRACTION

A100 = DEVICES["a100-80gb"]
GPT3 = MODELS["gpt3-175b"]
NEOX = MODELS["gpt-neox-20b"]
GROUPED = replace(MODELS["llama-13b"], name="grouped", kv_heads=8)


def plan(model: ModelSpec, **degrees: int) -> MemoryPlan:
    """The memory of one device of the replica."""
    return MemoryPlan(model=model, device=A100, parallel=Parallel(**degrees))


def roofline(model: ModelSpec, **degrees: int) -> Roofline:
    """Durations of that replica."""
    return Roofline(model=model, device=A100, engine=ENGINES["fastertransformer"], parallel=Parallel(**degrees))


def test_capacities_of_the_cost_study() -> None:
    """GPT-3 in a pipeline leaves about 28,000-30,000 slots on 6 A100s and 89,000-93,000 on 10.

    28,000 and 89,000 are 80e9 bytes less an even share of the weights; here the device has 85.09e9, of
    which 2.94e9 and the whole vocabulary table, on its stage, go first.
    """
    assert plan(GPT3, pipeline=6).kv_capacity_tokens == pytest.approx(29_000, rel=0.02)
    assert 89_000 <= plan(GPT3, pipeline=10).kv_capacity_tokens <= 93_000


def test_one_device_is_no_parallelism() -> None:
    """One device of one stage holds and takes what a plain replica does, bit for bit."""
    assert plan(NEOX, tensor=1).kv_capacity_tokens == MemoryPlan(model=NEOX, device=A100).kv_capacity_tokens
    plain = Roofline(model=NEOX, device=A100, engine=ENGINES["fastertransformer"])
    for batch in (decode(20, 9999), prefill(3, 700, rows=4, context=500)):
        assert roofline(NEOX, tensor=1).affine(batch) == plain.affine(batch)


@given(st.sampled_from([NEOX, GPT3, GROUPED]), st.sampled_from([1, 2, 4, 8]), st.integers(1, 12))
def test_shares_cover_the_model(model: ModelSpec, tensor: int, pipeline: int) -> None:
    """All devices together hold at least the weights, and no device more than one stage's layers and a table."""
    parallel = Parallel(tensor=tensor, pipeline=pipeline)
    share = parallel.weight_bytes(model)
    assert share * parallel.devices >= model.weight_bytes
    assert parallel.devices == tensor * pipeline
    assert parallel.stage_layers(model) * pipeline >= model.layers
    assert (parallel.stage_layers(model) - 1) * pipeline < model.layers
    if tensor > 1:
        assert share <= -(-Parallel(pipeline=pipeline).weight_bytes(model) // tensor)


def test_the_tightest_stage_sets_the_capacity() -> None:
    """44 layers in 8 stages are at most 6 on one: capacity is that stage's, not the average's."""
    found = plan(NEOX, pipeline=8)
    slot = NEOX.kv_bytes_per_token * 6 // 44
    assert found.kv_capacity_tokens == found.kv_bytes // slot


def test_kv_beyond_the_kv_heads_is_replicated() -> None:
    """Twice the devices hold twice the KV only as long as there are KV heads to split."""
    free = {tensor: plan(GROUPED, tensor=tensor) for tensor in (4, 8, 40)}
    slots = {tensor: found.kv_capacity_tokens / found.kv_bytes for tensor, found in free.items()}
    assert slots[8] / slots[4] == pytest.approx(2.0, rel=1e-4)
    assert slots[40] / slots[8] == pytest.approx(1.0, rel=1e-4)


@pytest.mark.parametrize("model", [NEOX, GPT3, MODELS["gpt-j-6b"]])
@given(tensor=st.sampled_from([1, 2, 4]), rows=st.integers(32, 256), context=st.integers(0, 100_000))
def test_more_devices_are_never_slower_on_large_batches(model: ModelSpec, tensor: int, rows: int, context: int) -> None:
    """On batches of 32 and more, up to 8 devices on NVLink are never slower than half as many, nor twice as fast."""
    fewer, more = roofline(model, tensor=tensor), roofline(model, tensor=2 * tensor)
    for batch in (decode(rows, context), prefill(8, 512, rows=rows, context=context)):
        assert fewer.affine(batch).first / 2 < more.affine(batch).first <= fewer.affine(batch).first


def test_slow_links_can_make_parallelism_a_loss() -> None:
    """Without a fast link, a large prefill on 8 devices loses to 1: communication is not free."""
    slow = replace(A100, peer_bandwidth=1e9)
    one, eight = (
        Roofline(model=NEOX, device=slow, engine=ENGINES["fastertransformer"], parallel=Parallel(tensor=tensor))
        for tensor in (1, 8)
    )
    batch = prefill(8, 512)
    assert eight.affine(batch).first > one.affine(batch).first


def test_communication_by_hand() -> None:
    """Two all-reduces a layer move 2·(t−1)/t of the activations each, in 2·(t−1) hops; a hand-over moves them once."""
    parallel = Parallel(tensor=4, pipeline=2, collective_seconds=1e-5, hop_seconds=1e-6, peer_bandwidth_fraction=0.5)
    fixed, token = parallel.transfer_seconds(model=NEOX, device=A100)
    assert fixed == pytest.approx((2 * 44 + 1) * 1e-5 + 2 * 44 * 2 * 3 * 1e-6)
    assert token == pytest.approx((2 * 44 * 1.5 + 1) * 6144 * 2 / 150e9)
    assert Parallel().transfer_seconds(model=NEOX, device=A100) == (0, 0)


def test_a_pipeline_divides_no_latency() -> None:
    """Stages follow one another: a pipeline adds its hand-overs to each forward pass, and nothing else."""
    batch = decode(16, 4000)
    added = roofline(NEOX, pipeline=4).affine(batch).first - roofline(NEOX).affine(batch).first
    moved = 16 * 6144 * 2 / (PEER_BANDWIDTH_FRACTION * 300e9)
    assert added == pytest.approx(3 * (COLLECTIVE_SECONDS + moved) * 1e12, abs=100)


@pytest.mark.parametrize(
    ("model", "degrees", "message"),
    [
        (NEOX, {"tensor": 3}, "tensor 3 does not divide the 64 heads"),
        (NEOX, {"tensor": 128}, "tensor 128 does not divide"),
        (replace(GROUPED, heads=40, kv_heads=10), {"tensor": 4}, r"tensor 4 .*\(10 KV heads\)"),
        (NEOX, {"pipeline": 45}, "pipeline 45 exceeds the 44 layers"),
    ],
)
def test_what_cannot_be_split(model: ModelSpec, degrees: dict[str, int], message: str) -> None:
    """A degree that the model's heads or layers do not allow raises InputError with the remedy."""
    with pytest.raises(InputError, match=message):
        Parallel(**degrees).check(model)
    with pytest.raises(InputError, match=message):
        plan(model, **degrees)


@pytest.mark.parametrize(
    ("field", "value"),
    [("tensor", 0), ("tensor", 2.0), ("tensor", True), ("pipeline", -1), ("pipeline", "2"),
     ("collective_seconds", -1e-6), ("collective_seconds", float("nan")), ("hop_seconds", -1e-6),
     ("peer_bandwidth_fraction", 0.0), ("peer_bandwidth_fraction", 1.1)],
)  # fmt: skip
def test_refuses_impossible_degrees(field: str, value: object) -> None:
    """A degree is a whole number of at least 1, a collective takes no less than no time."""
    with pytest.raises(InputError, match=f"parallel: {field}: {value!r} is not usable"):
        Parallel(**{field: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [0, 0.0, -1.0, float("inf"), float("nan"), "12e9", None])
def test_refuses_links_without_bandwidth(value: object) -> None:
    """A link to a peer or to the host has a finite bandwidth above 0."""
    with pytest.raises(InputError, match=r"peer_bandwidth: .* is not usable; give a finite number above 0"):
        replace(A100, peer_bandwidth=value)  # type: ignore[arg-type]
    for field in ("to_host_bandwidth", "to_device_bandwidth"):
        with pytest.raises(InputError, match=rf"{field}: .* is not usable"):
            replace(LINKS["pcie-4.0-x16"], **{field: value})  # type: ignore[arg-type]
