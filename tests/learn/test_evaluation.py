import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra `learn` is not installed")
pytest.importorskip("sklearn", reason="the extra `learn` is not installed")

from s3sim.api.predictor_files import matrix_csv, write_evaluation
from s3sim.api.predictor_worth import worth_of
from s3sim.core.errors import InputError
from s3sim.learn.evaluation import MODEL, Evaluation, evaluate
from s3sim.learn.model import LengthModel, load_model
from s3sim.learn.source import Source
from s3sim.predictors.buckets import Buckets
from s3sim.predictors.confusion import ConfusionMatrix
from tests.learn.rows import LENGTHS, learnable, write_jsonl

BASELINES = ["majority", "median", "prompt_length", "tfidf_logistic", "tfidf_logistic_tuned", "tfidf_ridge"]
NAMES = ["model", *BASELINES, "frozen_ridge"]


@pytest.fixture(scope="module")
def model(trained: Path) -> LengthModel:
    """The small predictor."""
    return load_model(trained)


@pytest.fixture(scope="module")
def found(model: LengthModel) -> Evaluation:
    """It, judged by its held-out rows."""
    return evaluate(model)


def test_the_json_has_the_keys_and_nested_baselines(found: Evaluation) -> None:
    """Eight keys for the model, and the same eight for each baseline."""
    plain = json.loads(json.dumps(found.to_json()))
    baselines = plain.pop("baselines")
    assert list(plain) == [
        "accuracy", "majority_accuracy", "macro_f1", "within_one", "mae_tokens", "kendall_tau",
        "under_predicted", "rows",
    ]  # fmt: skip
    assert list(baselines) == NAMES[1:]
    assert all(list(values) == list(plain) for values in baselines.values())
    assert plain["majority_accuracy"] == baselines["majority"]["accuracy"]


def test_the_held_out_rows_are_judged_and_none_was_trained_on(found: Evaluation, model: LengthModel) -> None:
    """As many as the card says, with its scores, and no prompt of the training rows."""
    assert len(found.rows) == 100
    assert found.seen == 0
    assert found.scores[MODEL].to_json() == pytest.approx(model.about.scores["held_out"])


def test_baselines_are_what_their_names_say(found: Evaluation, source: Source) -> None:
    """Constants where nothing is read; words find the word that decides; length alone does not."""
    buckets = found.foreseen
    assert len(set(buckets["majority"].bucket.tolist())) == len(set(buckets["median"].point.tolist())) == 1
    assert found.scores["tfidf_logistic"].accuracy > 0.9
    assert found.scores["tfidf_logistic_tuned"].accuracy > 0.9
    assert found.scores["tfidf_ridge"].mae_tokens < found.scores["prompt_length"].mae_tokens / 2
    assert found.scores["prompt_length"].accuracy < 0.5
    middle = np.median([row["tokens"] for row in learnable(500)])
    assert abs(found.foreseen["median"].point[0] - middle) < 20


def test_another_file_may_be_held_back(model: LengthModel, tmp_path: Path) -> None:
    """All of its rows are judged; prompts that were trained on are counted."""
    other = learnable(60, seed=9)
    rows = [*other, *learnable(500)[:200]]
    path = write_jsonl(tmp_path / "other.jsonl", [{**row, "id": number} for number, row in enumerate(rows)])
    found = evaluate(model, source=Source(path=str(path), length="tokens"))
    assert len(found.rows) == 260
    assert 100 < found.seen < 200  # 72% of 200 were trained on
    assert found.scores[MODEL].accuracy > 0.6


def test_without_the_training_data_the_plain_baselines_remain(model: LengthModel, tmp_path: Path) -> None:
    """Majority and median come from the model's own counts; the reason is noted. Without a file there is an error."""
    lost = LengthModel(
        model.network, model.tokenizer, replace(model.about, source={**model.about.source, "path": "gone.jsonl"})
    )
    path = write_jsonl(tmp_path / "other.jsonl", learnable(60, seed=9))
    found = evaluate(lost, source=Source(path=str(path), length="tokens"))
    assert list(found.scores) == NAMES[:3]
    assert "no file 'gone.jsonl'" in found.notes[0]
    with pytest.raises(InputError, match=r"no file 'gone\.jsonl'"):
        evaluate(lost)
    moved = evaluate(lost, training=Source.from_json(model.about.source))
    assert list(moved.scores) == NAMES


def test_a_lost_encoder_leaves_its_baseline_out(model: LengthModel, tmp_path: Path) -> None:
    """The others are judged, and the reason is noted."""
    (tmp_path / "empty").mkdir()
    settings = replace(model.about.settings, backbone=str(tmp_path / "empty"))
    found = evaluate(LengthModel(model.network, model.tokenizer, replace(model.about, settings=settings)))
    assert list(found.scores) == NAMES[:-1]
    assert "no baseline frozen_ridge" in found.notes[0]


def test_other_training_data_are_refused(model: LengthModel, tmp_path: Path) -> None:
    """Their digest differs: baselines would be fitted to something else."""
    path = write_jsonl(tmp_path / "rows.jsonl", learnable(500, seed=3))
    with pytest.raises(InputError, match="not the data that the model was trained on"):
        evaluate(model, training=Source(path=str(path), length="tokens"))


def test_differences_are_paired_and_signed(found: Evaluation) -> None:
    """The mean gain is the difference of the scores, and the interval holds it."""
    for name, both in found.differences().items():
        for key, gain in both.items():
            own, other = (getattr(found.scores[which], key) for which in (MODEL, name))
            assert gain.mean == pytest.approx(own - other)
            assert gain.low <= gain.mean <= gain.high
    assert found.differences()["majority"]["accuracy"].low > 0


def test_the_files_of_an_evaluation(found: Evaluation, tmp_path: Path) -> None:
    """The matrix is what the simulated predictor reads; pictures, predictions and scores are written."""
    written = {path.name for path in write_evaluation(found, tmp_path, name="tiny", worth=None)}
    assert {"confusion.csv", "confusion-median.csv", "confusion.png", "calibration.svg", "scores.json"} <= written
    matrix = np.loadtxt(tmp_path / "confusion.csv", delimiter=",")
    empty = found.confusion().sum(axis=1) == 0
    assert matrix[~empty].sum() == len(found.rows)
    drawn = ConfusionMatrix.from_csv(tmp_path / "confusion.csv", found.buckets, seed=1)
    ids = np.arange(20_000)
    truth = np.resize(found.rows.tokens, 20_000)
    said = found.buckets.index(drawn.predict(ids, ids, truth))
    assert (said == found.buckets.index(truth)).mean() == pytest.approx(found.scores[MODEL].accuracy, abs=0.03)


def test_a_bucket_that_no_row_was_in_is_foreseen_right() -> None:
    """An all-zero row could not be drawn from: 1 stands on its diagonal."""
    assert matrix_csv(np.array([[3, 1], [0, 0]])) == "3,1\n0,1\n"
    ConfusionMatrix(np.array([[3, 1], [0, 1]]), Buckets(2, 10))


def test_the_worth_of_predictions(found: Evaluation) -> None:
    """Reserving the maximum is slowest; a predictor that never falls short preempts nobody, the others do."""
    changes = ["memory.kv_capacity_tokens=2500", "workload.requests=300", "max_length=512"]
    worth = worth_of(found, overrides=changes).set_index("predictor")
    assert list(worth.index) == ["–", *NAMES, "true bucket", "true length"]
    assert worth["ratio"].idxmin() == "–"
    assert (worth["ratio_low"] <= worth["ratio"]).all()
    assert (worth["ratio"] <= worth["ratio_high"]).all()
    assert worth.loc["–", ["ratio_low", "ratio_high"]].tolist() == [1, 1]
    assert worth.loc["true length", "preemptions"] == worth.loc["true bucket", "preemptions"] == 0
    # the last token's slot is spare: one token too few is no overrun
    short = {name: (found.rows.tokens > own.reserved(found.buckets) + 1).any() for name, own in found.foreseen.items()}
    assert {name: worth.loc[name, "preemptions"] > 0 for name in NAMES} == short
    assert set(short.values()) == {True, False}


def test_the_words_decide() -> None:
    """The task of these tests is one: four words, four lengths apart."""
    assert sorted(LENGTHS.values()) == [8, 40, 90, 120]
