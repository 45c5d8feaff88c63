"""The load that a server gets: when requests are sent, how many at once, in which words, and what is measured."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gpu_validate.endpoint.prompts import text_prompts
from s3sim.experiment.build import build_load
from s3sim.experiment.schema import load_experiment
from s3sim.report.rundir import read_run
from tests.gpu.endpoint_runs import byte_pairs, check_laws, client, drive, point_folder, replayed, write_experiment
from tests.gpu.endpoints import FakeServer, Reply, completion, event, serving, strict

POISSON = {"scenarios": {"online": {"arrivals": {"kind": "poisson", "rate": 12}}}}
PLAIN = ("model", "prompt", "max_tokens", "temperature", "stream")
LATE_S = 0.25  # that a busy machine may add


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    """A server that does as it is told."""
    with serving() as server:
        yield server


def _trace(path: Path) -> Any:
    (point,) = load_experiment(path).points
    return build_load(point).trace


def test_requests_are_sent_at_the_traces_times(fake: FakeServer, tmp_path: Path) -> None:
    """An open loop: a server that answers nothing for long does not slow its arrivals down."""
    fake.behave = lambda number, body: completion(body["max_tokens"], pace_s=0.15 if number else 0.0)
    path, out = write_experiment(tmp_path, **POISSON), tmp_path / "run"
    assert drive(path, fake.url, out) == 0
    arrival = _trace(path).arrival / 1e12
    sent = np.array(fake.times[1:]) - fake.times[1]
    assert np.abs(sent - (arrival - arrival[0])).max() < LATE_S
    assert arrival[-1] - arrival[0] < 8 * 2 * 0.15, "or a closed loop would pass"
    assert fake.most_busy > 1
    seen, late = client(out), replayed(out)["lateness_ms"]["sent"]
    assert seen["due_ps"].tolist() == _trace(path).arrival.tolist()
    assert late["max"] == pytest.approx((seen["sent_ps"] - seen["due_ps"]).max() / 1e9)
    check_laws(point_folder(out))


def test_latency_counts_from_the_arrival_and_not_from_sending(fake: FakeServer, tmp_path: Path) -> None:
    """No coordinated omission: with one connection, each request of a burst waits for all before it."""
    fake.behave = lambda number, body: completion(2, pace_s=0.05 if number else 0.0)
    path, out = write_experiment(tmp_path), tmp_path / "run"
    assert drive(path, fake.url, out, max_connections=1) == 0
    requests = pd.read_parquet(point_folder(out) / "requests.parquet").sort_values("e2el_ms")
    assert (requests["e2el_ms"].to_numpy() >= 100.0 * np.arange(1, 9)).all()
    assert (requests["ttft_ms"].to_numpy() >= 100.0 * np.arange(8) + 50).all()
    assert replayed(out)["lateness_ms"]["sent"]["max"] >= 700
    assert replayed(out)["lateness_ms"]["woken"]["max"] < 1000 * LATE_S


@pytest.mark.parametrize("cap", [1, 3])
def test_connections_are_capped(cap: int, fake: FakeServer, tmp_path: Path) -> None:
    """Never more than so many, and all of them where there is work, also with retries."""
    busy = Reply(status=429)
    fake.behave = lambda number, body: busy if number % 4 == 3 else completion(body["max_tokens"], pace_s=0.02)
    out = tmp_path / "run"
    assert drive(write_experiment(tmp_path), fake.url, out, max_connections=cap) == 0
    assert fake.most_busy == replayed(out)["most_connections"] == cap
    assert fake.most_open == cap
    check_laws(point_folder(out))


def test_a_server_that_knows_all_fields_is_given_them(fake: FakeServer, tmp_path: Path) -> None:
    """Token ids of the trace's lengths, below the vocabulary, and lengths that are forced."""
    path, out = write_experiment(tmp_path, **POISSON), tmp_path / "run"
    assert drive(path, fake.url, out) == 0
    trace, bodies = _trace(path), fake.bodies[1:]
    assert [len(body["prompt"]) for body in bodies] == trace.prompt_tokens.tolist()
    assert [body["max_tokens"] for body in bodies] == trace.output_tokens.tolist()
    assert all(body["min_tokens"] == body["max_tokens"] and body["ignore_eos"] is True for body in bodies)
    assert all(body["stream_options"] == {"include_usage": True} and body["model"] == "m" for body in bodies)
    assert all(0 <= token < 50400 for body in bodies for token in body["prompt"])
    server = replayed(out)["server"]
    assert all(server[name] for name in ("token_ids", "ignore_eos", "min_tokens", "stream_usage"))
    finished = pd.read_parquet(point_folder(out) / "requests.parquet")
    assert finished["output_tokens"].tolist() == trace.output_tokens.tolist()


@pytest.mark.parametrize("known", [PLAIN, (*PLAIN, "stream_options"), (*PLAIN, "ignore_eos", "stream_options")])
def test_a_server_is_given_what_it_knows(known: tuple[str, ...], fake: FakeServer, tmp_path: Path) -> None:
    """Fields that it refuses are left out, no other; without token ids the prompts are text."""
    fake.behave = strict(known)
    out = tmp_path / "run"
    assert drive(write_experiment(tmp_path), fake.url, out, tokenizer=byte_pairs(tmp_path)) == 0
    server, body = replayed(out)["server"], fake.bodies[-1]
    assert set(body) == set(known)
    assert isinstance(body["prompt"], str)
    assert not server["token_ids"]
    assert server["ignore_eos"] == ("ignore_eos" in known)


def test_what_a_server_adds_to_a_text_is_left_out_of_it(fake: FakeServer, tmp_path: Path) -> None:
    """A server that begins each text with a token of its own gets texts one shorter."""
    tokenizer = byte_pairs(tmp_path)
    engine = text_prompts(tokenizer, ()).engine

    def behave(number: int, body: Any) -> Reply:
        if not isinstance(body["prompt"], str):
            return Reply(status=422)
        said = completion(body["max_tokens"], usage=False, ending=b"")
        prompt = 1 + len(engine.encode(body["prompt"], add_special_tokens=False).ids)
        usage = event(choices=[], usage={"prompt_tokens": prompt, "completion_tokens": body["max_tokens"]})
        return Reply(pieces=[*said.pieces, usage])

    fake.behave, out = behave, tmp_path / "run"
    assert drive(write_experiment(tmp_path), fake.url, out, tokenizer=tokenizer) == 0
    assert replayed(out)["server"]["added_prompt_tokens"] == 1
    assert replayed(out)["prompt_tokens"] == {"requests_that_differ": 0, "requests_not_counted": 0}


def test_a_server_with_text_alone_asks_for_a_tokenizer(
    fake: FakeServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without one no text has a length that is known."""
    fake.behave = strict(PLAIN)
    assert drive(write_experiment(tmp_path), fake.url, tmp_path / "run") == 2
    assert "--tokenizer" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("models", [(), ("a", "b")])
def test_a_model_is_named_where_the_server_does_not_tell(
    models: tuple[str, ...], fake: FakeServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """None or several: --model is asked for, and what there is is listed."""
    fake.models = models
    assert drive(write_experiment(tmp_path), fake.url, tmp_path / "run") == 2
    assert f"lists {len(models)} models" in capsys.readouterr().err


def test_lengths_that_came_are_told_beside_those_asked_for(fake: FakeServer, tmp_path: Path) -> None:
    """A model that stops by itself, and chunks of several tokens: the server's count goes before that of chunks."""

    def behave(number: int, body: Any) -> Reply:
        words = [event(choices=[{"text": "w w", "finish_reason": None}])] * 2
        end = event(choices=[{"text": "", "finish_reason": "stop"}], usage={"prompt_tokens": 9, "completion_tokens": 4})
        return Reply(pieces=[*words, end])

    fake.behave = behave
    path, out = write_experiment(tmp_path), tmp_path / "run"
    assert drive(path, fake.url, out) == 0
    told, asked = replayed(out)["output_tokens"], _trace(path).output_tokens
    assert told == {
        "asked": asked.sum(),
        "received": 32,
        "requests_that_differ": (asked != 4).sum(),
        "counted_by": "usage",
        "requests_with_other_than_one_token_a_chunk": 8,
    }
    assert replayed(out)["prompt_tokens"]["requests_that_differ"] == (_trace(path).prompt_tokens != 9).sum()


@pytest.mark.parametrize("warm_up", ["none", {"requests": 3}])
def test_metrics_are_the_reports_own_of_the_tokens_times(fake: FakeServer, tmp_path: Path, warm_up: Any) -> None:
    """ITL pools the gaps between tokens, in the measured window; what only a server knows is left empty."""
    fake.behave = lambda number, body: completion(body["max_tokens"], pace_s=0.03 if number else 0.0)
    out = tmp_path / "run"
    measure = {"warm_up": warm_up, "cool_down": "none"}
    assert drive(write_experiment(tmp_path, **POISSON, measure=measure), fake.url, out) == 0
    (row,) = read_run(out).scenarios[0].rows.to_dict("records")
    begin, requests = row["window_start_s"], pd.read_parquet(point_folder(out) / "requests.parquet")
    mine, ended = requests[requests["arrival_s"] >= begin], requests[requests["finished_s"] > begin]
    assert len(requests) - len(mine) == (0 if warm_up == "none" else 3)
    tokens = pd.read_parquet(point_folder(out) / "tokens.parquet")
    tokens = tokens[tokens["id"].isin(mine["id"])]
    gaps = np.concatenate([np.diff(times.to_numpy()) for _, times in tokens.groupby("id")["time_ps"]]) / 1e9
    assert row["mean_itl_ms"] == pytest.approx(gaps.mean())
    assert row["p90_itl_ms"] == pytest.approx(np.percentile(gaps, 90))
    assert 30 <= row["p50_itl_ms"] < 30 + 1000 * LATE_S
    assert row["p99_e2el_ms"] == pytest.approx(np.percentile(mine["e2el_ms"], 99))
    elapsed = requests["finished_s"].max() - begin
    assert row["output_throughput"] == pytest.approx(ended["output_tokens"].sum() / elapsed)
    assert all(pd.isna(row[name]) for name in ("mean_batch_size", "kv_used_fraction", "preemptions", "mfu"))


def test_what_the_workload_rejects_is_not_sent(fake: FakeServer, tmp_path: Path) -> None:
    """Requests beyond max_length are rejected in the log, as in the simulator, and never reach the server."""
    workload = {
        "kind": "lengths",
        "requests": 8,
        "prompt": {"kind": "uniform", "low": 3, "high": 9},
        "output": {"kind": "uniform", "low": 2, "high": 6},
        "over_length": "reject",
    }
    path, out = write_experiment(tmp_path, workload=workload, max_length=10), tmp_path / "run"
    over = int(_trace(path).over_length.sum())
    assert 0 < over < 8
    assert drive(path, fake.url, out) == 0
    assert len(fake.bodies) == 1 + 8 - over
    (row,) = read_run(out).scenarios[0].rows.to_dict("records")
    assert (row["completed"], row["rejected"]) == (8 - over, over)
    check_laws(point_folder(out))


def test_users_who_wait_for_answers_cannot_be_driven(
    fake: FakeServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A closed loop has no times of its own."""
    scenarios = {"chat": {"arrivals": {"kind": "closed_loop", "users": 2, "think_time_s": 0.0}}}
    assert drive(write_experiment(tmp_path, scenarios=scenarios), fake.url, tmp_path / "run") == 2
    assert "has no times of its own" in capsys.readouterr().err
