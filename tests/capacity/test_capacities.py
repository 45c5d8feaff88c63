"""Capacities that are known: queueing theory's, arithmetic's, and orders that must hold."""

from math import ceil
from pathlib import Path

import pytest

from s3sim.experiment.build import build_load
from s3sim.experiment.resolved import Point
from tests.capacity.questions import SERVICE, ask, fixed, only, starved

LOAD = 0.6  # ρ at which the mean E2EL of M/D/1 is asked for


def mean_e2el(load: float) -> float:
    """Of M/D/1, in seconds: S·(1 + ρ / (2·(1 − ρ))) (Pollaczek 1930, Khinchine 1932)."""
    return SERVICE * (1 + load / (2 * (1 - load)))


def test_the_rate_that_keeps_a_mean_latency_is_pollaczek_and_khinchine_s(tmp_path: Path) -> None:
    """Poisson arrivals, equal services, one at a time: the bracket holds ρ/S, and is within 20%."""
    slo = f"mean:e2el<{mean_e2el(LOAD)}s"
    met, not_met = only(ask(tmp_path, fixed(), slo=slo, low=6, high=18, tolerance=0.03, max_seeds=24))
    assert met <= LOAD / SERVICE <= not_met
    assert not_met / met < 1.2


def test_the_rate_of_even_arrivals_is_the_service_s(tmp_path: Path) -> None:
    """D/D/1 waits for nothing up to ρ = 1, and for ever beyond: every seed is the same, which is said."""
    answer = ask(tmp_path, fixed(arrivals="constant", requests=400), slo=f"p99:ttft<{SERVICE}s", tolerance=0.001)
    met, not_met = only(answer)
    assert met == pytest.approx(1 / SERVICE, rel=0.002)
    assert not_met == pytest.approx(1 / SERVICE, rel=0.002)
    assert "all seeds came to the same" in answer.capacities[0].remarks[0]


def test_the_fewest_replicas_are_the_load_s_over_one_s(tmp_path: Path) -> None:
    """Even arrivals at seven and a half times a replica's rate take eight; two GPUs each make sixteen."""
    load = {"kind": "constant", "rate": 7.5 / SERVICE}
    values = fixed(requests=100, arrivals="constant", parallel={"tensor": 2}) | {"arrivals": load}
    (one,) = ask(tmp_path, values, find="gpus", slo="p90:e2el<60ms").capacities
    assert (one.value, one.not_met, one.gpus) == (8, 7, 16)


def test_the_largest_batch_is_that_whose_step_keeps_the_tpot(tmp_path: Path) -> None:
    """A step of 2 ms and 1 ms a sequence: 16 run at 18 ms a token, and 17 at 19 ms."""
    step = {"kind": "constant", "step_seconds": 0.002, "seconds_per_sequence": 0.001}
    offline = {"arrivals": {"kind": "offline"}, "latency": step, "systems": ["orca"], "name": "steps"}
    values = fixed(requests=150) | offline
    values["workload"]["output"]["value"] = 40
    answer = ask(tmp_path, values, find="batch", slo="p50:tpot<18.5ms")
    assert only(answer) == (16, 17)


def test_a_larger_slo_never_lowers_the_capacity(tmp_path: Path) -> None:
    """The same runs are read again: levels, seeds and requests are common to all SLOs."""
    found = [
        only(ask(tmp_path, starved(), slo=f"p90:ttft<{limit}ms", systems=["orca"], tolerance=0.1, resume=True))
        for limit in (50, 200, 800)
    ]
    assert found == sorted(found)
    assert [end for _, end in found] == sorted(end for _, end in found)
    assert found[0] < found[-1]


def test_knowing_the_length_bears_no_less_than_reserving_the_maximum(tmp_path: Path) -> None:
    """Where memory is short, the oracle keeps the SLO at a rate that ORCA does not."""
    answer = ask(tmp_path, starved(), slo="p90:ttft<300ms", tolerance=0.1)
    orca, oracle = answer.capacities
    assert orca.not_met is not None
    assert oracle.value is not None
    assert oracle.value > orca.not_met


def test_an_slo_that_nobody_can_keep_is_an_answer(tmp_path: Path) -> None:
    """None, with what was attained nearest to it."""
    (one,) = ask(tmp_path, fixed(requests=50), slo="mean:e2el<40ms").capacities
    assert (one.value, one.not_met) == (None, None)
    assert one.remarks[0].startswith("cannot be kept: at 0.2, mean E2EL is 50")


def test_a_level_that_cannot_be_run_is_not_met(tmp_path: Path) -> None:
    """Static batches larger than memory: the largest that fits is the answer, and the reason is told."""
    system = {"name": "fastertransformer", "batch_size": 2, "overallocation": 1.0, "delivery": "token"}
    values = starved(systems=[system]) | {"arrivals": {"kind": "offline"}}
    answer = ask(tmp_path, values, find="batch", slo="p99:tpot<1s")
    assert only(answer) == (4, 5)
    remarks = {probe.level: probe.remark for probe in answer.capacities[0].probes}
    assert "5 rows of the maximum length do not fit, 4 do" in remarks[5]


def test_systems_and_levels_are_given_the_same_requests(tmp_path: Path) -> None:
    """Common random numbers: lengths are equal at each seed, and arrivals scale with the rate."""
    answer = ask(tmp_path, starved(), slo="p90:ttft<300ms", tolerance=0.5)
    loads = {}
    for capacity in answer.capacities:
        for probe in capacity.probes:
            for name in probe.points:
                point = Point.from_json(_about(tmp_path, name))
                loads[capacity.system, probe.level, point.seed] = build_load(point).trace
    assert len({name for name, *_ in loads}) == 2
    for (_, level, seed), trace in loads.items():
        other = next(it for (_, other, its), it in loads.items() if other != level and its == seed)
        rate = next(other for (_, other, its), it in loads.items() if other != level and its == seed)
        assert (trace.output_tokens == other.output_tokens).all()
        assert (trace.prompt_tokens == other.prompt_tokens).all()
        assert abs(trace.arrival * level - other.arrival * rate).max() <= ceil(level + rate)


def _about(path: Path, name: str) -> dict[str, object]:
    import json  # noqa: PLC0415

    about: dict[str, object] = json.loads((path / "points" / name / "point.json").read_text(encoding="utf-8"))
    about.pop("facts")
    return about
