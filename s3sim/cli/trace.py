"""`s3sim trace`: look at traces, convert them, and make others.

The work is imported by the command that needs it, so that --help is quick.
"""

from pathlib import Path
from typing import Annotated, Literal

import typer

from s3sim.cli.options import AsJson

__all__ = ["trace_app"]

trace_app = typer.Typer(help="Look at traces, and make others.", no_args_is_help=True, rich_markup_mode=None)

Source = Annotated[Path, typer.Argument(help="A trace in a format of `s3sim list formats`; .gz is understood.")]
Target = Annotated[Path, typer.Argument(help="The file to write: .csv, .parquet, .jsonl, or one of the format's.")]
Form = Annotated[str, typer.Option("--format", help="The file's format; auto goes by suffix and columns.")]
Column = Annotated[
    list[str] | None,
    typer.Option("--column", metavar="NAME=COLUMN", help="The file's name for a column, as in output_tokens=len."),
]
Constant = Annotated[
    list[str] | None,
    typer.Option("--constant", metavar="NAME=VALUE", help="A value for a column that the file lacks."),
]
Invalid = Annotated[
    Literal["error", "drop"], typer.Option("--invalid-rows", help="Rows without lengths: an error, or left out.")
]
Unit = Annotated[
    Literal["s", "ms", "us", "ns", "ps"] | None, typer.Option("--time-unit", help="Of the arrivals [the format's].")
]
Sort = Annotated[bool, typer.Option("--sort", help="Put rows in order of arrival.")]
TokenizerPath = Annotated[
    Path | None, typer.Option("--tokenizer", help="tokenizer.json or encoder.json, where the file holds texts.")
]
Prune = Annotated[
    Literal["none", "vllm"], typer.Option("--prune", help="Leave out rows by length; vllm: as its ShareGPT loader.")
]
Seed = Annotated[int, typer.Option(min=0, help="Of all that is drawn.")]
To = Annotated[str, typer.Option("--to", help="The format to write; auto is s3sim's own of that suffix.")]


@trace_app.command()
def stats(
    file: Source,
    form: Form = "auto",
    column: Column = None,
    constant: Constant = None,
    invalid_rows: Invalid = "error",
    time_unit: Unit = None,
    sort: Sort = False,
    tokenizer: TokenizerPath = None,
    prune: Prune = "none",
    as_json: AsJson = False,
    plots: Annotated[Path | None, typer.Option(help="A folder for figures of lengths and arrivals.")] = None,
) -> None:
    """Print what a trace is like.

    Lengths, their tie, rate and burstiness; draws them with --plots.

    \b
    Examples:
      s3sim trace stats conversations.csv
      s3sim trace stats log.csv --column output_tokens=len --json
    """
    from s3sim.cli.trace_commands import Reading, stats_command  # noqa: PLC0415

    reading = Reading(file, form, column, constant, invalid_rows, time_unit, sort, tokenizer, prune)
    stats_command(reading, as_json=as_json, plots=plots)


@trace_app.command()
def convert(
    file: Source,
    out: Target,
    form: Form = "auto",
    to: To = "auto",
    column: Column = None,
    constant: Constant = None,
    invalid_rows: Invalid = "error",
    time_unit: Unit = None,
    sort: Sort = False,
    tokenizer: TokenizerPath = None,
    prune: Prune = "none",
) -> None:
    """Write a trace in another format.

    What that format does not hold is said.

    \b
    Examples:
      s3sim trace convert azure.csv trace.parquet
      s3sim trace convert trace.csv bench.jsonl --to mooncake
    """
    from s3sim.cli.trace_commands import Reading, convert_command  # noqa: PLC0415

    reading = Reading(file, form, column, constant, invalid_rows, time_unit, sort, tokenizer, prune)
    convert_command(reading, out, to=to)


@trace_app.command()
def generate(
    out: Target,
    requests: Annotated[int, typer.Option(min=1, help="How many.")],
    lengths: Annotated[
        str,
        typer.Option(
            help="A preset of `s3sim list workloads`, a trace file whose rows are drawn with replacement, or YAML:"
            " '{prompt: {kind: uniform, low: 1, high: 99}, output: {kind: geometric, mean: 60}, spearman: 0.2}'."
        ),
    ],
    arrivals: Annotated[
        str, typer.Option(help="As in an experiment: '{kind: poisson, rate: 4}', gamma, markov_modulated, diurnal, ...")
    ] = "{kind: offline}",
    seed: Seed = 0,
    to: To = "auto",
) -> None:
    """Make a synthetic trace.

    \b
    Examples:
      s3sim trace generate out.csv --requests 1000 --lengths alpaca
      s3sim trace generate out.csv --requests 1000 --lengths alpaca --arrivals '{kind: poisson, rate: 4}'
    """
    from s3sim.cli.trace_commands import generate_command  # noqa: PLC0415

    generate_command(out, requests=requests, lengths=lengths, arrivals=arrivals, seed=seed, to=to)


@trace_app.command()
def sample(
    file: Source,
    out: Target,
    requests: Annotated[int | None, typer.Option(min=1, help="How many [default: as many as there are].")] = None,
    how: Annotated[
        Literal["random", "first", "resample"],
        typer.Option(help="random: different rows, in order; resample: with replacement, all at time 0."),
    ] = "random",
    window: Annotated[
        tuple[float, float] | None, typer.Option(metavar="START END", help="Only arrivals in these seconds.")
    ] = None,
    form: Form = "auto",
    seed: Seed = 0,
    to: To = "auto",
) -> None:
    """Write a part of a trace.

    \b
    Examples:
      s3sim trace sample trace.csv part.csv --requests 100
      s3sim trace sample trace.csv hour.csv --window 0 3600
    """
    from s3sim.cli.trace_commands import Reading, sample_command  # noqa: PLC0415

    sample_command(Reading(file, form), out, requests=requests, how=how, window=window, seed=seed, to=to)


@trace_app.command()
def scale(
    file: Source,
    out: Target,
    rate: Annotated[float | None, typer.Option(help="Stretch the times to this mean rate, in requests/s.")] = None,
    time: Annotated[float | None, typer.Option(help="Multiply the times; 0.5 doubles the rate.")] = None,
    prompt: Annotated[float, typer.Option(help="Multiply the prompt tokens.")] = 1.0,
    output: Annotated[float, typer.Option(help="Multiply the output tokens.")] = 1.0,
    form: Form = "auto",
    to: To = "auto",
) -> None:
    """Write a trace with other times, lengths.

    \b
    Examples:
      s3sim trace scale trace.csv fast.csv --rate 20
    """
    from s3sim.cli.trace_commands import Reading, scale_command  # noqa: PLC0415

    scale_command(Reading(file, form), out, rate=rate, time=time, prompt=prompt, output=output, to=to)
