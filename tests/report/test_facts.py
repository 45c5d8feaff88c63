import json
from typing import Any

import pytest

from s3sim.core.errors import InputError
from s3sim.experiment.build import build_facts, build_hardware
from s3sim.experiment.schema import load_experiment
from s3sim.policies.registry import SYSTEMS
from s3sim.report.facts import RunFacts, ServiceLevel
from s3sim.report.intervals import mean_interval
from tests.report.worlds import FACTS

PLAIN = FACTS.to_json()


STATIC = RunFacts.from_json({**PLAIN, "delivery": "batch_end", "contiguous": True, "reads_reserved": True})
UNKNOWN = RunFacts.from_json({**PLAIN, "slo": None, "streamed_weight_bytes": None, "peak_bandwidth": None})


@pytest.mark.parametrize("facts", [FACTS, STATIC, UNKNOWN])
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
        ({"delivery": "batch"}, r"facts.delivery: 'batch' is not usable; give one of token, batch_end"),
        ({"delivery": None}, r"facts.delivery: None"),
        ({"contiguous": 1}, r"facts.contiguous: 1 is not usable; give true or false"),
        ({"reads_reserved": None}, r"facts.reads_reserved: None"),
        ({"streamed_weight_bytes": 0}, r"facts.streamed_weight_bytes: 0"),
        ({"peak_bandwidth": -1.0}, r"facts.peak_bandwidth: -1.0"),
        ({"attention_flops_per_pair": -1}, r"facts.attention_flops_per_pair: -1 .* at least 0"),
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
    """All without a default must be there, and those alone."""
    with pytest.raises(InputError, match="parameters, peak_flops missing"):
        RunFacts.from_json({name: PLAIN[name] for name in ("kv_capacity_tokens", "kv_bytes_per_token")})
    old = ("kv_capacity_tokens", "kv_bytes_per_token", "parameters", "peak_flops")
    facts = RunFacts.from_json({name: PLAIN[name] for name in old})
    assert (facts.delivery, facts.contiguous, facts.peak_bandwidth, facts.slo) == ("token", False, None, None)


def built(system: str | dict[str, Any], **setting: Any) -> RunFacts:
    """The facts of an experiment with one point."""
    plain = {
        "version": 1, "name": "one", "model": "gpt-j-6b", "device": "a100-80gb", "systems": [system], "seeds": [0],
        "workload": {"kind": "preset", "name": "alpaca", "requests": 5}, "predictor": {"kind": "oracle"},
        "scenarios": {"offline": {}}, **setting,
    }  # fmt: skip
    (point,) = load_experiment(plain, ()).points
    return build_facts(point, build_hardware(point))


CONTIGUOUS = ("orca", "s3", "oracle_bucket", "oracle_exact", "orca_pow2", "fastertransformer")


@pytest.mark.parametrize("system", SYSTEMS)
def test_facts_of_a_point_are_those_of_its_system(system: str) -> None:
    """Who delivers at the batch's end, and whose addresses mean something, is told of each system."""
    facts = built(system)
    assert facts.delivery == ("batch_end" if system in ("fastertransformer", "huggingface") else "token")
    assert facts.contiguous == (system in CONTIGUOUS)
    assert not facts.reads_reserved
    assert RunFacts.from_json(facts.to_json()) == facts


def test_facts_follow_choices_and_devices() -> None:
    """A choice changes what is told of a system; peaks are those of all devices, weights those of one pass."""
    fixed = built({"name": "huggingface", "cache": "static", "delivery": "token"})
    assert (fixed.delivery, fixed.contiguous, fixed.reads_reserved) == ("token", True, True)
    one, four = (built("orca", parallel={"pipeline": stages}) for stages in (1, 4))
    assert four.peak_flops == 4 * one.peak_flops
    assert four.peak_bandwidth == 4 * (one.peak_bandwidth or 0)
    assert one.streamed_weight_bytes == four.streamed_weight_bytes
    assert 11e9 < (one.streamed_weight_bytes or 0) < 2 * one.parameters
    assert one.attention_flops_per_pair == 4 * 28 * 4096


def test_intervals_are_students() -> None:
    """Four values by hand: mean 5, s = 2.582, t(3) = 3.182; one value tells no spread; t falls to the normal's."""
    mean, half = mean_interval([2.0, 4.0, 6.0, 8.0])
    assert mean == 5.0
    assert half == pytest.approx(3.182 * 2.5820 / 2, rel=2e-4)
    assert mean_interval([3.0]) == (3.0, None)
    assert mean_interval([0.0, 1.0] * 50).half == pytest.approx(1.984 * 0.5025 / 10, rel=1e-3)
