"""Small experiments driven against a server, and the laws that hold for whatever comes of them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tokenizers

from gpu_validate.cli import main
from s3sim.core.events import Event

__all__ = [
    "QUICK",
    "byte_pairs",
    "check_laws",
    "client",
    "drive",
    "manifest",
    "point_folder",
    "replayed",
    "write_experiment",
]

EXPERIMENT: dict[str, Any] = {
    "version": 1,
    "name": "small",
    "model": "gpt-j-6b",
    "device": "a100-80gb",
    "max_length": 48,
    "memory": {"kv_capacity_tokens": 400},
    "workload": {
        "kind": "lengths",
        "requests": 8,
        "prompt": {"kind": "uniform", "low": 3, "high": 9},
        "output": {"kind": "uniform", "low": 2, "high": 6},
    },
    "systems": ["vllm"],
}
QUICK = {  # the time-outs and waits of these tests, in seconds
    "--connect-timeout-s": 2,
    "--first-token-timeout-s": 0.3,
    "--token-timeout-s": 0.3,
    "--backoff-s": 0.02,
}


def write_experiment(folder: Path, **changes: Any) -> Path:
    """An experiment's file; JSON is YAML."""
    path = folder / "small.yaml"
    path.write_text(json.dumps(EXPERIMENT | changes), encoding="utf-8")
    return path


def drive(path: Path, url: str, out: Path, *more: Any, **options: Any) -> int:
    """`gpu-validate replay --url` with quick time-outs; its exit code."""
    chosen = QUICK | {f"--{name.replace('_', '-')}": value for name, value in options.items()}
    words = [word for option in chosen.items() for word in option]
    return main(["replay", str(path), "--url", url, "--out", str(out), *map(str, [*words, *more])])


def manifest(out: Path) -> Any:
    """What the manifest says of the replay."""
    return json.loads((out / "manifest.json").read_text(encoding="utf-8"))["replay"]


def point_folder(out: Path) -> Path:
    """The folder of the only point."""
    (folder,) = (out / "points").iterdir()
    return folder


def replayed(out: Path) -> Any:
    """What is told of the only point, finished."""
    return json.loads((point_folder(out) / "replay.json").read_text(encoding="utf-8"))


def client(out: Path) -> pd.DataFrame:
    """The client's own table of the only point."""
    return pd.read_parquet(point_folder(out) / "client.parquet")


def byte_pairs(folder: Path) -> Path:
    """A tokenizer's file that merges letters, as GPT-2's, with a special token."""
    engine = tokenizers.Tokenizer(tokenizers.models.BPE())
    engine.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    engine.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=400, special_tokens=["<end>"], show_progress=False)
    engine.train_from_iterator([Path(__file__).read_text(encoding="utf-8")], trainer)
    path = folder / "tokenizer.json"
    engine.save(str(path))
    return path


def check_laws(folder: Path) -> None:
    """Times of a request never run back, in any table, and the tables agree."""
    events, tokens, seen = (pd.read_parquet(folder / f"{name}.parquet") for name in ("events", "tokens", "client"))
    assert events["time_ps"].is_monotonic_increasing
    assert (events.loc[events["event"] == Event.ARRIVED, "id"].tolist()) == seen["id"].tolist()
    rows: Any = seen.itertuples()
    for row in rows:
        times = tokens.loc[tokens["id"] == row.id, "time_ps"].to_numpy()
        own = events[events["id"] == row.id]
        assert len(times) == row.chunks
        path = [row.due_ps, row.woken_ps, row.sent_ps, *times, row.done_ps]
        known = np.array([time for time in path if not pd.isna(time)], dtype=np.int64)
        assert (np.diff(known) >= 0).all(), path
        assert (own["time_ps"].iloc[0], own["event"].iloc[0]) == (row.due_ps, Event.ARRIVED)
        if len(times):
            assert own.loc[own["event"] == Event.PREFILLED, "time_ps"].tolist() == [times[0]]
        if row.failure is None and not pd.isna(row.sent_ps):
            assert own.loc[own["event"] == Event.FINISHED, "time_ps"].tolist() == [times[-1]]
    if (folder / "requests.parquet").exists():
        requests = pd.read_parquet(folder / "requests.parquet")
        done = requests[requests["status"] == "finished"]
        assert (done["ttft_ms"] <= done["e2el_ms"]).all()
        assert (done["ttft_ms"] > 0).all()
