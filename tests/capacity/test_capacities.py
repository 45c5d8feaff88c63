"""Capacities that are known: queueing theory's, arithmetic's, and orders that must hold."""

from pathlib import Path
from typing import Any

import pytest

from tests.capacity.questions import SERVICE, ask, fixed, only, starved

QUICK: dict[str, Any] = {"tolerance": 0.4, "max_seeds": 3, "low": 5}
LOAD = 0.6  # ρ at which the mean E2EL of M/D/1 is asked for


def mean_e2el(load: float) -> float:
    """Of M/D/1, in seconds: S·(1 + ρ / (2·(1 − ρ))) (Pollaczek 1930, Khinchine 1932)."""
    return SERVICE * (1 + load / (2 * (1 - load)))


def test_the_rate_that_keeps_a_mean_latency_is_pollaczek_and_khinchine_s(tmp_path: Path) -> None:
    """Poisson arrivals, equal services, one at a time: the bracket holds ρ/S, and is within 40%."""
    values = fixed(requests=400)
    asked = {"slo": f"mean:e2el<{mean_e2el(LOAD)}s", "seeds": range(6), "max_seeds": 12, "tolerance": 0.16}
    met, not_met = only(ask(tmp_path, values, low=9, high=17, **asked))
    assert met < LOAD / SERVICE < not_met
    assert not_met / met < 1.4


def test_the_rate_of_even_arrivals_is_the_service_s(tmp_path: Path) -> None:
    """D/D/1 waits for nothing up to ρ = 1, and for ever beyond: every seed is the same, which is said."""
    values = fixed(requests=400, arrivals={"kind": "constant", "rate": 21.0})
    answer = ask(tmp_path, values, slo=f"p99:ttft<{SERVICE}s", low=19, tolerance=0.002, seeds=[0, 1])
    met, not_met = only(answer)
    assert met == pytest.approx(1 / SERVICE, rel=0.005)
    assert not_met == pytest.approx(1 / SERVICE, rel=0.005)
    assert "all seeds came to the same" in answer.capacities[0].remarks[0]


def test_a_saturated_rate_is_none_that_is_borne(tmp_path: Path) -> None:
    """An SLO of an hour is lost too where the queue keeps growing: beyond the rate of the service."""
    values = fixed(requests=200, arrivals={"kind": "constant", "rate": 40.0})
    answer = ask(tmp_path, values, slo="mean:e2el<3600s", low=10, tolerance=0.1, seeds=[0, 1])
    met, not_met = only(answer)
    assert met < 1.05 / SERVICE
    assert 1 / SERVICE < not_met < 1.2 / SERVICE
    beyond = answer.capacities[0].at(not_met)
    assert beyond is not None
    assert beyond.saturated == 2


def test_the_fewest_replicas_are_the_load_s_over_one_s(tmp_path: Path) -> None:
    """Even arrivals at seven and a half times a replica's rate take eight; two GPUs each make sixteen."""
    load = {"kind": "constant", "rate": 7.5 / SERVICE}
    values = fixed(requests=100, arrivals=load, parallel={"tensor": 2})
    (one,) = ask(tmp_path, values, find="gpus", slo="p90:e2el<60ms", seeds=[0, 1]).capacities
    assert (one.value, one.not_met, one.gpus) == (8, 7, 16)


def test_the_largest_batch_is_that_whose_step_keeps_the_tpot(tmp_path: Path) -> None:
    """A step of 2 ms and 1 ms a sequence: 16 run at 18 ms a token, and 17 at 19 ms."""
    step = {"kind": "constant", "step_seconds": 0.002, "seconds_per_sequence": 0.001}
    offline = {"arrivals": {"kind": "offline"}, "latency": step, "systems": ["orca"], "name": "steps"}
    values = fixed(requests=150) | offline
    values["workload"]["output"]["value"] = 40
    answer = ask(tmp_path, values, find="batch", slo="p50:tpot<18.5ms", seeds=[0, 1], high=32, low=8)
    assert only(answer) == (16, 17)


def test_a_larger_slo_never_lowers_the_capacity(tmp_path: Path) -> None:
    """The same runs are read again: levels, seeds and requests are common to all SLOs."""
    found = [
        only(
            ask(
                tmp_path,
                starved(),
                slo=f"p90:ttft<{limit}ms",
                systems=["orca"],
                tolerance=0.4,
                max_seeds=3,
                resume=True,
            )
        )
        for limit in (50, 200, 800)
    ]
    assert found == sorted(found)
    assert [end for _, end in found] == sorted(end for _, end in found)
    assert found[0] < found[-1]


def test_knowing_the_length_bears_no_less_than_reserving_the_maximum(tmp_path: Path) -> None:
    """Where memory is short, the oracle keeps the SLO at a rate that ORCA does not."""
    answer = ask(tmp_path, starved(), slo="p90:ttft<300ms", **QUICK)
    orca, oracle = answer.capacities
    assert orca.not_met is not None
    assert oracle.value is not None
    assert oracle.value > orca.not_met


def test_an_slo_that_nobody_can_keep_is_an_answer(tmp_path: Path) -> None:
    """None, with what was attained nearest to it."""
    (one,) = ask(tmp_path, fixed(requests=50), slo="mean:e2el<40ms", low=0.2, high=0.8, seeds=[0, 1]).capacities
    assert (one.value, one.not_met) == (None, None)
    assert one.remarks[0].startswith("cannot be kept: at 0.2, mean E2EL is 50")


def test_a_level_that_cannot_be_run_is_not_met(tmp_path: Path) -> None:
    """Static batches larger than memory: the largest that fits is the answer, and the reason is told."""
    system = {"name": "fastertransformer", "batch_size": 2, "overallocation": 1.0, "delivery": "token"}
    values = starved(systems=[system]) | {"arrivals": {"kind": "offline"}}
    answer = ask(tmp_path, values, find="batch", slo="p99:tpot<1s", seeds=[0, 1])
    assert only(answer) == (4, 5)
    remarks = {probe.level: probe.remark for probe in answer.capacities[0].probes}
    assert "5 rows of the maximum length do not fit, 4 do" in remarks[5]
