"""A run that is killed, interrupted or out of room leaves whole points, says so, and goes on with --resume."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import s3sim
from s3sim.report.html import write_page
from s3sim.report.rundir import read_run
from tests.experiment.tiny import tiny, write

SEEDS = 40  # enough points that the first are finished long before the last
TIMEOUT = 60  # seconds


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An experiment of many small points."""
    workload = tiny()["workload"] | {"requests": 200}
    values = tiny(workload=workload, scenarios={"main": {}}, systems=["orca"], seeds=list(range(SEEDS)))
    return write(tmp_path_factory.mktemp("experiment"), json.dumps(values))


def command(yaml: Path, out: Path, *more: str) -> list[str]:
    """The command line of a run."""
    return [sys.executable, "-m", "s3sim", "run", str(yaml), "--out", str(out), "--workers", "1", *more]


def heed_interrupts() -> None:
    """A job in the background of a shell is born deaf to SIGINT; a run at a terminal is not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(yaml: Path, out: Path, *more: str) -> "subprocess.Popen[str]":
    """A run as a process group of its own."""
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command(yaml, out, *more),
        stdout=pipe,
        stderr=pipe,
        text=True,
        start_new_session=True,
        preexec_fn=heed_interrupts,  # noqa: PLW1509 - this process has no threads
    )


def finish(
    yaml: Path, out: Path, *more: str, before: Callable[[], None] | None = None
) -> "subprocess.CompletedProcess[str]":
    """A run to its end; `before` is called in its process before it starts."""
    call = command(yaml, out, *more)
    return subprocess.run(call, capture_output=True, text=True, timeout=TIMEOUT, check=False, preexec_fn=before)


def points(out: Path) -> dict[str, int]:
    """Finished points, and when they were written."""
    return {path.parent.name: path.stat().st_mtime_ns for path in out.glob("points/[!.]*/summary.json")}


def drafts(out: Path) -> list[Path]:
    """What is hidden in the folder of points."""
    return list(out.glob("points/.*"))


def wait_for_points(out: Path, process: "subprocess.Popen[str]", *, least: int = 3) -> None:
    """Until some points are finished, and not all."""
    deadline = time.monotonic() + TIMEOUT
    while len(points(out)) < least:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.002)


def whole(out: Path) -> bool:
    """Whether every point that is seen has all of its files."""
    names = {"events.parquet", "requests.parquet", "steps.parquet", "point.json", "summary.json"}
    return all({path.name for path in point.iterdir()} == names for point in out.glob("points/[!.]*"))


def resumed(experiment: Path, out: Path) -> int:
    """How many points were run when the run was resumed, here and without figures."""
    counts: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("s3sim.api.running.draw", lambda path: [])
        s3sim.run(experiment, out=out, resume=out.exists(), on_start=lambda _, count: counts.append(count))
    return counts[0]


@pytest.fixture(scope="module")
def unbroken(experiment: Path) -> bytes:
    """The summary of an uninterrupted run."""
    out = experiment.parent / "unbroken"
    assert resumed(experiment, out) == SEEDS
    return (out / "summary.csv").read_bytes()


def test_a_killed_run_is_resumed_where_it_was(experiment: Path, unbroken: bytes, tmp_path: Path) -> None:
    """SIGKILL in mid-run; --resume keeps finished points untouched, and ends as an unbroken run does."""
    out = tmp_path / "out"
    process = start(experiment, out)
    wait_for_points(out, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=TIMEOUT)
    before = points(out)
    assert 3 <= len(before) < SEEDS, "killed too late to test anything"
    assert whole(out)
    assert resumed(experiment, out) == SEEDS - len(before)
    assert before.items() < points(out).items()
    assert not drafts(out)
    assert (out / "summary.csv").read_bytes() == unbroken


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_says_how_to_go_on(sent: signal.Signals, experiment: Path, tmp_path: Path) -> None:
    """Exit code 1, one message, no traceback, no half-written point; a summary and a page of what is finished."""
    out = tmp_path / "out"
    process = start(experiment, out)
    wait_for_points(out, process)
    os.kill(process.pid, sent)
    _, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 1
    finished = len(points(out))
    assert 3 <= finished < SEEDS, "interrupted too late to test anything"
    message = f"error: interrupted; {finished} of {SEEDS} points are finished in {out}; "
    assert err.splitlines()[-1] == message + "resume=True goes on (--resume on the command line)"
    assert "Traceback" not in err
    assert whole(out)
    assert not drafts(out)
    assert len((out / "summary.csv").read_text().splitlines()) == 1 + finished
    assert len(read_run(out).missing) == SEEDS - finished
    assert "This run is not finished" in write_page(out).read_text(encoding="utf-8")


def test_an_interrupted_run_of_two_workers_ends_them(experiment: Path, tmp_path: Path) -> None:
    """Ctrl-C reaches the whole group; no worker is left, none prints a traceback, no point is half-written."""
    out = tmp_path / "out"
    process = start(experiment, out, "--workers", "2", "--set", f"seeds={list(range(150))}")
    wait_for_points(out, process)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 1
    assert "Traceback" not in err
    assert err.count("error: ") == 1
    assert whole(out)
    assert not drafts(out)


def test_a_full_file_system_is_a_fault_of_the_system(experiment: Path, tmp_path: Path) -> None:
    """No file may grow beyond 6 kB: exit code 1, one message, no point, no draft, no traceback."""
    out = tmp_path / "out"

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))

    run = finish(experiment, out, before=limit)
    assert run.returncode == 1, run.stderr
    assert "cannot be written: " in run.stderr.splitlines()[-1]
    assert "File too large" in run.stderr
    assert run.stderr.count("error: ") == 1
    assert "Traceback" not in run.stderr
    assert not points(out)
    assert not drafts(out)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 400 kB; needs the right to mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(disk)]
    try:
        made = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("no mount command here")
    if made.returncode:
        pytest.skip(f"no file system can be mounted here: {made.stderr.strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_stops_a_run_that_can_be_resumed(
    experiment: Path, unbroken: bytes, small_disk: Path, tmp_path: Path
) -> None:
    """Exit code 1; finished points are whole; with more room --resume ends as an unbroken run does."""
    out = small_disk / "out"
    run = finish(experiment, out)
    assert run.returncode == 1
    message = run.stderr.splitlines()[-1]
    assert message.startswith("error: ")
    assert message.endswith("the disk is full; free some room, or choose another --out; --resume continues")
    assert "Traceback" not in run.stderr
    before = points(out)
    assert before
    assert whole(out)
    assert not drafts(out)
    subprocess.run(["mount", "-o", "remount,size=9m", str(small_disk)], check=True)
    assert resumed(experiment, out) == SEEDS - len(before)
    assert before.items() < points(out).items()
    assert (out / "summary.csv").read_bytes() == unbroken
