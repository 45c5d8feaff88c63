"""A model's card: what it was trained on, how, and how well it does."""

from collections.abc import Iterator, Mapping
from typing import Any

from s3sim.learn.model import About

__all__ = ["model_card"]


def model_card(about: About) -> str:
    """Markdown for the model folder's README.md."""
    return "\n".join([*_head(about), *_data(about), *_training(about), *_scores(about.scores), *_use(about)]) + "\n"


def _head(about: About) -> Iterator[str]:
    settings = about.settings
    yield "# A predictor of output lengths"
    yield ""
    yield (
        f"Foresees how many tokens a language model will answer with, from the prompt alone: {settings.head} over"
        f" {about.buckets.count} buckets (upper edges {', '.join(map(str, about.edges))} tokens; edges:"
        f" {settings.edges}). Fine-tuned from `{settings.backbone}` with `s3sim predictor train`."
    )
    yield ""


def _data(about: About) -> Iterator[str]:
    data, source = about.data, about.source
    yield "## Data"
    yield ""
    for name, digest in data["files"].items():
        yield f"- `{name}`, SHA-256 `{digest}`"
    if source["served"] or source["length"]:
        yield f"- lengths: column `{source['length'] or source['answer']}` of `{list(data['files'])[-1]}`"
    else:
        yield f"- lengths: the file's own answers, counted with `{source['tokenizer']}`"
    left_out = {
        name.replace("_", " "): data[name] for name in ("empty_prompts", "invalid_lengths", "unserved", "unasked")
    }
    yield f"- {data['rows']} rows; left out: " + ", ".join(f"{name} {count}" for name, count in left_out.items())
    parts = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in about.split.items())
    yield f"- split by prompt, seed {about.settings.split_seed}: {parts} rows"
    yield ""


def _training(about: About) -> Iterator[str]:
    training, skipped = about.training, ("backbone", "head", "edges", "split_seed")
    yield "## Training"
    yield ""
    settings = {name: value for name, value in about.settings.to_json().items() if name not in skipped}
    yield "- " + ", ".join(f"{name} {value}" for name, value in settings.items())
    losses = ", ".join(f"{loss:.4f}" for loss in training["validation_losses"])
    yield f"- validation loss by epoch: {losses}; kept: epoch {training['best_epoch'] + 1}"
    yield (
        f"- prompts cut to {about.settings.max_prompt_tokens} encoder tokens: {training['truncated']}; unknown tokens:"
        f" {training['unknown']} of {training['encoder_tokens']}"
    )
    yield f"- training rows by bucket: {', '.join(map(str, training['bucket_counts']))}"
    yield ""


def _scores(scores: Mapping[str, Any]) -> Iterator[str]:
    names = [name for name, values in scores.items() if values]
    yield "## Scores"
    yield ""
    yield f"| | {' | '.join(name.replace('_', ' ') for name in names)} |"
    yield "|---|" + "---|" * len(names)
    for key in scores[names[0]]:
        yield f"| {key} | {' | '.join(_number(scores[name][key]) for name in names)} |"
    yield ""


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def _use(about: About) -> Iterator[str]:
    yield "## Use"
    yield ""
    yield "Judge it with `s3sim predictor evaluate FOLDER`, apply it with `s3sim predictor record FOLDER TRACE OUT`."
    yield "It knows nothing of a sampled answer: the same prompt answered twice may differ by more than its error."
