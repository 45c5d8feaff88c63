import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra `learn` is not installed")
pytest.importorskip("transformers", reason="the extra `learn` is not installed")

from safetensors.torch import load_file

from s3sim.core.errors import InputError, SystemFaultError
from s3sim.learn import training
from s3sim.learn.checkpoint import CHECKPOINT
from s3sim.learn.examples import read_examples
from s3sim.learn.model import ABOUT, WEIGHTS, load_model
from s3sim.learn.settings import Settings
from s3sim.learn.source import Source
from s3sim.learn.task import label, task_of
from s3sim.learn.train import train
from s3sim.learn.training import Report
from tests.learn.rows import TINY

SHORT = replace(TINY, epochs=2)


class Cut:
    """Interrupts a training, as Ctrl-C would, at a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def __call__(self, report: Report) -> None:
        """Called after each step."""
        if report.progress.step == self.step:
            raise KeyboardInterrupt


def weights(folder: Path) -> dict[str, Any]:
    """The tensors of a model folder, as arrays."""
    return {name: values.numpy() for name, values in load_file(folder / WEIGHTS).items()}


def same(one: Path, other: Path) -> bool:
    """Whether two folders have equal weights, bit for bit."""
    first, second = weights(one), weights(other)
    return first.keys() == second.keys() and all(np.array_equal(first[name], second[name]) for name in first)


def test_a_small_predictor_learns_what_can_be_learnt(trained: Path) -> None:
    """On 500 rows whose lengths follow from a word, held-out accuracy is far above the majority's."""
    scores = load_model(trained).about.scores["held_out"]
    assert scores["rows"] == 100
    assert scores["majority_accuracy"] < 0.4
    assert scores["accuracy"] > scores["majority_accuracy"] + 0.3
    assert scores["mae_tokens"] < 15


@pytest.mark.parametrize("head", ["ordinal", "regression"])
def test_the_other_heads_learn_it_too(head: str, source: Source, tmp_path: Path) -> None:
    """Ordinal and regression heads order the lengths, and place them better than the majority does."""
    slower = {"head": head, "epochs": 10, "learning_rate": 1e-3}
    settings = Settings.from_json({**TINY.to_json(), **slower}, place="test")
    scores = train(source, settings, out=tmp_path / head).about.scores["held_out"]
    assert scores["accuracy"] > scores["majority_accuracy"] + 0.15
    assert scores["kendall_tau"] > 0.5
    assert scores["mae_tokens"] < 15


def test_equal_seeds_give_equal_weights_and_others_others(source: Source, tmp_path: Path) -> None:
    """Training is a function of settings and data."""
    for name, seed in (("one", 0), ("two", 0), ("three", 1)):
        train(source, replace(SHORT, seed=seed), out=tmp_path / name)
    assert same(tmp_path / "one", tmp_path / "two")
    assert not same(tmp_path / "one", tmp_path / "three")


@pytest.mark.parametrize("step", [13, 22, 30])
def test_an_interrupted_training_goes_on_as_if_it_had_not_been(
    step: int, source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut between two checkpoints, within or between epochs of 20 steps, and resumed: the same weights and losses."""
    monkeypatch.setattr(training, "CHECKPOINT_STEPS", 5)
    whole = train(source, SHORT, out=tmp_path / "whole")
    with pytest.raises(SystemFaultError, match="interrupted; --resume goes on"):
        train(source, SHORT, out=tmp_path / "cut", on_step=Cut(step))
    assert (tmp_path / "cut" / CHECKPOINT).exists()
    steps: list[int] = []
    again = train(
        source, SHORT, out=tmp_path / "cut", resume=True, on_step=lambda report: steps.append(report.progress.step)
    )
    assert steps[0] == step // 5 * 5 + 1 - 5 * (step % 5 == 0)
    assert steps[-1] == 46
    assert same(tmp_path / "whole", tmp_path / "cut")
    assert again.about.training == whole.about.training
    assert not (tmp_path / "cut" / CHECKPOINT).exists()


def test_a_finished_training_is_not_repeated(trained: Path, source: Source) -> None:
    """--resume on a finished folder loads it; other settings are refused."""
    assert train(source, TINY, out=trained, resume=True).about.settings == TINY
    with pytest.raises(InputError, match=r"finished training of other settings: epochs is 2, was 6"):
        train(source, SHORT, out=trained, resume=True)


def test_a_checkpoint_of_another_training_is_refused(source: Source, tmp_path: Path) -> None:
    """Other buckets, other data, and a folder that is taken: each is said."""
    cut = tmp_path / "cut"
    with pytest.raises(SystemFaultError):
        train(source, SHORT, out=cut, on_step=Cut(25))
    with pytest.raises(InputError, match=r"another training: buckets is 4, was 8"):
        train(source, replace(SHORT, buckets=4), out=cut, resume=True)
    other = tmp_path / "rows.jsonl"
    other.write_text(source.file.read_text().replace("river", "lake"))
    with pytest.raises(InputError, match="was trained on other data"):
        train(Source(path=str(other), length="tokens"), SHORT, out=cut, resume=True)
    with pytest.raises(InputError, match=r"holds training\.safetensors: --resume goes on, --overwrite"):
        train(source, SHORT, out=cut)


@pytest.mark.parametrize("damage", ["truncated", "noise", "other"])
def test_a_damaged_checkpoint_is_refused(damage: str, source: Source, tmp_path: Path) -> None:
    """A checkpoint that was cut short, overwritten, or is some other safetensors file is named, with the remedy."""
    cut = tmp_path / "cut"
    with pytest.raises(SystemFaultError):
        train(source, SHORT, out=cut, on_step=Cut(25))
    path = cut / CHECKPOINT
    content = path.read_bytes()
    if damage == "other":
        train(source, SHORT, out=tmp_path / "other")
        content = (tmp_path / "other" / WEIGHTS).read_bytes()
    path.write_bytes({"truncated": content[:-100], "noise": b"x" * 100, "other": content}[damage])
    with pytest.raises(InputError, match=r"training\.safetensors: is damaged.*delete it and train again"):
        train(source, SHORT, out=cut, resume=True)


def test_training_stops_when_the_validation_loss_no_longer_falls(source: Source, tmp_path: Path) -> None:
    """`patience` epochs without a lower loss end it, and the best epoch's weights are kept."""
    wild = replace(TINY, epochs=30, learning_rate=2e-2, patience=1)
    about = train(source, wild, out=tmp_path / "wild").about
    losses = about.training["validation_losses"]
    assert len(losses) < 30
    assert about.training["best_epoch"] == int(np.argmin(losses)) == len(losses) - 2
    model = load_model(tmp_path / "wild")
    examples = read_examples(source).examples
    labels = label(examples, wild)
    task = task_of(examples, labels, wild, model.tokenizer)
    kept = training.validation_loss(model.network, task, labels.split.validation, wild.batch_size)
    assert kept == pytest.approx(min(losses), rel=1e-3)
    assert losses[-1] > 1.01 * min(losses)  # so that the last epoch's weights would be told from the best's


def test_class_weights_lift_rare_buckets(tmp_path: Path) -> None:
    """With 9 in 10 rows in one bucket and words that tell little, balancing foresees the rare bucket more often."""
    draw = np.random.default_rng(0)
    rows = []
    for row in range(300):
        rare = draw.random() < 0.1
        sign = "maybe" if draw.random() < (0.8 if rare else 0.3) else "never"
        rows.append({"prompt": f"{sign} {row}", "tokens": 100 if rare else 10})
    path = tmp_path / "rare.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    said = {}
    for rule in ("none", "balanced"):
        settings = Settings.from_json({**TINY.to_json(), "class_weights": rule, "buckets": 2}, place="test")
        model = train(Source(path=str(path), length="tokens"), settings, out=tmp_path / rule)
        said[rule] = int((model.foresee([f"maybe {row}" for row in range(50)]).foreseen.bucket == 1).sum())
    assert said["none"] < said["balanced"]


def test_the_card_states_data_split_and_scores(trained: Path, source: Source) -> None:
    """README.md in the folder holds the data's digest, the split's sizes and each score."""
    card, about = (trained / "README.md").read_text(), json.loads((trained / ABOUT).read_text())
    (digest,) = about["data"]["files"].values()
    assert digest in card
    assert "train 360, validation 40, held out 100 rows" in card
    for key, value in about["scores"]["held_out"].items():
        assert key in card
        assert f"{value:.4g}" in card


def test_no_file_of_a_model_could_run_code(trained: Path) -> None:
    """Weights are safetensors; nothing is a pickle, and no draft is left."""
    assert {path.suffix for path in trained.iterdir()} <= {".json", ".safetensors", ".md"}
    assert not [path.name for path in trained.iterdir() if path.name.startswith(".")]
