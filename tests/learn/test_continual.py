"""The learners of the extra go on learning, version by version, and a run's log teaches them."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch", reason="the extra `learn` is not installed")

from s3sim.api import simulate
from s3sim.core.errors import InputError
from s3sim.core.events import Event
from s3sim.experiment.schema import load_experiment
from s3sim.learn.continual import Encoder
from s3sim.learn.logs import LogRule, learn_from_log
from s3sim.learn.model import load_model
from s3sim.learn.sgd import SGD
from s3sim.predictors.buckets import Buckets
from s3sim.predictors.learner import Prompts
from tests.learn.rows import learnable, write_jsonl

BUCKETS = Buckets(8, 128)
ROWS = learnable(400, seed=3)
TOKENS = np.array([row["tokens"] for row in ROWS])
INDEX = BUCKETS.index(TOKENS)


def prompts(*, texts: bool = True, model: Path | None = None, buckets: Buckets = BUCKETS) -> Prompts:
    """The rows as a learner may see them."""
    told = tuple(row["prompt"] for row in ROWS) if texts else None
    return Prompts(tokens=np.full(len(ROWS), 9), texts=told, buckets=buckets, seed=0, model=model)


def accuracy(learner: Any, rows: np.ndarray, index: np.ndarray = INDEX) -> float:
    """The share of rows whose bucket is the likeliest."""
    return float(np.mean([learner.chances(row).argmax() == index[row] for row in rows.tolist()]))


def test_words_are_learnt_in_the_light() -> None:
    """From 200 rows the light learner tells the lengths of 200 others; what it knew before is as it was."""
    first = SGD.of(prompts())
    assert first.chances(0) is None
    learnt = first.learn(np.arange(200), INDEX[:200])
    assert accuracy(learnt, np.arange(200, 400)) > 0.8
    assert first.chances(0) is None


def test_the_light_learner_goes_on_from_what_it_knew() -> None:
    """A second retraining on new answers to the same words changes what it says, and a first one alone does not."""
    other = (INDEX + 3) % BUCKETS.count
    first = SGD.of(prompts()).learn(np.arange(200), INDEX[:200])
    second = first.learn(np.arange(200), other[:200])
    assert accuracy(second, np.arange(200, 400), other) > 0.8
    assert accuracy(first, np.arange(200, 400)) > 0.8


def test_without_texts_the_light_learner_knows_prompts_lengths_alone() -> None:
    """Prompts that are alike get the same chances."""
    learnt = SGD.of(prompts(texts=False)).learn(np.arange(200), INDEX[:200])
    assert learnt.chances(1) == pytest.approx(learnt.chances(399))


def test_equal_learning_gives_equal_chances() -> None:
    """Nothing but the seed and the rows decides."""
    one, other = (SGD.of(prompts()).learn(np.arange(100), INDEX[:100]) for _ in range(2))
    assert np.array_equal(one.chances(300), other.chances(300))


def test_an_encoder_unlearns_what_is_no_longer_so(trained: Path) -> None:
    """After retraining on other answers to the same words it gives those; the version before is as it was."""
    first = Encoder.of(prompts(model=trained))
    assert accuracy(first, np.arange(300, 400)) > 0.7
    other, learner = INDEX[::1].copy(), first
    other = (other + 4) % BUCKETS.count
    for _ in range(4):
        learner = learner.learn(np.arange(300), other[:300])
    assert accuracy(learner, np.arange(300, 400), other) > 0.6
    assert accuracy(first, np.arange(300, 400)) > 0.7


def test_an_encoder_keeps_to_its_buckets(trained: Path) -> None:
    """Other buckets than it was trained for are an error that names its own, and so are prompts without texts."""
    with pytest.raises(InputError, match="16, 32"):
        Encoder.of(prompts(model=trained, buckets=Buckets(4, 128)))
    with pytest.raises(InputError, match="texts"):
        Encoder.of(prompts(texts=False, model=trained))


def log_of(tokens: np.ndarray) -> pd.DataFrame:
    """Events of requests that finished in the order of their ids."""
    kinds = [int(Event.FINISHED)] * len(tokens)
    return pd.DataFrame({"event": kinds, "id": np.arange(len(tokens)), "tokens": tokens})


def test_a_log_teaches_what_changed(trained: Path, tmp_path: Path) -> None:
    """Versions are judged before they learn: the first is bad at new answers, the last is better."""
    texts = write_jsonl(tmp_path / "texts.jsonl", ROWS)
    changed = np.minimum(129 - TOKENS, 128)
    rule = LogRule(collect="mispredicted", every=60, window=120, seed=0)
    done = learn_from_log(load_model(trained), log_of(np.tile(changed, 1)), texts, rule)
    found = [row.accuracy for row in done.versions if row.requests > 20]
    assert sum(row.requests for row in done.versions) == len(ROWS)
    assert found[0] is not None
    assert found[-1] is not None
    assert found[0] < 0.5 < found[-1]
    assert "learnt on from" in done.card(trained)


def test_a_log_without_an_end_teaches_nothing(trained: Path, tmp_path: Path) -> None:
    """Nothing finished, or a request has no prompt: an error."""
    texts = write_jsonl(tmp_path / "texts.jsonl", ROWS[:3])
    rule = LogRule(collect="all", every=60, window=120, seed=0)
    with pytest.raises(InputError, match="finished"):
        learn_from_log(load_model(trained), log_of(TOKENS[:0]), texts, rule)
    with pytest.raises(InputError, match="no prompt for request 3"):
        learn_from_log(load_model(trained), log_of(TOKENS), texts, rule)


@pytest.mark.parametrize("learner", ["sgd", "encoder"])
def test_an_experiment_names_its_learner(learner: str, trained: Path, tmp_path: Path) -> None:
    """Simulated, each learns from texts: later versions are right more often than the maximum, or than chance."""
    texts = write_jsonl(tmp_path / "texts.jsonl", ROWS)
    rows = [f"{row['id']},9,{row['tokens']}\n" for row in ROWS]
    (tmp_path / "trace.csv").write_text("".join(["id,prompt_tokens,output_tokens\n", *rows]), encoding="utf-8")
    online = {"kind": "online", "learner": learner, "texts": str(texts), "edges": BUCKETS.edges.tolist()}
    more = {"model": str(trained)} if learner == "encoder" else {}
    values = {
        "version": 1,
        "name": "named",
        "model": "gpt-j-6b",
        "device": "a100-80gb",
        "max_length": 256,
        "workload": {"kind": "trace", "path": str(tmp_path / "trace.csv")},
        "arrivals": {"kind": "poisson", "rate": 20},
        "predictor": {**online, **more, "collect": "all", "retrain_every": 80, "retrain_s_per_row": 0.001},
        "systems": ["s3"],
    }
    (point,) = load_experiment(values).points
    found = simulate(point).requests.tail(150)
    right = BUCKETS.upper(BUCKETS.index(found["output_tokens"].to_numpy(np.int64))) == found["predicted_tokens"]
    assert right.mean() > 0.7
