"""A server that stalls, drops, refuses or rambles: a message, a run marked partial that can be resumed, no hang."""

import json
import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pandas as pd
import pytest

from s3sim.report.rundir import read_run
from tests.gpu.endpoint_runs import check_laws, client, drive, manifest, point_folder, replayed, write_experiment
from tests.gpu.endpoints import FOREVER, FakeServer, Reply, completion, event, healthy, serving

WORD = event(choices=[{"text": "w", "finish_reason": None}])
PINGS: list[bytes | float] = [piece for _ in range(30) for piece in (b": ping\n\n", 0.05)]
SLOW: list[bytes | float] = [piece for _ in range(30) for piece in (WORD, 0.1)]
FAULTS = {
    "stalls before its first token": (Reply(pieces=[b": hm\n\n", FOREVER]), 1, "no token within 0.3 s"),
    "stalls before it answers": (Reply(pieces=[FOREVER], silent=True), 1, "no token within 0.3 s"),
    "stalls after a token": (Reply(pieces=[WORD, FOREVER]), 1, "no token for 0.3 s after 1 of them"),
    "pings and stalls": (Reply(pieces=[WORD, *PINGS]), 1, "no token for 0.3 s after 1 of them"),
    "never ends": (Reply(pieces=SLOW), 1, "not finished within 1 s"),
    "drops the stream": (Reply(pieces=[WORD, WORD], drop=True), 1, "the connection failed"),
    "ends the stream early": (Reply(pieces=[WORD, WORD]), 1, "the stream ended before the completion did"),
    "answers 400": (Reply(status=400, pieces=[b"too long"]), 2, "answered 400 Said: too long"),
    "answers 401": (Reply(status=401, pieces=[b"who"]), 2, "answered 401"),
    "answers 302": (Reply(status=302, headers={"Location": "/v1/models"}), 2, "answered 302"),
    "answers 500": (Reply(status=500, pieces=[b"oops"]), 1, "answered 500 Said: oops"),
    "answers 503 always": (Reply(status=503, headers={"Retry-After": "0"}), 1, "failed at try 3"),
    "answers no events": (Reply(pieces=[b"<html>\n\n"]), 1, "the stream ended before"),
    "answers JSON": (Reply(pieces=[b"{}"], kind="application/json"), 1, "a stream of events was asked for"),
    "sends garbage": (Reply(pieces=[b"data: {]\n\n"]), 1, "no JSON"),
    "tells of an error": (Reply(pieces=[WORD, event(error={"message": "no memory left"})]), 1, "no memory left"),
    "says nothing": (completion(0), 1, "a completion without a token"),
}


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    """A server that does as it is told."""
    with serving() as server:
        yield server


def _from(first: int, reply: Reply) -> Callable[[int, Any], Reply]:
    """Healthy until that completion; the probe is number 0."""
    return lambda number, body: healthy(number, body) if number < first else reply


@pytest.mark.parametrize("fault", FAULTS)
def test_a_server_that_fails_leaves_a_run_to_resume(
    fault: str, fake: FakeServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A message that says what happened, what came so far, no metrics; --resume then tries the point again."""
    reply, code, message = FAULTS[fault]
    fake.behave = _from(5, reply)
    path, out, begun = write_experiment(tmp_path), tmp_path / "run", monotonic()
    assert drive(path, fake.url, out, retries=2, timeout_s=1) == code
    assert monotonic() - begun < 15, "no hang"
    assert message in (said := capsys.readouterr().err), said
    assert manifest(out)["status"] == "partial"
    assert message in manifest(out)["message"]
    folder = point_folder(out)
    assert not (folder / "replay.json").exists()
    assert not (folder / "summary.json").exists()
    assert json.loads((folder / "failures.json").read_text(encoding="utf-8"))["failed"] >= 1
    check_laws(folder)
    first, fake.behave = [body["prompt"] for body in fake.bodies[1:]], healthy
    fake.forget()
    assert drive(path, fake.url, out, "--resume") == 0
    assert not {tuple(body["prompt"]) for body in fake.bodies[1:]} & set(map(tuple, first)), "a cache would know them"
    assert manifest(out) | {"status": "finished", "message": ""} == manifest(out)
    assert {path.name for path in point_folder(out).iterdir()} >= {"replay.json", "requests.parquet", "summary.json"}
    assert list(read_run(out).scenarios[0].rows["completed"]) == [8]
    check_laws(point_folder(out))


@pytest.mark.parametrize(
    "reply", [Reply(status=429), Reply(status=503, headers={"Retry-After": "0"}), Reply(silent=True)]
)
def test_a_server_that_is_busy_is_asked_again(reply: Reply, fake: FakeServer, tmp_path: Path) -> None:
    """429, 503 and broken connections are tried anew, counted, and cost the request its time."""
    fake.behave = lambda number, body: reply if number in (0, 3, 4, 9) else healthy(number, body)
    out = tmp_path / "run"
    assert drive(write_experiment(tmp_path), fake.url, out, backoff_s=0.1) == 0
    seen = client(out)
    assert replayed(out)["further_tries"] == (seen["tries"] - 1).sum() == 3
    assert seen["failure"].isna().all()
    assert replayed(out)["output_tokens"]["requests_that_differ"] == 0
    check_laws(point_folder(out))


def test_no_server_is_said_after_the_last_retry(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is written where no server answers."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        assert drive(write_experiment(tmp_path), url, tmp_path / "run", retries=1, model="m") == 1
    assert "the server completes nothing: the connection failed" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_failures_that_are_allowed_are_counted(fake: FakeServer, tmp_path: Path) -> None:
    """With --max-failures a point is whole without them; they are unfinished, and in no latency."""
    fake.behave = lambda number, body: Reply(pieces=[WORD], drop=True) if number in (2, 5) else healthy(number, body)
    out = tmp_path / "run"
    assert drive(write_experiment(tmp_path), fake.url, out, max_failures=2) == 0
    (row,) = read_run(out).scenarios[0].rows.to_dict("records")
    assert (row["completed"], row["unfinished"]) == (6, 2)
    assert replayed(out)["failed"] == 2
    assert sorted(client(out)["failure"].dropna()) == ["dropped", "dropped"]
    check_laws(point_folder(out))


def test_a_stream_that_stalls_after_its_end_is_whole(fake: FakeServer, tmp_path: Path) -> None:
    """Once the finish reason came, nothing that follows can spoil the completion."""
    fake.behave = lambda number, body: completion(body["max_tokens"], usage=False, ending=b": hm\n\n")
    out = tmp_path / "run"
    calm = fake.behave
    fake.behave = lambda number, body: Reply(pieces=[*calm(number, body).pieces, FOREVER]) if number else calm(0, body)
    assert drive(write_experiment(tmp_path), fake.url, out) == 0
    assert replayed(out)["output_tokens"]["counted_by"] == "chunks"
    assert replayed(out)["output_tokens"]["requests_that_differ"] == 0


def test_a_point_has_a_time_limit(fake: FakeServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--timeout bounds a whole point; what came until then is kept."""
    fake.behave = lambda number, body: completion(body["max_tokens"], pace_s=0.2 if number else 0.0)
    out = tmp_path / "run"
    assert (
        drive(write_experiment(tmp_path), fake.url, out, timeout=0.7, first_token_timeout_s=9, token_timeout_s=9) == 1
    )
    assert "not finished within the time allowed" in capsys.readouterr().err
    assert manifest(out)["status"] == "partial"
    check_laws(point_folder(out))
    assert (client(out)["chunks"] > 0).any()


def test_an_interrupt_keeps_what_came(fake: FakeServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C ends in a message, and a run directory to resume."""

    def behave(number: int, body: Any) -> Reply:
        if number == 8:
            os.kill(os.getpid(), signal.SIGINT)
        return healthy(number, body) if number < 5 else Reply(pieces=[WORD, FOREVER])

    fake.behave, out = behave, tmp_path / "run"
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job may ignore it
    try:
        assert drive(write_experiment(tmp_path), fake.url, out, token_timeout_s=30) == 1
    finally:
        signal.signal(signal.SIGINT, before)
    assert "interrupted" in capsys.readouterr().err
    assert (manifest(out)["status"], manifest(out)["message"]) == ("partial", "interrupted")
    check_laws(point_folder(out))


@pytest.mark.parametrize("healthy_until", [0, 5])
def test_no_credential_is_written_down(
    healthy_until: int,
    fake: FakeServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Key, password and query go to the server, and into no file or message, even if the server repeats them."""
    secrets = ("t0pkey", "ann0nym", "p4ssw0rd", "qu3ry")
    monkeypatch.setenv("SOME_KEY", "t0pkey")
    fake.behave = _from(healthy_until, Reply(status=401, pieces=[f"no: {' '.join(secrets)}".encode()]))
    url, out = fake.url.replace("//", "//ann0nym:p4ssw0rd@") + "?token=qu3ry", tmp_path / "run"
    monkeypatch.setattr("sys.argv", ["gpu-validate", "replay", "--url", url, f"--url={url}"])
    assert drive(write_experiment(tmp_path), url, out, api_key_env="SOME_KEY") == 2
    assert fake.headers[-1]["Authorization"] == "Bearer t0pkey"
    assert fake.targets[-1] == "/v1/completions?token=qu3ry"
    kept = b"".join(file.read_bytes() for file in out.rglob("*") if file.is_file())
    kept += b"".join(str(client(out).to_dict()).encode() for _ in range(out.exists()))
    said = "".join(capsys.readouterr())
    assert "no: *** *** *** ***" in said
    assert not [secret for secret in secrets if secret.encode() in kept or secret in said]
    assert out.exists() == (healthy_until > 0)
    if out.exists():
        command = json.loads((out / "environment.json").read_text(encoding="utf-8"))["command"]
        assert command[2:] == ["--url", fake.url, f"--url={fake.url}"]


def test_another_server_does_not_go_on_with_a_run(
    fake: FakeServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Points of two servers in one directory would pass for one."""
    path, out = write_experiment(tmp_path), tmp_path / "run"
    assert drive(path, fake.url, out) == 0
    assert drive(path, fake.url, out, "--resume", "--model", "other") == 2
    assert "was replayed with model 'm', not 'other'" in capsys.readouterr().err


def test_events_of_a_partial_point_can_be_read(fake: FakeServer, tmp_path: Path) -> None:
    """Requests that got no answer have arrived, and nothing else."""
    fake.behave = _from(1, Reply(status=500))
    out = tmp_path / "run"
    assert drive(write_experiment(tmp_path), fake.url, out) == 1
    events = pd.read_parquet(point_folder(out) / "events.parquet")
    assert set(events["event"]) == {2}
    assert len(events) == 8
    assert set(client(out)["failure"]) <= {"status", "cancelled"}
