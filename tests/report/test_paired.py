"""Systems that serve the very same requests are compared seed by seed."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import s3sim
from s3sim.experiment.build import build_load
from s3sim.experiment.resolved import Point
from s3sim.experiment.schema import load_experiment
from s3sim.policies.registry import SYSTEMS
from s3sim.report.intervals import mean_interval
from s3sim.report.paired import baseline_of, comparisons, paired_differences, paired_ratio
from tests.experiment.tiny import tiny


def table(**values: list[float]) -> pd.DataFrame:
    """A summary of one scenario: a row per system and seed, with one metric."""
    rows = [
        {"scenario": "main", "system": system, "seed": seed, "request_throughput": value}
        for system, told in values.items()
        for seed, value in enumerate(told)
    ]
    return pd.DataFrame(rows)


def test_differences_and_ratios_of_a_case_worked_by_hand() -> None:
    """2, 3 and 4 more: 3 ± 4.303/√3; ratios of 3, 2.5 and 7/3 have their geometric mean, 2.596."""
    found = paired_differences(
        table(orca=[1, 2, 3], s3=[3, 5, 7]), "request_throughput", baseline="orca", keys=["scenario"]
    )
    (row,) = found.to_dict("records")
    assert (row["system"], row["seeds"], row["difference"]) == ("s3", 3, 3.0)
    assert row["difference_high"] - 3 == 3 - row["difference_low"] == pytest.approx(4.30265 / np.sqrt(3))
    logs = np.log([3, 2.5, 7 / 3])
    half = 4.30265 * logs.std(ddof=1) / np.sqrt(3)
    assert row["ratio"] == pytest.approx(2.5962, abs=1e-4)
    assert [row["ratio_low"], row["ratio_high"]] == pytest.approx(np.exp([logs.mean() - half, logs.mean() + half]))


def test_only_seeds_that_both_have_are_paired() -> None:
    """By seed, not by place: a seed that one system lacks is left out of both."""
    rows = table(orca=[1, 2, 100], s3=[3, 5, 7]).iloc[[1, 0, 5, 4, 3]]
    found = paired_differences(rows, "request_throughput", baseline="orca", keys=["scenario"])
    assert found.loc[0, ["seeds", "difference"]].tolist() == [2, 2.5]


def test_one_seed_tells_no_spread_and_nothing_has_no_ratio() -> None:
    """Intervals of one seed are NaN; so is a ratio to 0."""
    found = paired_differences(table(orca=[2], s3=[3]), "request_throughput", baseline="orca", keys=["scenario"])
    assert found.loc[0, ["difference", "ratio"]].tolist() == pytest.approx([1.0, 1.5])
    assert found.loc[0, ["difference_low", "ratio_high"]].isna().all()
    assert np.isnan(paired_ratio(pd.Series([1.0, 2.0]), pd.Series([0.0, 1.0])).mean)


def test_what_all_systems_share_does_not_widen_the_interval() -> None:
    """Seeds that differ tenfold more than systems do: paired, the difference is plain; unpaired, it is lost."""
    random = np.random.default_rng(1)
    common = random.normal(100, 20, 6)
    ours, theirs = common + 5 + random.normal(0, 1, 6), common + random.normal(0, 1, 6)
    found = paired_differences(
        table(orca=theirs.tolist(), s3=ours.tolist()), "request_throughput", baseline="orca", keys=["scenario"]
    )
    assert 0 < found.loc[0, "difference_low"] < 5 < found.loc[0, "difference_high"]
    unpaired = np.hypot(*(mean_interval(values.tolist()).half or 0 for values in (ours, theirs)))
    assert unpaired > 5
    assert found.loc[0, "difference_high"] - found.loc[0, "difference"] < unpaired / 5


def test_orca_is_the_baseline_or_else_the_first() -> None:
    """One system is compared with nobody."""
    assert baseline_of(["s3", "orca", "vllm"]) == "orca"
    assert baseline_of(["s3", "vllm", "s3"]) == "s3"
    assert baseline_of(["s3", "s3"]) is None
    assert comparisons(table(s3=[1, 2]), keys=[]).empty


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> s3sim.Results:
    """Three systems online, five seeds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("s3sim.api.running.draw", lambda path: [])
        values = tiny(
            systems=["orca", "s3", "vllm"], seeds=[0, 1, 2, 3, 4], workload={**tiny()["workload"], "requests": 100}
        )
        return s3sim.run(values, out=tmp_path_factory.mktemp("paired") / "run")


def test_a_run_keeps_its_comparisons(results: s3sim.Results) -> None:
    """comparisons.csv has each setting, metric and system but the baseline, and is what Results gives."""
    found = pd.read_csv(results.path / "comparisons.csv")
    pd.testing.assert_frame_equal(found, results.comparisons, check_dtype=False)
    offline = found[found["scenario"] == "offline"]
    assert set(offline["max_num_seqs"]) == {2, 4}
    assert set(found["system"]) == {"s3", "vllm"}
    assert set(found["baseline"]) == {"orca"}
    assert (found["seeds"] == 5).all()
    assert {"request_goodput", "slo_attainment"} <= set(found.loc[found["scenario"] == "online", "metric"])
    assert "request_goodput" not in set(offline["metric"])  # it has no SLO
    rows = results.summary[(results.summary["scenario"] == "offline") & (results.summary["max_num_seqs"] == 4)]
    throughput = rows.pivot_table(index="seed", columns="system", values="request_throughput")
    told = offline[(offline["metric"] == "request_throughput") & (offline["max_num_seqs"] == 4)].set_index("system")
    assert told.loc["s3", "difference"] == pytest.approx((throughput["s3"] - throughput["orca"]).mean())


def test_common_random_numbers_narrow_the_interval_of_a_run(results: s3sim.Results) -> None:
    """Offline the requests of a seed decide most of the throughput, so pairing is worth much."""
    rows = results.summary[(results.summary["scenario"] == "offline") & (results.summary["max_num_seqs"] == 2)]
    values = {system: group["request_throughput"].tolist() for system, group in rows.groupby("system")}
    unpaired = np.hypot(*(mean_interval(values[system]).half or 0 for system in ("s3", "orca")))
    found = results.comparisons
    row = found[(found["metric"] == "request_throughput") & (found["max_num_seqs"] == 2) & (found["system"] == "s3")]
    assert (row["difference_high"] - row["difference"]).item() < 0.8 * unpaired


def test_without_a_second_system_there_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing to compare, nothing written."""
    monkeypatch.setattr("s3sim.api.running.draw", lambda path: [])
    run: Callable[..., s3sim.Results] = s3sim.run
    assert not (run(tiny(systems=["orca"]), out=tmp_path / "run").path / "comparisons.csv").exists()


def requests_of(point: Point) -> list[list[int]]:
    """Arrivals and lengths that a point's server meets."""
    trace = build_load(point).trace
    return [column.tolist() for column in (trace.id, trace.arrival, trace.prompt_tokens, trace.output_tokens)]


def test_all_systems_of_a_seed_serve_the_same_requests() -> None:
    """Common random numbers: the trace depends on the seed and the load, and on no system or choice of one."""
    systems = [*SYSTEMS, {"name": "s3", "label": "held", "tpot_limit_ms": 20.0, "ageing_s": 1.0}]
    points = load_experiment(tiny(systems=systems)).points
    by_seed: dict[tuple[str, int], list[list[int]]] = {}
    for point in points:
        assert requests_of(point) == by_seed.setdefault((point.scenario, point.seed), requests_of(point))
    assert by_seed["online", 0] != by_seed["online", 1]
    assert by_seed["online", 0][2:] == by_seed["offline", 0][2:]


def test_predictions_of_a_seed_are_the_same_for_all_who_share_a_predictor() -> None:
    """So that two entries of s3 differ in their choices alone."""
    systems = ["s3", {"name": "s3", "label": "held", "tpot_limit_ms": 20.0}]
    held, plain = (
        build_load(point).predicted for point in load_experiment(tiny(systems=systems, seeds=[3])).points[:2]
    )
    assert held is not None
    assert plain is not None
    assert held.tolist() == plain.tolist()
