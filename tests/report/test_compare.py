"""Laws of comparisons of two runs: what differs is found, and said to be noise only where seeds allow it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import s3sim
from s3sim.core.errors import InputError, UnknownNameError
from s3sim.report.compare import METRICS, Change, Pair, Setting, Verdict, changes_of, compare_runs
from s3sim.report.compare.configuration import ABSENT
from s3sim.report.intervals import mean_interval, welch_interval
from tests.experiment.tiny import tiny

SETTING = Setting("main", "s3", ())
VALUES = st.lists(st.floats(-1e3, 1e3).map(lambda value: round(value, 3)), min_size=2, max_size=6)


def told(ours: dict[int, float], theirs: dict[int, float]) -> Change:
    """The change of one metric, from its values by seed."""
    rows = [pd.DataFrame({"m": list(found.values())}, index=pd.Index(list(found))) for found in (ours, theirs)]
    (change,) = changes_of([Pair(SETTING, *rows)], ["m"])
    return change


# ---------------------------------------------------------------------- noise


@given(VALUES, st.randoms(use_true_random=False))
def test_seeds_that_both_ran_are_paired(values: list[float], random: Any) -> None:
    """In whatever order they stand: the interval is Student's of their differences."""
    theirs = [value + random.choice((-1, 1)) * random.uniform(0.1, 3) for value in values]
    rows = list(enumerate(theirs))
    random.shuffle(rows)
    change = told(dict(enumerate(values)), dict(rows))
    differences = [other - one for one, other in zip(values, theirs, strict=True)]
    mean, half = mean_interval(differences)
    assert half is not None
    assert change.method == "paired by seed"
    assert change.difference == pytest.approx(mean)
    assert (change.low, change.high) == pytest.approx((mean - half, mean + half))
    assert change.verdict is (Verdict.WITHIN if mean - half <= 0 <= mean + half else Verdict.BEYOND)


@given(VALUES, VALUES)
def test_other_seeds_are_compared_by_welch(ours: list[float], theirs: list[float]) -> None:
    """SciPy's interval lies within ours, which rounds its degrees of freedom down; it is no wider than that."""
    mean, half = welch_interval(ours, theirs)
    assert half is not None
    change = told(dict(enumerate(ours)), {seed + 100: value for seed, value in enumerate(theirs)})
    assert change.method == "Welch"
    assert change.difference == pytest.approx(mean)
    if min(np.std(ours), np.std(theirs)) > 1e-2:  # SciPy warns of less
        found = stats.ttest_ind(theirs, ours, equal_var=False)
        exact = found.confidence_interval(0.95)
        rounded = stats.t.ppf(0.975, int(found.df + 1e-9)) * (exact.high - mean) / stats.t.ppf(0.975, found.df)
        assert mean == pytest.approx((exact.low + exact.high) / 2, abs=1e-6)
        assert half >= (exact.high - mean) * 0.999
        assert half == pytest.approx(rounded, rel=2e-3)


def test_a_difference_that_is_not_there_is_found_as_often_as_the_level_says() -> None:
    """Of two runs alike in law 5% differ beyond noise, by pairs and by Welch."""
    random = np.random.default_rng(3)
    counts = {"paired by seed": 0, "Welch": 0}
    draws = 600
    for offset, method in ((0, "paired by seed"), (10, "Welch")):
        for _ in range(draws):
            ours, theirs = random.normal(5, 1, 4), random.normal(5, 1, 4)
            change = told(dict(enumerate(ours)), {seed + offset: value for seed, value in enumerate(theirs)})
            counts[change.method] += change.verdict is Verdict.BEYOND
            assert change.method == method
    assert 0.03 < counts["paired by seed"] / draws < 0.075
    assert 0.015 < counts["Welch"] / draws < 0.075  # fewer: the degrees of freedom are rounded down


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict", "method"),
    [
        ({0: 1.0}, {0: 2.0}, Verdict.UNTOLD, "one seed tells no spread"),
        ({0: 1.0}, {1: 2.0, 2: 2.5}, Verdict.UNTOLD, "one seed tells no spread"),
        ({0: 1.0, 1: 1.1}, {}, Verdict.UNTOLD, "one run has no value"),
        ({0: 1.0}, {0: 1.0}, Verdict.SAME, "one seed tells no spread"),
        ({0: 1.0, 1: 3.0}, {1: 3.0, 0: 1.0}, Verdict.SAME, "paired by seed"),
        ({0: 1.0, 1: 3.0}, {0: 2.0, 1: 4.0}, Verdict.BEYOND, "paired by seed"),
        ({0: 1.0, 1: 3.0, 2: 9.0}, {0: 2.0, 1: 4.0}, Verdict.BEYOND, "paired by seed"),
        ({0: 1.0, 1: 3.0}, {0: 4.0, 1: 2.0}, Verdict.WITHIN, "paired by seed"),
        ({0: 1.0, 1: 1.0}, {2: 1.0, 3: 1.0}, Verdict.WITHIN, "Welch"),
        ({0: 1.0, 1: 2.0}, {1: 9.0, 2: 9.5}, Verdict.BEYOND, "Welch"),
    ],
)
def test_few_seeds_tell_nothing(ours: Any, theirs: Any, verdict: Verdict, method: str) -> None:
    """One seed tells no spread, none no value; what is equal in every seed is the same; one shared seed is no pair."""
    change = told(ours, theirs)
    assert (change.verdict, change.method) == (verdict, method)
    assert change.seeds == (len(ours), len(theirs))
    assert (change.low is None) == (method.startswith("one"))


# ---------------------------------------------------------------------- runs


def run(folder: Path, name: str, **values: Any) -> Path:
    """The run directory of a small experiment, without figures."""
    return s3sim.run(tiny(**values), out=folder / name, figures=False).path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the runs are."""
    return tmp_path_factory.mktemp("compared")


@pytest.fixture(scope="module")
def base(folder: Path) -> Path:
    """A run of two scenarios, two systems and two seeds."""
    return run(folder, "base")


def test_a_run_differs_from_itself_in_nothing(base: Path, folder: Path) -> None:
    """Nor from a second one of the same experiment: all is the same, to the last digit."""
    for other in (base, run(folder, "again")):
        found = compare_runs(base, other)
        assert (found.configuration, found.only) == ((), ((), ()))
        assert found.settings == 6
        assert {change.verdict for change in found.changes} == {Verdict.SAME}
        assert {change.metric for change in found.changes} <= set(METRICS)


def test_what_was_asked_otherwise_is_told_by_its_key(base: Path, folder: Path) -> None:
    """Both values of each key, a key that only one has, a choice of one system: and in how many settings."""
    predictor = {"kind": "constant", "tokens": 20}
    systems = [{"name": "orca", "prefill": "apart"}, "s3"]
    changed = run(folder, "changed", max_length=120, predictor=predictor, systems=systems)
    found = {(each.key, each.ours, each.theirs): each.settings for each in compare_runs(base, changed).configuration}
    assert found == {
        ("max_length", 128, 120): 6,
        ("choices.prefill", "mixed", "apart"): 3,
        ("predictor.kind", "confusion", "constant"): 3,
        ("predictor.tokens", ABSENT, 20): 3,
        ("predictor.accuracy", 0.8, ABSENT): 3,
        ("predictor.spread", 0.3, ABSENT): 3,
        ("predictor.matrix", None, ABSENT): 3,
        ("predictor.buckets", 4, ABSENT): 3,
        ("predictor.edges", None, ABSENT): 3,
        ("predictor.skill", 0.0, ABSENT): 3,
        ("predictor.margin_buckets", 0, ABSENT): 3,
        ("predictor.quantile", None, ABSENT): 3,
    }


def test_settings_are_matched_by_scenario_system_and_swept_values(base: Path, folder: Path) -> None:
    """In whatever order they were run; what one of the two alone has is listed, and compared with nothing."""
    other = run(
        folder,
        "other",
        systems=["vllm", "s3"],
        scenarios={"online": tiny()["scenarios"]["online"], "offline": {"sweep": {"max_num_seqs": [4, 8]}}},
    )
    found = compare_runs(base, other)
    assert [setting.words for setting in found.only[0]] == [
        "offline orca max_num_seqs=2",
        "offline s3 max_num_seqs=2",
        "offline orca max_num_seqs=4",
        "online orca",
    ]
    assert len(found.only[1]) == 4
    assert {change.setting.words for change in found.changes} == {"offline s3 max_num_seqs=4", "online s3"}
    assert {change.verdict for change in found.changes} == {Verdict.SAME}


def test_a_faster_device_is_beyond_noise_and_its_direction_is_told(base: Path, folder: Path) -> None:
    """Second less first: latencies fall, throughput rises, in every setting."""
    faster = run(folder, "faster", device="h100-80gb", seeds=[0, 1, 2])
    found = compare_runs(base, faster, metrics=["request_throughput", "mean_tpot_ms"])
    offline = [change for change in found.changes if change.setting.scenario == "offline"]
    assert all(change.difference is not None for change in offline)
    assert {change.difference > 0 for change in offline if change.metric == "request_throughput"} == {True}  # type: ignore[operator]
    assert {change.difference < 0 for change in offline if change.metric == "mean_tpot_ms"} == {True}  # type: ignore[operator]
    assert {change.method for change in found.changes} == {"paired by seed"}
    assert found.seeds == ((0, 1), (0, 1, 2))
    assert found.to_json()["results"][0]["b_seeds"] == 3


def test_versions_are_told(base: Path, folder: Path) -> None:
    """Packages and platform; the command that was typed is left out."""
    moved = Path(shutil.copytree(base, folder / "moved"))
    path = moved / "environment.json"
    environment = json.loads(path.read_text(encoding="utf-8"))
    environment["packages"]["s3sim"] = "0.0.1"
    path.write_text(json.dumps(environment | {"command": ["other"]}), encoding="utf-8")
    (found,) = compare_runs(base, moved).surroundings
    assert (found.key, found.theirs) == ("packages.s3sim", "0.0.1")


def _twice(path: Path) -> None:
    summary = pd.read_csv(path / "summary.csv")
    pd.concat([summary, summary.iloc[:1]]).to_csv(path / "summary.csv", index=False)


def _older(path: Path) -> None:
    text = (path / "manifest.json").read_text(encoding="utf-8")
    (path / "manifest.json").write_text(text.replace('"schema_version": 1', '"schema_version": 0'), encoding="utf-8")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_twice, "two points are of offline orca max_num_seqs=2, seed 0; nothing tells them apart"),
        (_older, "schema_version is 0; this s3sim reads 1"),
        (lambda path: (path / "summary.csv").unlink(), "summary.csv: is missing, so this is no whole run directory"),
        (lambda path: (path / "environment.json").unlink(), "environment.json: is missing"),
    ],
)
def test_a_run_that_cannot_be_compared_is_refused(
    spoil: Callable[[Path], object], message: str, base: Path, tmp_path: Path
) -> None:
    """On whichever side: an error that names the file."""
    spoilt = Path(shutil.copytree(base, tmp_path / "spoilt"))
    spoil(spoilt)
    for pair in ((base, spoilt), (spoilt, base)):
        with pytest.raises(InputError, match=message):
            compare_runs(*pair)


def test_runs_that_share_nothing_are_refused(base: Path, folder: Path) -> None:
    """The message says what each has."""
    other = run(folder, "strange", systems=["vllm"], scenarios={"burst": {}}, seeds=[0])
    with pytest.raises(InputError, match=r"no scenario, system and swept values are in both.*online s3.*burst vllm"):
        compare_runs(base, other)
    with pytest.raises(UnknownNameError, match="unknown metric 'mean_ttft'; did you mean 'mean_ttft_ms'"):
        compare_runs(base, base, metrics=["mean_ttft"])
