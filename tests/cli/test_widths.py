"""Every table at every width: what a wide terminal shows, a narrow one shows too, each name and number whole."""

import json
import re
from pathlib import Path

import pytest

import s3sim
from s3sim.cli.completion import KINDS
from tests.capacity.questions import fixed
from tests.cli.conftest import Call
from tests.experiment.tiny import HEADER, ROWS, tiny, write

WIDTHS = (60, 80, 120)
HEADINGS = {
    "name",
    "setting",
    "metric",
    "system",
    "key",
    "choice",
}  # of what begins a block, which says it by its place
SYSTEMS = ["orca", "fastertransformer", "oracle_bucket", "oracle_exact", "past_future", "s3"]


SEARCHED = ["fastertransformer", "oracle_bucket"]


def words(text: str) -> set[str]:
    """What is said, without the lines of tables and the colons of blocks."""
    return {word.rstrip(":") for word in text.split()} - {""} - set(re.findall(r"[─━]+", text))


def lines_within(text: str, width: int) -> bool:
    """Whether each line fits; a line that is one word alone may be longer."""
    return all(len(line.rstrip()) <= width or len(line.split()) <= 2 for line in text.splitlines())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of systems with long names: two that differ, and one that was searched."""
    folder = tmp_path_factory.mktemp("runs")
    workload = tiny()["workload"] | {"requests": 30}
    for name, device in (("a", "a100-80gb"), ("b", "h100-80gb")):
        s3sim.run(tiny(systems=SYSTEMS, device=device, workload=workload), out=folder / name, figures=False)
    write(folder, json.dumps(fixed(requests=30, systems=SEARCHED, predictor={"kind": "oracle"})), name="capacity.yaml")
    write(folder, HEADER + ROWS, name="rows.csv")
    return folder


SEARCH = ("capacity", "capacity.yaml", "--find", "rate", "--slo", "p99:ttft<1s", "--slo", "mean:e2el<2s")
COMMANDS = {
    "report": ("report", "a"),
    "compare": ("compare", "a", "b"),
    "compare all": ("compare", "a", "b", "--all"),
    "capacity": (
        *SEARCH,
        "--seeds",
        "0,1",
        "--max-seeds",
        "2",
        "--tolerance",
        "0.9",
        "--low",
        "8",
        "--high",
        "64",
        "--workers",
        "1",
        "--resume",
    ),
    "trace": ("trace", "stats", "rows.csv"),
    "calibrate": ("calibrate", "--check"),
    **{f"list {kind}": ("list", kind) for kind in KINDS},
    "list system": ("list", "systems", "s3"),
}


@pytest.mark.usefixtures("no_figures")
@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_is_cut_at_any_width(
    command: str, folder: Path, call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The words of a terminal of 2000 columns are all there at 60, and no line is longer than the terminal."""
    monkeypatch.chdir(folder)
    found = {}
    for width in (2000, *WIDTHS):
        monkeypatch.setenv("COLUMNS", str(width))
        done = call(*COMMANDS[command])
        assert done.code == 0, done.err
        found[width] = done.out
    wide = words(found[2000]) - HEADINGS
    assert len(wide) > 10
    for width in WIDTHS:
        assert wide <= words(found[width])
        assert "…" not in found[width]
        assert lines_within(found[width], width)
        if command in ("report", "compare all"):
            assert set(SYSTEMS) <= words(found[width])


def test_systems_are_whole_at_80_columns(folder: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a search with a long title and long headings: they were cut once."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "80")
    text = call(*COMMANDS["capacity"]).out
    for system in SEARCHED:
        assert len(re.findall(rf"^{system}\b", text, flags=re.MULTILINE)) >= 2
