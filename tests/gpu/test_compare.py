"""Verdicts: what repeats cannot tell is never met, and an error beyond its target is missed."""

from hypothesis import given
from hypothesis import strategies as st

from gpu_validate.compare import KEYS, Comparison, Status, compare, ranking, speed_up
from gpu_validate.metrics import Metrics

ABOUT = {"model": "m", "system": "orca", "scenario": "burst"}
ISSUE_KEYS = {
    "model",
    "system",
    "scenario",
    "metric",
    "simulated",
    "real_median",
    "real_spread",
    "error",
    "target",
    "status",
}


def _judge(simulated: float, *real: float, metric: str = "duration_s", scenario: str = "burst") -> Comparison:
    about = ABOUT | {"scenario": scenario}
    (found,) = compare({metric: simulated}, [{metric: value} for value in real], **about)
    return found


def _status(simulated: float, *real: float) -> Status | None:
    return _judge(simulated, *real).status


def test_an_error_within_its_target_is_met_and_one_beyond_is_missed() -> None:
    """5% for a burst's duration; the edge belongs to the target."""
    assert _status(10.4, 10.0, 10.1, 9.9) == "met"
    assert _status(9.6, 10.0, 10.1, 9.9) == "met"
    assert _status(10.6, 10.0, 10.1, 9.9) == "missed"
    assert _status(9.4, 10.0, 10.1, 9.9) == "missed"


def test_repeats_that_differ_measure_nothing() -> None:
    """More than 10% between the repeats, or fewer than three of them: not measurable, even if the error is 0."""
    assert _status(10.0, 9.4, 10.0, 10.5) == "not_measurable"
    assert _status(10.0, 10.0, 10.0) == "not_measurable"
    assert _status(10.0, 9.6, 10.0, 10.5) == "met"


@given(st.floats(0.1, 100), st.lists(st.floats(0.1, 100), min_size=1, max_size=6))
def test_met_implies_measurable_and_near(simulated: float, real: list[float]) -> None:
    """Whatever the numbers: met only with three repeats, a spread of 10% at most, and an error within the target."""
    found = _judge(simulated, *real)
    if found.status == "met":
        assert len(real) >= 3
        assert max(real) - min(real) <= 0.1 * found.real_median * (1 + 1e-9)
        assert abs(simulated - found.real_median) <= 0.05 * found.real_median * (1 + 1e-9)
    else:
        assert len(real) < 3 or found.real_spread > 0.1 or abs(found.error) > 0.05


def test_only_named_metrics_have_targets() -> None:
    """Preemptions are reported without a verdict, as is a Poisson run's throughput; counts may be 0."""
    found = _judge(3.0, 0.0, 0.0, 0.0, metric="preemptions")
    assert (found.status, found.target, found.error) == (None, None, 3.0)
    assert _judge(1.0, 1.0, 1.0, 1.0, metric="whole_run_request_throughput", scenario="poisson").status is None
    assert _judge(1.09, 1.0, 1.0, 1.0, metric="whole_run_p90_ttft_ms", scenario="poisson").status == "met"
    assert _judge(1.11, 1.0, 1.0, 1.0, metric="whole_run_p90_ttft_ms", scenario="poisson").status == "missed"


def test_what_a_run_lacks_is_not_compared() -> None:
    """A metric that the simulation, or any repeat, has no value for is left out."""
    assert not compare({"duration_s": None}, [{"duration_s": 1.0}] * 3, **ABOUT)
    assert not compare({"duration_s": 1.0}, [{"duration_s": 1.0}, {"duration_s": None}], **ABOUT)


def test_a_comparison_has_the_keys_that_were_asked_for() -> None:
    """No key more, none less."""
    assert set(KEYS) == ISSUE_KEYS == set(_judge(1.0, 1.0).to_json())


def _runs(**rates: float) -> dict[str, Metrics]:
    return {name: {"whole_run_request_throughput": rate} for name, rate in rates.items()}


def test_a_speed_up_is_taken_repeat_by_repeat() -> None:
    """A machine that is slow in one repeat is slow for both, and their ratio stays measurable."""
    real = [_runs(s3=20, orca=10), _runs(s3=10, orca=5), _runs(s3=30, orca=15)]
    found = speed_up(_runs(s3=2.06, orca=1), real, pair=("s3", "orca"), model="m", scenario="burst")
    assert found is not None
    assert (found.real_median, found.real_spread, found.status) == (2.0, 0.0, "met")
    worse = speed_up(_runs(s3=2.2, orca=1), real, pair=("s3", "orca"), model="m", scenario="burst")
    assert worse is not None
    assert worse.status == "missed"
    assert speed_up(_runs(s3=1), real, pair=("s3", "orca"), model="m", scenario="burst") is None


def test_a_ranking_counts_the_pairs_that_the_repeats_tell_apart() -> None:
    """Pairs whose repeats overlap have no order; one pair the wrong way round is a miss."""
    real = [_runs(a=10, b=20, c=20.5), _runs(a=11, b=21, c=20.1), _runs(a=10, b=20, c=20.2)]
    right = ranking(_runs(a=1, b=3, c=2), real, model="m", scenario="burst")
    wrong = ranking(_runs(a=3, b=2, c=4), real, model="m", scenario="burst")
    assert right is not None
    assert wrong is not None
    assert (right.simulated, right.real_median, right.status) == (2, 2, "met")
    assert (wrong.simulated, wrong.status) == (1, "missed")
    few = ranking(_runs(a=1, b=3, c=2), real[:2], model="m", scenario="burst")
    assert few is not None
    assert few.status == "not_measurable"
