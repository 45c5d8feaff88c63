"""`s3sim timeline`: what it writes and says, and what it refuses."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import s3sim
from tests.cli.conftest import Call
from tests.experiment.tiny import tiny
from tests.report.trace_format import check, of_phase, read

Spoil = Callable[[Path], object]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run directory of eight points."""
    out = tmp_path_factory.mktemp("finished") / "out"
    values = tiny(seeds=[0, 1], scenarios={"main": {"sweep": {"max_num_seqs": [2, 4]}}})
    return s3sim.run(values, out=out, figures=False).path


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    """A copy of the run directory in the working folder."""
    return Path(shutil.copytree(finished, tmp_path / "run"))


def test_a_file_that_viewers_open_is_written(call: Call, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compressed, in the run directory unless --out names another; the same command gives the same bytes."""
    done = call("timeline", "run", "--point", "s3 max_num_seqs=4 seed=1")
    assert done.code == 0, done.err
    (path,) = (copy / "figures").iterdir()
    assert f"timeline: run/figures/{path.name}" in done.out
    assert path.name.startswith("timeline-main-s3-seed1-")
    events = check(read(path))
    assert {event["cat"] for event in of_phase(events, "X")} == {"step", "phase"}
    before = path.read_bytes()
    monkeypatch.setattr("gzip.time.time", lambda: 1e9)  # at another time
    assert call("timeline", "run", "--point", "seed=1 s3 max_num_seqs=4", "--out", "a.json").code == 0
    assert read(Path("a.json")) == read(path)
    assert call("timeline", "run", "--point", path.name.removeprefix("timeline-").removesuffix(".json.gz")).code == 0
    assert path.read_bytes() == before


def test_what_was_left_out_is_said(call: Call, copy: Path) -> None:
    """Of the time, and of the requests; --json says the same, and nothing else."""
    asked = ("timeline", "run", "--point", "orca max_num_seqs=4 seed=0", "--out", "a.json.gz")
    assert "left out" not in call(*asked).out
    done = call(*asked, "--first", "0.1", "--sequences", "3")
    assert "stretches; the run lasts" in done.out
    assert "left out: tracks of 17 of 20 requests" in done.out
    about = json.loads(call(*asked, "--first", "0.1", "--sequences", "3", "--json").out)
    assert about["file"] == "a.json.gz"
    assert (about["begin_s"], about["end_s"], about["requests"], about["requests_in_run"]) == (0.0, 0.1, 3, 20)
    assert about["stretches"] < about["stretches_in_run"]
    assert read(Path("a.json.gz"))["otherData"] == {key: value for key, value in about.items() if key != "file"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "run: has 8 points; name one with --point 'WORDS': main orca max_num_seqs=2 seed=0; "),
        (("--point", "s3 seed=1"), "run: 2 points are 's3 seed=1'; there are main s3 max_num_seqs=2 seed=1; main s3"),
        (("--point", "vllm"), "run: no point is 'vllm'; there are main orca"),
        (("--point", "s3 max_num_seqs=4 seed=1", "--out", "a.txt"), "--out a.txt: a timeline is a .json or a .json.gz"),
        (("--point", "s3 max_num_seqs=4 seed=1", "--out", "b/a.json"), "--out b/a.json: its folder does not exist"),
        (("--point", "s3 max_num_seqs=4 seed=1", "--first", "0"), "--first 0: is not usable"),
    ],
)
def test_a_question_without_sense_is_explained(
    arguments: tuple[str, ...], message: str, call: Call, copy: Path
) -> None:
    """Exit code 2, one message that tells points apart by their settings, and nothing is written."""
    done = call("timeline", "run", *arguments)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert not (copy / "figures").exists()


def _older(run: Path) -> None:
    path = run / "manifest.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"schema_version": 1', '"schema_version": 0'))


def _without_log(run: Path) -> None:
    for path in run.glob("points/*/*s.parquet"):
        if path.name != "requests.parquet":
            path.unlink()


SPOILT: dict[str, tuple[Spoil, str]] = {
    "an older version": (_older, "manifest.json: schema_version is 0; this s3sim reads 1"),
    "a killed run": (lambda run: (run / "summary.csv").unlink(), "summary.csv: is missing, so this is no whole run"),
    "log: requests": (_without_log, "the run kept no event log (log: requests); run the experiment with `log: full`"),
}


@pytest.mark.parametrize("how", SPOILT)
def test_a_run_that_tells_too_little_is_refused(how: str, call: Call, copy: Path) -> None:
    """Exit code 2, one message that says what is wrong and what would be right."""
    spoil, message = SPOILT[how]
    spoil(copy)
    done = call("timeline", "run", "--point", "s3 max_num_seqs=4 seed=1")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: run")
    assert message in done.err


def test_an_interrupted_export_leaves_nothing(call: Call, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while the file is written: exit code 1, one word, neither a half-written file nor a draft."""

    def lines(timeline: object) -> Iterator[str]:
        yield "{"
        raise KeyboardInterrupt

    monkeypatch.setattr("s3sim.report.timeline.export.lines", lines)
    done = call("timeline", "run", "--point", "s3 max_num_seqs=4 seed=1", "--out", "a.json.gz")
    assert (done.code, done.out, done.err) == (1, "", "interrupted\n")
    assert [path.name for path in copy.parent.iterdir()] == ["run"]


def test_a_file_that_cannot_be_written_is_a_fault_of_the_system(call: Call, copy: Path) -> None:
    """Where a folder stands in its place: exit code 1, and no draft is left."""
    Path("a.json").mkdir()
    done = call("timeline", "run", "--point", "s3 max_num_seqs=4 seed=1", "--out", "a.json")
    assert (done.code, done.out) == (1, "")
    assert "a.json: cannot be written" in done.err
    assert sorted(path.name for path in copy.parent.iterdir()) == ["a.json", "run"]
