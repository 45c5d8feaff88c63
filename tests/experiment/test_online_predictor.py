"""What an experiment may say of predictors that learn, of margins, and of traffic in phases."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from s3sim.core.errors import InputError, UnknownNameError
from s3sim.experiment.build import build_load
from s3sim.experiment.schema import load_experiment
from tests.experiment.tiny import tiny, write

ONLINE = {"kind": "online", "learner": "frequencies", "buckets": 4}
PHASES = {"kind": "phases", "phases": [{"name": "alpaca", "requests": 30}, {"name": "sharegpt", "requests": 20}]}


def load(**values: Any):  # type: ignore[no-untyped-def]
    """The load of the experiment's first point of s3."""
    points = load_experiment(tiny(systems=["s3"], **values)).points
    return build_load(points[0])


def test_an_online_predictor_foresees_nothing_before_the_run() -> None:
    """Its load has prompts and buckets, and no column of predictions."""
    made = load(predictor=ONLINE)
    assert made.predicted is None
    assert made.online is not None
    assert made.online.prompts.buckets.edges.tolist() == [32, 64, 96, 128]
    assert made.online.prompts.texts is None


def test_texts_are_joined_by_id(tmp_path: Path) -> None:
    """Row 7 gets the prompt of id 7, in whatever order the file has them; one that is missing is an error."""
    lines = [f'{{"id": {row}, "prompt": "text {row}"}}\n' for row in reversed(range(20))]
    path = write(tmp_path, "".join(lines), "texts.jsonl")
    made = load(predictor={**ONLINE, "texts": str(path)})
    assert made.online.prompts.texts[7] == "text 7"
    short = write(tmp_path, "".join(lines[:15]), "short.jsonl")
    with pytest.raises(InputError, match="no prompt for request 0"):
        load(predictor={**ONLINE, "texts": str(short)})
    other = write(tmp_path, '{"id": 1, "words": "a"}\n', "other.jsonl")
    with pytest.raises(InputError, match="no column 'prompt'"):
        load(predictor={**ONLINE, "texts": str(other)})


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"learner": "encoder"}, "model"),
        ({"model": "somewhere"}, "model"),
        ({"charged_to": "gpu", "concurrency": 2}, "concurrency"),
        ({"quantile": 1.0}, "quantile"),
        ({"retrain_every": 0}, "retrain_every"),
        ({"learner": "oracle"}, "learner"),
    ],
)
def test_what_makes_no_sense_is_an_error(fields: dict[str, Any], word: str) -> None:
    """It is named before anything runs."""
    with pytest.raises(InputError, match=word):
        load(predictor={**ONLINE, **fields})


def test_phases_follow_one_another() -> None:
    """The first phase is what it would be alone, and one arrival process runs through all of them."""
    both = load(workload=PHASES, max_length=2048, memory={}).trace
    alone = load(workload={"kind": "preset", "name": "alpaca", "requests": 30}, max_length=2048, memory={}).trace
    assert len(both) == 50
    assert np.array_equal(both.prompt_tokens[:30], alone.prompt_tokens)
    assert np.array_equal(both.output_tokens[:30], alone.output_tokens)
    assert (np.diff(both.arrival) >= 0).all()
    assert both.output_tokens[30:].mean() > 2 * both.output_tokens[:30].mean()


def test_a_phase_of_an_unknown_name_is_an_error() -> None:
    """It lists the known ones."""
    with pytest.raises(UnknownNameError, match="alpacca"):
        load(workload={"kind": "phases", "phases": [{"name": "alpacca", "requests": 3}]})


def test_margins_and_skill_reach_the_predictor() -> None:
    """A margin of all buckets says the maximum; full skill says every bucket rightly."""
    confusion = {"kind": "confusion", "accuracy": 0.3, "buckets": 4}
    assert set(load(predictor={**confusion, "margin_buckets": 3}).predicted.tolist()) == {128}
    right = load(predictor={**confusion, "skill": 1.0})
    assert (right.predicted - right.trace.output_tokens < 32).all()
    assert (right.predicted >= right.trace.output_tokens).all()
