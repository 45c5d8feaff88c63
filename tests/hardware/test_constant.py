"""Laws of the constant latency model: prices add, and stretches equal single steps."""

from dataclasses import replace

import pytest
from hardware_batches import decode, prefill, single_steps, stretches
from hypothesis import given
from hypothesis import strategies as st

from s3sim.core.errors import InputError
from s3sim.core.protocols import LatencyModel
from s3sim.hardware import Constant


def test_prices_add() -> None:
    """A step costs its own price plus those of all that it computes."""
    latency: LatencyModel = Constant(
        step_seconds=1.0,
        prefill_seconds_per_token=1e-3,
        decode_seconds_per_context_token=1e-5,
        seconds_per_sequence=1e-2,
        relocation_seconds_per_token=1e-4,
    )
    batch = replace(prefill(2, 50, rows=3, context=700), relocated_tokens=6)
    assert latency.affine(batch).first == 10**12 + 100 * 10**9 + 700 * 10**7 + 5 * 10**10 + 6 * 10**8
    assert latency.affine(batch).steps == 1
    assert latency.affine(decode(3, 700)).increment == 3 * 10**7


@given(st.floats(1e-6, 1.0), st.floats(0.0, 1e-3), st.integers(1, 50), st.integers(0, 9999))
def test_a_stretch_equals_single_steps(step: float, token: float, rows: int, context: int) -> None:
    """The closed form of k steps equals k single steps bit for bit."""
    latency = Constant(step_seconds=step, decode_seconds_per_context_token=token)
    shape = {"rows": rows, "context": context, "steps": 30}
    assert stretches(latency, **shape) == single_steps(latency, **shape)


@pytest.mark.parametrize(
    ("prices", "message"),
    [
        ({"step_seconds": 0.0}, "constant: step_seconds: 0.0"),
        ({"step_seconds": float("nan")}, "constant: step_seconds: nan"),
        ({"step_seconds": 1.0, "seconds_per_sequence": -1.0}, "constant: seconds_per_sequence: -1.0"),
        ({"step_seconds": 1.0, "relocation_seconds_per_token": False}, "relocation_seconds_per_token: False"),
    ],
)
def test_refuses_bad_prices(prices: dict[str, float], message: str) -> None:
    """A price below 0, no number, or a step that takes no time raises InputError."""
    with pytest.raises(InputError, match=message):
        Constant(**prices)
