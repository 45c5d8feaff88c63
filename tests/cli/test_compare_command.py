"""`s3sim compare`: what it prints of two runs."""

import json
import shutil
from pathlib import Path

import pytest

import s3sim
from tests.cli.conftest import Call
from tests.experiment.tiny import tiny


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs a and b, which differ in their device and their seeds."""
    folder = tmp_path_factory.mktemp("runs")
    s3sim.run(tiny(), out=folder / "a", figures=False)
    s3sim.run(tiny(device="h100-80gb", seeds=[0, 1, 2]), out=folder / "b", figures=False)
    return folder


@pytest.fixture
def here(runs: Path, tmp_path: Path) -> Path:
    """The working folder, with copies of both."""
    for name in ("a", "b"):
        shutil.copytree(runs / name, tmp_path / name)
    return tmp_path


def test_both_tables_are_printed(call: Call, here: Path) -> None:
    """What was asked otherwise, with both values; what came out otherwise, with its interval; in how many settings."""
    done = call("compare", "a", "b")
    assert done.code == 0, done.err
    lines = [line.split() for line in done.out.splitlines()]
    assert ["device.name", "a100-80gb", "h100-80gb", "6", "of", "6"] in lines
    assert ["seeds", "0,", "1", "0,", "1,", "2", "6", "of", "6"] in lines
    (row,) = [line for line in lines if line[:4] == ["offline", "s3", "max_num_seqs=2", "mean_tpot_ms"]]
    assert row[-1] == "better"
    assert "paired by seed" in done.out
    assert "6 settings are in both" in done.out
    assert "exclude 0 by chance" in done.out


def test_all_shows_what_is_within_noise_too(call: Call, here: Path) -> None:
    """A run with itself: nothing without --all, everything with it, and that nothing was asked otherwise."""
    short, full = call("compare", "a", "a"), call("compare", "a", "a", "--all", "--metric", "mean_ttft_ms")
    assert "what came out" not in short.out
    assert "nothing was asked otherwise" in short.out
    assert full.out.count("the same") >= 6
    assert "p99_e2el_ms" not in full.out


def test_json_holds_all_of_it(call: Call, here: Path) -> None:
    """Nothing else is on stdout; keys are those that are documented."""
    done = call("compare", "a", "b", "--json")
    found = json.loads(done.out)
    assert list(found) == ["schema_version", "runs", "settings", "configuration", "surroundings", "results"]
    assert [run["path"] for run in found["runs"]] == ["a", "b"]
    assert [run["unfinished"] for run in found["runs"]] == [0, 0]
    row = found["results"][0]
    assert list(row) == [
        *("scenario", "system", "swept", "metric", "a", "b", "a_seeds", "b_seeds"),
        *("difference", "low", "high", "method", "verdict"),
    ]
    assert {"key", "a", "b", "settings"} == set(found["configuration"][0])
    assert {row["verdict"] for row in found["results"]} <= {
        "the same", "beyond noise", "within noise", "cannot be told"
    }  # fmt: skip


def test_a_partial_run_is_said_to_be_one(call: Call, here: Path) -> None:
    """Its finished points are compared, and it is said how many are missing, and how to go on."""
    summary = here / "b" / "summary.csv"
    kept = summary.read_text(encoding="utf-8").splitlines()[:8]
    for point in (here / "b" / "points").iterdir():
        if not any(point.name in line for line in kept):
            shutil.rmtree(point)
    summary.write_text("\n".join(kept) + "\n", encoding="utf-8")
    done = call("compare", "a", "b")
    assert done.code == 0, done.err
    assert "B is partial: 11 of its points are not finished" in done.out
    assert "--out b --resume" in done.out
    assert "only in A (a): " in done.out
    assert json.loads(call("compare", "a", "b", "--json").out)["runs"][1]["unfinished"] == 11


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("a", "nowhere"), "nowhere: is no folder; give the run directory of an experiment"),
        (("a", "b", "--metric", "ttft"), "unknown metric 'ttft'"),
        (("a", "c"), "c/manifest.json: schema_version is 0; this s3sim reads 1"),
    ],
)
def test_what_cannot_be_compared_is_explained(arguments: tuple[str, ...], message: str, call: Call, here: Path) -> None:
    """Exit code 2 and one message."""
    older = Path(shutil.copytree(here / "a", here / "c")) / "manifest.json"
    older.write_text(older.read_text(encoding="utf-8").replace('"schema_version": 1', '"schema_version": 0'))
    done = call("compare", *arguments)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
