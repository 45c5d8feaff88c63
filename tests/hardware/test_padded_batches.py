"""Laws of static batches in all latency models: padding, finished rows and copies, in stretches as in single steps."""

from dataclasses import replace

import pytest
from hardware_batches import decode, prefill
from hypothesis import given
from hypothesis import strategies as st

from s3sim.core.batch import Batch
from s3sim.core.protocols import LatencyModel
from s3sim.hardware import DEVICES, ENGINES, MODELS, Constant, Parallel, Profile, ProfileRow, Roofline

STALLING = replace(ENGINES["huggingface-eager"], name="stalling", seconds_per_allocated_byte=1e-12)
_TABLE = [
    ProfileRow(kind, size, tokens, seconds + 1e-6 * tokens * (2 if tokens > 3000 else 1))
    for kind, seconds in (("decode", 0.01), ("prefill", 0.02))
    for size in (1, 8, 64)
    for tokens in (0, 500, 3000, 9000, 90_000)
]
LATENCIES: dict[str, LatencyModel] = {
    "constant": Constant(
        step_seconds=1e-3,
        decode_seconds_per_context_token=1e-7,
        seconds_per_sequence=1e-5,
        prefill_seconds_per_token=1e-5,
        relocation_seconds_per_token=3e-8,
    ),
    "profile": Profile([*_TABLE, *(ProfileRow("copy", 0, tokens, 1e-6 * tokens) for tokens in (1, 9000))]),
    "stalling": Roofline(model=MODELS["gpt-j-6b"], device=DEVICES["a100-80gb"], engine=STALLING),
}
LATENCIES |= {
    name: Roofline(
        model=MODELS["gpt-neox-20b"], device=DEVICES["a100-80gb"], engine=ENGINES[name], parallel=Parallel(tensor=2)
    )
    for name in ENGINES
}


def static(*, rows: int, ended: int, length: int, reserved: bool, copies: bool) -> Batch:
    """A static batch of `rows` sequences and `ended` finished ones, all padded to `length` slots.

    With `reserved`, attention reads all that is reserved; with `copies`, each step copies all KV to
    tensors one slot longer.
    """
    every, context = rows + ended, rows * (length // 2)
    return replace(
        decode(rows, context),
        padding_rows=ended,
        padding_slots=every * length - context,
        padding_slots_per_step=(0 if reserved else every) - rows,
        copied_slots=every * length if copies else 0,
        allocated_slots=every if copies else 0,
    )


def after(batch: Batch, steps: int) -> Batch:
    """The batch that the replica would plan so many steps later, if nobody finished."""
    return replace(
        batch,
        decode_context=batch.decode_context + steps * batch.decode_sequences,
        padding_slots=batch.padding_slots + steps * batch.padding_slots_per_step,
        copied_slots=batch.copied_slots + (steps * batch.rows if batch.copied_slots else 0),
    )


def single_steps(latency: LatencyModel, batch: Batch, steps: int) -> list[int]:
    """End of each step in ps, the model asked anew before every one."""
    ends, now = [], 0
    for step in range(steps):
        now += latency.affine(after(batch, step)).first
        ends.append(now)
    return ends


def stretches(latency: LatencyModel, batch: Batch, steps: int) -> list[int]:
    """End of each step in ps, the model asked only where its last promise ended."""
    ends: list[int] = []
    while len(ends) < steps:
        begin = ends[-1] if ends else 0
        piece = latency.affine(after(batch, len(ends)))
        assert piece.steps >= 1
        ends += [begin + piece.elapsed(step) for step in range(1, min(piece.steps, steps - len(ends)) + 1)]
    return ends


BATCHES = st.builds(
    static,
    rows=st.integers(1, 100),
    ended=st.integers(0, 100),
    length=st.integers(1, 2000),
    reserved=st.booleans(),
    copies=st.booleans(),
)


@pytest.mark.parametrize("name", LATENCIES)
@given(batch=BATCHES, steps=st.integers(1, 60))
def test_a_stretch_of_a_static_batch_equals_single_steps(name: str, batch: Batch, steps: int) -> None:
    """With finished rows, padding and copies too, k steps of a stretch equal k single steps bit for bit."""
    assert stretches(LATENCIES[name], batch, steps) == single_steps(LATENCIES[name], batch, steps)


@pytest.mark.parametrize("name", LATENCIES)
@given(batch=BATCHES)
def test_padding_is_never_free_of_charge_nor_a_gain(name: str, batch: Batch) -> None:
    """A padded batch takes no less time than one without finished rows, padding or copies."""
    bare = decode(batch.decode_sequences, batch.decode_context)
    latency = LATENCIES[name]
    uncopied = replace(batch, copied_slots=0, allocated_slots=0)
    durations = [latency.affine(case).first for case in (bare, uncopied, batch)]
    assert durations == sorted(durations)


@pytest.mark.parametrize("name", LATENCIES)
def test_what_is_read_counts_alike(name: str) -> None:
    """Slots read for padding cost what slots read for a sequence cost."""
    latency = LATENCIES[name]
    padded = replace(decode(8, 1000), padding_slots=2000, padding_slots_per_step=0)
    assert latency.affine(padded).first == latency.affine(decode(8, 3000)).first


@pytest.mark.parametrize("name", LATENCIES)
def test_padding_of_prompts_is_computed(name: str) -> None:
    """A padded prompt position costs a prefill token's dense work."""
    latency = LATENCIES[name]
    plain = prefill(8, 300)
    padded = replace(plain, prefill_tokens=1000, padding_tokens=1400)
    assert latency.affine(padded) == latency.affine(plain)
    assert latency.affine(plain).first > latency.affine(prefill(8, 100)).first


def test_copies_and_allocations_by_hand() -> None:
    """A step that copies pays a read and a write of every slot, and the stall of every byte allocated."""
    latency, bare = LATENCIES["stalling"], decode(4, 4000)
    copying = replace(bare, copied_slots=4000, allocated_slots=4)
    slot, bandwidth = 458_752, ENGINES["fastertransformer"].weight_bandwidth_fraction * 2039e9
    extra = 4000 * 2 * slot / bandwidth * 1e12 + 4 * slot * 1e-12 * 1e12
    assert latency.affine(copying).first - latency.affine(bare).first == pytest.approx(extra, rel=1e-6)
    assert latency.affine(copying).increment >= 4 * round(2 * slot / bandwidth * 1e12)
