import json
from typing import Any

import pytest

from s3sim.core.errors import InputError
from s3sim.report.facts import RunFacts, ServiceLevel
from s3sim.report.intervals import STUDENT_T, mean_interval
from tests.report.worlds import FACTS

PLAIN = FACTS.to_json()


@pytest.mark.parametrize("facts", [FACTS, RunFacts.from_json({**PLAIN, "slo": None})])
def test_facts_survive_json(facts: RunFacts) -> None:
    """From JSON and to JSON are inverse, through text."""
    assert RunFacts.from_json(json.loads(json.dumps(facts.to_json()))) == facts


def test_a_limit_that_is_left_out_is_no_limit() -> None:
    """A service level names only what it limits."""
    assert ServiceLevel.from_json({"e2el_ms": 20}).limits == {"e2el_ms": 20.0}
    assert ServiceLevel.from_json({}) == ServiceLevel()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kv_capacity_tokens": 0}, r"facts.kv_capacity_tokens: 0 is not usable; give a whole number"),
        ({"kv_bytes_per_token": 1.5}, r"facts.kv_bytes_per_token: 1.5"),
        ({"parameters": True}, r"facts.parameters: True"),
        ({"peak_flops": float("nan")}, r"facts.peak_flops: nan is not usable; give a finite number above 0"),
        ({"peak_flops": "1e14"}, r"facts.peak_flops: '1e14'"),
        ({"peek_flops": 1.0}, r"facts: unknown field 'peek_flops'; did you mean 'peak_flops'"),
        ({"slo": {"ttft": 3}}, r"facts.slo: unknown field 'ttft'; did you mean 'ttft_ms'"),
        ({"slo": {"ttft_ms": -3}}, r"facts.slo.ttft_ms: -3"),
        ({"slo": [3]}, r"facts.slo: \[3\] is not usable; give a mapping"),
    ],
)
def test_wrong_facts_are_named(change: dict[str, Any], message: str) -> None:
    """A value of the wrong kind, or an unknown key, is an InputError that names the key path."""
    with pytest.raises(InputError, match=message):
        RunFacts.from_json({**PLAIN, **change})


def test_missing_facts_are_named() -> None:
    """All but the service level must be there."""
    with pytest.raises(InputError, match="parameters, peak_flops missing"):
        RunFacts.from_json({name: PLAIN[name] for name in ("kv_capacity_tokens", "kv_bytes_per_token")})


def test_intervals_are_students() -> None:
    """Four values by hand: mean 5, s = 2.582, t(3) = 3.182; one value tells no spread; t falls to the normal's."""
    mean, half = mean_interval([2.0, 4.0, 6.0, 8.0])
    assert mean == 5.0
    assert half == pytest.approx(3.182 * 2.5820 / 2, rel=1e-4)
    assert mean_interval([3.0]) == (3.0, None)
    assert list(STUDENT_T) == sorted(STUDENT_T, reverse=True)
    assert mean_interval([0.0, 1.0] * 50).half == pytest.approx(1.96 * 0.5025 / 10, rel=1e-3)
