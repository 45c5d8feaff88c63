"""`s3sim capacity`: what it prints, and how it ends."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.capacity.questions import fixed
from tests.cli.conftest import Call
from tests.experiment.tiny import write

ASK = ("capacity", "tiny.yaml", "--find", "rate", "--workers", "1", "--out", "out")
FEW = ("--seeds", "0,1", "--max-seeds", "2", "--tolerance", "0.9")


def given(folder: Path, **values: Any) -> None:
    """A small experiment of one server."""
    write(folder, json.dumps(fixed(requests=30, **values)))


def test_tables_say_the_bracket_and_every_probe(call: Call, tmp_path: Path) -> None:
    """stdout has both tables and where the runs are, stderr the progress; the exit code is 0."""
    given(tmp_path)
    done = call(*ASK, *FEW, "--slo", "mean:e2el<70ms", "--slo", "p99:ttft<1s")
    assert done.code == 0, done.err
    for text in ("highest rate", "mean E2EL ≤ 70 ms", "not met", "p99 TTFT", "results: out"):
        assert text in done.out
    assert "orca: " in done.err


def test_json_is_the_file_s(call: Call, tmp_path: Path) -> None:
    """--json prints capacity.json and nothing else, and repeats it with --resume."""
    given(tmp_path)
    done = call(*ASK, *FEW, "--slo", "mean:e2el<70ms", "--json")
    written = json.loads((tmp_path / "out" / "capacity.json").read_text(encoding="utf-8"))
    assert json.loads(done.out) == written
    assert written["question"]["slo"] == [{"statistic": "mean", "metric": "e2el", "limit_ms": 70.0}]
    assert call(*ASK, *FEW, "--slo", "mean:e2el<70ms", "--json", "--resume").out == done.out


def test_none_is_an_answer(call: Call, tmp_path: Path) -> None:
    """Exit code 0, and what was attained nearest to the SLO."""
    given(tmp_path)
    done = call(*ASK, *FEW, "--slo", "mean:e2el<40ms")
    assert done.code == 0
    assert "orca: cannot be kept: at 0.2, mean E2EL is 50" in done.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--slo", "p99:ttf<2s"), "unknown metric 'ttf'; did you mean 'ttft'"),
        (("--slo", "fast"), "--slo 'fast': not understood"),
        (("--slo", "mean:e2el<1s", "--seeds", "4-1"), "'4-1' is no seed and no range; write 0-4, or 0,1,7"),
        (("--slo", "mean:e2el<1s", "--seeds", "a"), "'a' is no seed and no range"),
        (("--slo", "mean:e2el<1s", "--find", "speed"), "unknown quantity 'speed'"),
        (("--slo", "mean:e2el<1s", "--system", "s3"), "unknown system 's3'"),
        (("--slo", "mean:e2el<1s", "--set", "arrivals={kind: offline}"), "is offline"),
        (("--slo", "mean:e2el<1s", "--confidence", "95"), "--confidence: 95 is not between 0 and 1"),
    ],
)
def test_a_question_without_sense_is_explained(
    arguments: tuple[str, ...], message: str, call: Call, tmp_path: Path
) -> None:
    """Exit code 2, one message, and nothing is written."""
    given(tmp_path)
    done = call(*ASK, *arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: ")
    assert message in done.err
    assert not (tmp_path / "out").exists()


def test_gpus_are_counted_over_replicas(call: Call, tmp_path: Path) -> None:
    """Replicas of two GPUs each: their column says so."""
    given(tmp_path, parallel={"tensor": 2})
    done = call(*ASK, *FEW, "--slo", "p50:e2el<51ms", "--find", "gpus", "--set", "arrivals={kind: constant, rate: 30}")
    assert done.code == 0, done.err
    assert ["orca", "2", "1", "4", "2", "4"] in [line.split() for line in done.out.splitlines()]
