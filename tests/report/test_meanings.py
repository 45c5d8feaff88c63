"""What is told of a run directory is what a run writes: every file, every column, every kind of event."""

import re
from pathlib import Path

import pandas as pd
import pytest

import s3sim
from s3sim.core.events import EVENT_COLUMNS, STEP_COLUMNS, Event
from s3sim.experiment.rundir import OWN
from s3sim.report.log_meanings import EVENT_KINDS, EVENTS, STEPS
from s3sim.report.meanings import COMPARISONS, FILES, REQUESTS, SUMMARY, Column
from s3sim.report.paired import COLUMNS
from s3sim.report.summary import METRICS
from s3sim.report.tables import REQUEST_COLUMNS
from tests.experiment.tiny import tiny

UNITS = {  # how a column's name ends → the units that it may have
    "_s": {"s"},
    "_ms": {"ms", "ms/token"},
    "_ps": {"ps"},
    "_tokens": {"tokens", "slots", "requests"},
    "_fraction": {"share"},
    "_bytes": {"bytes"},
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> s3sim.Results:
    """A run of two systems and two seeds, with its figures."""
    return s3sim.run(tiny(seeds=[0, 1]), out=tmp_path_factory.mktemp("run") / "out")


def test_every_metric_is_told_in_its_order() -> None:
    """And after them the counts of what the workload left out."""
    assert tuple(SUMMARY)[: len(METRICS)] == METRICS


def test_every_column_of_the_tables_is_told_in_its_order() -> None:
    """Requests, events, steps and comparisons have these columns and no others."""
    assert tuple(REQUESTS) == REQUEST_COLUMNS
    assert tuple(EVENTS) == EVENT_COLUMNS
    assert tuple(STEPS) == STEP_COLUMNS
    assert tuple(COMPARISONS)[-len(COLUMNS) :] == COLUMNS


def test_every_kind_of_event_is_told() -> None:
    """In the order of their numbers."""
    assert list(EVENT_KINDS) == list(Event)


def test_every_file_is_told() -> None:
    """What a run directory may hold, and nothing else."""
    assert {name.partition("/")[0] for name in FILES} == set(OWN)


def test_a_run_writes_what_is_told(results: s3sim.Results) -> None:
    """Each file of a run stands in the list, and each of its columns in its table."""
    point = results.summary["point"].iloc[0]
    for path in results.path.rglob("*"):
        name = str(path.relative_to(results.path)).replace(point, "<point>")
        if path.is_file() and not re.match(r"figures/|points/(?!<point>)", name):
            assert name in FILES
    before = ["scenario", "max_num_seqs", "system", "seed", "point"]
    assert list(results.summary.columns) == [*before, *SUMMARY]
    assert [name for name in results.comparisons.columns if name != "max_num_seqs"] == list(COMPARISONS)
    assert _columns(results.path / "points" / point / "requests.parquet") == list(REQUESTS)
    assert _columns(results.path / "points" / point / "events.parquet") == list(EVENTS)
    assert _columns(results.path / "points" / point / "steps.parquet") == list(STEPS)


def _columns(path: Path) -> list[str]:
    return list(pd.read_parquet(path).columns)


def test_units_fit_the_names() -> None:
    """A column that ends as a unit does has that unit; every meaning is a sentence."""
    told: list[tuple[str, Column]] = [*SUMMARY.items(), *REQUESTS.items(), *EVENTS.items(), *STEPS.items()]
    for name, column in told:
        assert column.meaning.endswith("."), name
        for ending, units in UNITS.items():
            assert not name.endswith(ending) or column.unit in units, name
