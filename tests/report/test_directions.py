"""Which way a metric is better is said of every metric, and of nothing else."""

from s3sim.cli.tables import COUNTS
from s3sim.report.compare import METRICS as COMPARED
from s3sim.report.directions import BETTER
from s3sim.report.meanings import SUMMARY
from s3sim.report.summary import METRICS


def test_every_metric_has_a_direction_and_a_meaning() -> None:
    """Those of a summary, and the counts beside them."""
    assert set(BETTER) == set(SUMMARY) == {*METRICS, *COUNTS}
    assert set(COMPARED) <= set(BETTER)


def test_rates_are_better_higher_and_latencies_lower() -> None:
    """By their names."""
    assert {BETTER[name] for name in METRICS if name.endswith("throughput")} == {"higher"}
    assert {BETTER[name] for name in METRICS if name.endswith("_ms")} == {"lower"}
