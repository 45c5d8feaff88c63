"""Laws of the memory plan: the paper's walls, the sum, and refusal of what does not fit."""

from dataclasses import replace

import pytest

from s3sim.core.errors import InputError
from s3sim.hardware import DEVICES, MODELS, MemoryPlan

EIGHTY = replace(DEVICES["a100-80gb"], memory_bytes=80 * 10**9)


@pytest.mark.parametrize(
    ("name", "walls"),
    [("gpt-j-6b", [289, 144, 72]), ("llama-13b", [128, 64, 32]), ("gpt-neox-20b", [70, 35, 17])],
)
def test_walls_of_the_paper(name: str, walls: list[int]) -> None:
    """On 80e9 bytes less the weights alone, max-length batches at 512, 1024 and 2048 are the known walls."""
    plan = MemoryPlan(model=MODELS[name], device=EIGHTY, context_bytes=0, workspace_bytes=0)
    assert [plan.kv_capacity_tokens // length for length in (512, 1024, 2048)] == walls


@pytest.mark.parametrize("utilization", [0.6, 0.9, 1.0])
def test_parts_add_up(utilization: float) -> None:
    """Weights + workspace + context + KV are exactly the usable bytes, and one more slot would not fit."""
    model = MODELS["gpt-neox-20b"]
    plan = MemoryPlan(model=model, device=EIGHTY, gpu_memory_utilization=utilization)
    parts = model.weight_bytes + plan.workspace_bytes + plan.context_bytes + plan.kv_bytes
    assert parts == plan.usable_bytes == int(80 * 10**9 * utilization)
    assert 0 <= plan.kv_bytes - plan.kv_capacity_tokens * model.kv_bytes_per_token < model.kv_bytes_per_token


def test_default_overheads_cost_slots() -> None:
    """By default the runtime takes 2.94 GB away from the KV cache."""
    bare = MemoryPlan(model=MODELS["gpt-j-6b"], device=EIGHTY, context_bytes=0, workspace_bytes=0)
    assert bare.kv_bytes - MemoryPlan(model=MODELS["gpt-j-6b"], device=EIGHTY).kv_bytes == 2_940_000_000


def test_a_model_larger_than_the_device() -> None:
    """A model that does not fit raises InputError with both sizes in GB and a remedy."""
    with pytest.raises(InputError, match=r"349\.21 GB.*80\.00 GB.*larger device"):
        MemoryPlan(model=MODELS["gpt3-175b"], device=EIGHTY)


def test_room_for_one_token_is_the_limit() -> None:
    """Room for one token's KV is enough; one byte less is not."""
    model = MODELS["gpt-j-6b"]
    need = model.weight_bytes + model.kv_bytes_per_token
    for memory, fits in ((need, True), (need - 1, False)):
        device = replace(EIGHTY, memory_bytes=memory)
        if fits:
            plan = MemoryPlan(model=model, device=device, context_bytes=0, workspace_bytes=0)
            assert plan.kv_capacity_tokens == 1
        else:
            with pytest.raises(InputError, match="does not fit"):
                MemoryPlan(model=model, device=device, context_bytes=0, workspace_bytes=0)


@pytest.mark.parametrize(
    ("field", "value"),
    [("gpu_memory_utilization", 0.0), ("gpu_memory_utilization", 1.01), ("context_bytes", -1),
     ("workspace_bytes", 1.5)],
)  # fmt: skip
def test_refuses_impossible_fields(field: str, value: float) -> None:
    """A field outside its range raises InputError that names it."""
    with pytest.raises(InputError, match=f"memory: {field}: {value}"):
        MemoryPlan(model=MODELS["gpt-j-6b"], device=EIGHTY, **{field: value})  # type: ignore[arg-type]
