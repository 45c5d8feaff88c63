"""Laws of the sliding window: pairs are counted one by one, and only prefills are shortened."""

from dataclasses import replace

import pytest
from hardware_batches import SEQUENCE, decode, prefill
from hypothesis import given
from hypothesis import strategies as st

from s3sim.core.batch import Batch, Chunk
from s3sim.core.errors import InputError
from s3sim.hardware import DEVICES, ENGINES, MODELS, ModelSpec, Roofline

FULL = replace(MODELS["gpt-j-6b"], max_positions=32768)


def windowed(window: int | None) -> ModelSpec:
    """GPT-J's shape with a window."""
    return replace(FULL, sliding_window=window)


def roofline(window: int | None) -> Roofline:
    """That model on an A100."""
    engine = ENGINES["fastertransformer"]
    return Roofline(model=windowed(window), device=DEVICES["a100-80gb"], engine=engine)


@given(st.integers(0, 60), st.integers(0, 60), st.none() | st.integers(1, 90))
def test_pairs_one_by_one(tokens: int, context: int, window: int | None) -> None:
    """The closed form equals the sum over new tokens of what each attends to."""
    seen = (min(context + new, window or 10**9) for new in range(1, tokens + 1))
    assert windowed(window).attended_pairs(tokens=tokens, context=context) == sum(seen)


@given(st.integers(1, 3000), st.integers(1, 3000))
def test_a_prefill_in_chunks_attends_to_the_same_pairs(first: int, second: int) -> None:
    """A prompt in two chunks has the pairs of the whole prompt, window or none."""
    for model in (windowed(None), windowed(1000)):
        parts = model.attended_pairs(tokens=first, context=0) + model.attended_pairs(tokens=second, context=first)
        assert parts == model.attended_pairs(tokens=first + second, context=0)


def test_a_window_that_is_not_reached_changes_nothing() -> None:
    """As long as no prompt exceeds the window, every duration is the same."""
    for batch in (prefill(3, 500, rows=7, context=900), decode(7, 9000), _padded(3, 100, 500)):
        assert roofline(500).affine(batch) == roofline(None).affine(batch)


def test_a_window_shortens_long_prefills_and_nothing_else() -> None:
    """Beyond the window a prefill, chunked or padded, gets cheaper; a decode step does not (ModelSpec says so)."""
    chunk = Chunk(SEQUENCE, 512, 8000, True)
    chunked = replace(prefill(1, 512), chunks=[chunk], prefill_attended=512 * 8000 + 512 * 513 // 2)
    for batch in (prefill(2, 8000), chunked, _padded(2, 10, 8000)):
        assert roofline(4096).affine(batch).first < roofline(None).affine(batch).first
    assert roofline(4096).affine(decode(2, 40_000)) == roofline(None).affine(decode(2, 40_000))


def test_padded_prompts_attend_as_whole_ones() -> None:
    """Under a window too, prompts padded to a length attend as prompts of that length."""
    assert roofline(300).affine(_padded(4, 10, 2000)) == roofline(300).affine(prefill(4, 2000))


def _padded(prompts: int, tokens: int, length: int) -> Batch:
    """Prompts of `tokens` tokens, padded to `length`."""
    whole = prefill(prompts, length)
    chunks = [Chunk(SEQUENCE, tokens, 0, True)] * prompts
    return replace(whole, chunks=chunks, prefill_tokens=prompts * tokens, padding_tokens=prompts * (length - tokens))


@pytest.mark.parametrize("window", [0, -1, 4096.0, True, "4096"])
def test_refuses_what_is_no_window(window: object) -> None:
    """A window is a whole number of at least 1, or none."""
    with pytest.raises(InputError, match=f"sliding_window: {window!r}"):
        replace(FULL, sliding_window=window)  # type: ignore[arg-type]
