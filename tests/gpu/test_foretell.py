"""The simulation without simpy, and metrics without pandas: both are those of s3sim."""

from dataclasses import replace
from random import Random

import pandas as pd
import pytest

from gpu_validate.foretell import LinkPrice, foretell
from gpu_validate.metrics import COMPARED, WHOLE, Metrics, held_over_time, measure
from s3sim.core.events import Event, EventLog, canonical
from s3sim.report.facts import RunFacts
from s3sim.report.summary import summarize
from s3sim.report.tables import event_frame, requests_table, step_frame
from tests.gpu.cases import NAMES, Case, case_of, on_cases, rare, simulated

STATIC = ("fastertransformer", "huggingface")  # ITL and delivery of whole batches are not measured here


def _foretold(case: Case) -> EventLog:
    link = case.link
    price = LinkPrice(
        to_host_ps_per_token=link.to_host_ps_per_token,
        to_device_ps_per_token=link.to_device_ps_per_token,
        latency_ps=link.latency_ps,
    )
    return foretell(case.world, case.latency, price)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_foretold_without_simpy_is_what_the_simulator_says(name: str) -> None:
    """Equal canonical logs, to the picosecond, with swaps, recompute and compaction."""

    def check(case: Case) -> EventLog:
        log = _foretold(case)
        assert canonical(log) == canonical(simulated(case))
        return log

    on_cases(check, name, number=8)


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(STATIC)))
def test_metrics_are_those_of_the_report(name: str) -> None:
    """Throughput, latencies, gaps between tokens, batch, slots and preemptions equal s3sim's summary."""
    compared = swapped = 0
    for start in range(10):
        case = case_of(name, Random(start), 12)
        case = replace(case, link=replace(case.link, latency_ps=1 + case.link.latency_ps))  # no move takes no time
        log = _foretold(case)
        facts = RunFacts(
            kv_capacity_tokens=case.world.capacity,
            kv_bytes_per_token=1,
            parameters=1,
            peak_flops=1.0,
            slo=None,
        )
        events, steps = event_frame(log), step_frame(log)
        said = summarize(events, steps, requests_table(events), facts)
        mine = measure(log, capacity=case.world.capacity)
        for metric in COMPARED:
            known = metric.removeprefix(WHOLE)
            if known in said and "p99" not in metric:
                told = said[known]
                expected = None if told is None or pd.isna(told) else pytest.approx(told)
                assert mine[metric] == expected, metric
                compared += 1
        assert mine["swapped_tokens"] == said["swapped_bytes"]
        assert _times(measure(simulated(case), capacity=case.world.capacity)) == _times(mine), "stretches are steps"
        swapped += rare(log)["SWAPPED_IN"]
    assert compared > 100
    assert swapped or name != "s3"


def _times(metrics: Metrics) -> Metrics:
    return {name: value for name, value in metrics.items() if "kv" not in name}


def test_a_p99_needs_five_hundred_requests() -> None:
    """From fewer it would be the longest few."""
    case = case_of("orca", Random(3), 12)
    assert measure(_foretold(case), capacity=64)["whole_run_p99_e2el_ms"] is None


def test_slots_over_time_are_the_logs() -> None:
    """The share that is held at a moment is that of the step which runs then; nothing is held after the end."""
    case = case_of("orca", Random(3), 12)
    log = _foretold(case)
    end = max(row[0] for row in log.event_rows() if row[1] == Event.FINISHED)
    held = held_over_time(log, capacity=case.world.capacity, end_ps=2 * end)
    assert held[0] == next(row[6 + 4] for row in log.step_rows()) / case.world.capacity or held[0] == 0
    assert held.max() <= 1
    assert not held[len(held) // 2 + 1 :].any()
    assert held[: len(held) // 2].any()


def test_the_comparison_can_fail() -> None:
    """A link that is slower by a picosecond per token makes another log."""
    for start in range(40):
        case = case_of("s3", Random(start), 12)
        log = _foretold(case)
        if rare(log)["SWAPPED_IN"]:
            link = replace(case.link, latency_ps=case.link.latency_ps + 1)
            assert canonical(_foretold(replace(case, link=link))) != canonical(log)
            return
    raise AssertionError("nothing was swapped")
