"""What the commands of `s3sim predictor` do."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from s3sim.api.predictor import moved, record
from s3sim.cli.plain import print_json, rows_of
from s3sim.cli.sheets import show
from s3sim.core.errors import InputError
from s3sim.learn.packages import use_threads
from s3sim.learn.settings import Settings
from s3sim.learn.source import Source

if TYPE_CHECKING:
    from s3sim.learn.encoding import TextCounts
    from s3sim.learn.evaluation import Evaluation
    from s3sim.learn.training import OnStep, Report

__all__ = ["evaluate_command", "record_command", "settings_of", "source_of", "train_command"]


def source_of(data: Path, *, ident: str | None, served: Path | None, tokenizer: Path | None, **fields: Any) -> Source:
    """A source of the command line's options."""
    names: dict[str, Any] = {"served": served and str(served), "tokenizer": tokenizer and str(tokenizer)}
    return Source(path=str(data), id=ident, **names, **fields)


def settings_of(chosen: Mapping[str, Any]) -> Settings:
    """Settings of the command line's options."""
    return Settings(**chosen)


def train_command(
    source: Source, settings: Settings, *, out: Path, threads: int, resume: bool, overwrite: bool, as_json: bool
) -> None:
    """Train with a progress bar, then print the scores."""
    use_threads(threads)
    from s3sim.cli.predictor_tables import score_table  # noqa: PLC0415
    from s3sim.learn.metrics import Scores  # noqa: PLC0415
    from s3sim.learn.train import train  # noqa: PLC0415

    with _progress() as on_step:
        model = train(source, settings, out=out, resume=resume, overwrite=overwrite, on_step=on_step)
    facts = model.about.training
    if as_json:
        print_json({"model": out, "scores": model.about.scores, "data": model.about.data, "training": facts})
    else:
        scores = {name: Scores(**values) for name, values in model.about.scores.items()}
        show(score_table(scores, title=str(out)), Console())
    for line in _left_out(model.about.data):
        _say(line)
    if facts["truncated"]:
        _say(f"{facts['truncated']} prompts were cut to {settings.max_prompt_tokens} encoder tokens")
    _say(_unknown(facts["unknown"], facts["encoder_tokens"]))
    _say(f"model: {out}")


@contextmanager
def _progress() -> Iterator["OnStep"]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    shown = Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True))
    task = shown.add_task("training", total=None)
    with ExitStack() as entered:

        def on_step(report: "Report") -> None:
            if not shown.live.is_started:  # only now: unusable input gets a message and nothing else
                entered.enter_context(shown)
            done = report.progress
            losses = "" if not done.validation_losses else f", validation {done.validation_losses[-1]:.3f}"
            text = f"epoch {done.epoch + 1}: loss {report.loss:.3f}{losses}"
            shown.update(task, completed=done.step, total=report.steps, description=text)

        yield on_step


def _left_out(data: Mapping[str, Any]) -> Iterator[str]:
    words = {
        "empty_prompts": "rows with an empty prompt were left out",
        "invalid_lengths": "rows without a length of at least 1 were left out",
        "unserved": "rows have no served output and were left out",
        "unasked": "served outputs have no prompt",
    }
    for name, text in words.items():
        if data[name]:
            yield f"{data[name]} of {data['rows']} {text}" if name != "unasked" else f"{data[name]} {text}"


def _unknown(unknown: int, tokens: int) -> str:
    share = unknown / max(tokens, 1)
    hint = "; the encoder may not know this language" if share > 0.05 else ""
    return f"{unknown} of {tokens} encoder tokens are unknown ({share:.1%}){hint}"


def _fit(counts: "TextCounts", limit: int) -> Iterator[str]:
    if counts.truncated:
        yield f"{counts.truncated} of {counts.prompts} prompts were cut to {limit} encoder tokens"
    if counts.unknown:
        yield _unknown(counts.unknown, counts.tokens)


def _say(line: str) -> None:
    Console(stderr=True).print(line, soft_wrap=True, highlight=False, markup=False)


def evaluate_command(
    folder: Path,
    source: Source | None,
    *,
    training: tuple[Path | None, Path | None],
    out: Path | None,
    worth: bool,
    overrides: Sequence[str],
    threads: int,
    as_json: bool,
) -> None:
    """Judge, print, and write what --out asks for."""
    use_threads(threads)
    from s3sim.api.predictor_files import write_evaluation  # noqa: PLC0415
    from s3sim.api.predictor_worth import worth_of  # noqa: PLC0415
    from s3sim.cli.predictor_tables import difference_table, score_table, worth_table  # noqa: PLC0415
    from s3sim.learn.evaluation import evaluate  # noqa: PLC0415
    from s3sim.learn.model import load_model  # noqa: PLC0415

    if overrides and not worth:
        raise InputError("--set changes the simulation of --worth: ask for it")
    model = load_model(folder)
    found = evaluate(model, source=source, training=moved(Source.from_json(model.about.source), *training))
    table = worth_of(found, overrides=overrides) if worth else None
    if as_json:
        print_json(found.to_json() | ({} if table is None else {"worth": rows_of(table)}))
    else:
        console = Console()
        show(score_table(found.scores, title=f"{folder}: {len(found.rows)} rows"), console)
        show(difference_table(found.differences()), console)
        if table is not None:
            show(worth_table(table), console)
    for line in _remarks(found, model.about.settings.max_prompt_tokens):
        _say(line)
    if out is not None:
        for path in write_evaluation(found, out, name=folder.name, worth=table):
            _say(str(path))


def _remarks(found: "Evaluation", limit: int) -> Iterator[str]:
    yield from found.notes
    yield from _fit(found.counts, limit)
    if found.seen:
        yield f"{found.seen} of {len(found.rows)} rows have prompts that were trained on: they flatter the model"


def record_command(
    folder: Path, trace: Path, out: Path, *, value: str, join: Mapping[str, Any], threads: int, overwrite: bool
) -> None:
    """Predict, write, and say how the prompts fitted."""
    use_threads(threads)
    from s3sim.learn.model import load_model  # noqa: PLC0415

    model = load_model(folder)
    done = record(folder, trace, out, value=value, overwrite=overwrite, threads=threads, **join)
    print(f"{out}: {done.rows} predictions")  # noqa: T201
    if done.empty_prompts:
        _say(f"{done.empty_prompts} prompts are empty, and were predicted as such")
    for line in _fit(done.counts, model.about.settings.max_prompt_tokens):
        _say(line)
