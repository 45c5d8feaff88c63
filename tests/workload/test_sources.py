"""The list of data sets is that of the experiments, and says of them what these say themselves."""

from pathlib import Path

import pytest

from s3sim.workload.presets import PRESETS
from s3sim.workload.sources import SOURCES

FOLDER = Path(__file__).parents[2] / "experiments" / "traces"
FILES = {name: source for name, source in SOURCES.items() if not source.preset}


def test_every_preset_and_every_experiment_on_a_trace_is_listed() -> None:
    """And nothing else is."""
    assert {name for name, source in SOURCES.items() if source.preset} == set(PRESETS)
    assert set(FILES) == {path.stem for path in FOLDER.glob("*.yaml")}


@pytest.mark.parametrize("name", FILES)
def test_the_experiment_says_the_same(name: str) -> None:
    """Its licence and where it is from stand in the YAML, its rows in the folder's README."""
    source, text = FILES[name], (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    if source.licence != "not stated":
        assert source.licence in text
    assert source.origin.split()[0].rstrip(",") in text
    (row,) = [
        line for line in (FOLDER / "README.md").read_text(encoding="utf-8").splitlines() if f"`{name}.yaml`" in line
    ]
    assert f" {source.rows:,}" in row or "as above" in row
